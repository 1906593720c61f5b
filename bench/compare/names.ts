/** What the rows are called: who measures them and who holds them against each other must mean the same. */

export const PIPELINED_SETS = 'sets, pipelined'
export const BLOCKING_SET = 'set, one at a time, blocking'
export const PROMISED_SET = 'set, one at a time, promises'
export const PACED_SETS = 'sets at half the peak rate'
export const PIPELINED_CREATES = 'creates, pipelined'
export const LOCAL_GETS = 'gets, one thread'
export const BLOCKING_GET = 'get through a server, one at a time'

export const OURS = 'quorumtree'
export const ZOOKEEPER = 'ZooKeeper'
export const ETCD = 'etcd'
export const LMDB = 'lmdb getBinary'

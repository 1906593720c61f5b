/** What must hold once all is quiet: the trees are what the committed transactions make, on disk as well. */

import { ByteReader } from '../../lib/base/bytes.ts'
import { childOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import { decodePayload } from '../../lib/base/txn.ts'
import { NO_SESSION, type Zxid } from '../../lib/base/zxid.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import { type Execution, same } from './execution.ts'
import type { SimPeer } from './peer.ts'
import { recover } from './recovery.ts'
import { holds } from './violation.ts'

/** One tree node for node; that the others equal it, their digests tell. */
export function checkTree({ sid, tree }: SimPeer, { book, sessions }: Execution): void {
  const paths: ZPath[] = [ROOT]
  // Grows while it is walked.
  for (const path of paths) {
    const node = tree!.node(path)!
    const expected = book.now(path)
    const names = [...node.children].sort()
    const equal =
      expected !== undefined &&
      same(tree!.statOf(node), expected.stat) &&
      same(node.data, expected.data) &&
      same(names, [...expected.names].sort())
    holds(equal, 'Agreement', () => `${path} on P${sid} is not what was committed`)
    const { ephemeralOwner } = node
    const owned = ephemeralOwner === NO_SESSION || sessions.get(ephemeralOwner)?.open === true
    holds(
      owned && (ephemeralOwner === NO_SESSION || tree!.session(ephemeralOwner) !== undefined),
      'EphemeralOwner',
      () => {
        return `${path} on P${sid} outlives its session`
      },
    )
    for (const name of names) paths.push(childOf(path, name))
  }
}

/** What a peer would have if it lost power now. */
export function checkDisk(peer: SimPeer): void {
  const { peer: found, tree } = recover(peer.disk.safe, true)
  for (const { first, payload } of found.history.groups) {
    const { time, txns } = decodePayload(new ByteReader(payload))
    txns.forEach((txn, at) => {
      tree.apply(txn, (first + at) as Zxid, time)
    })
  }
  const live: Tree = peer.tree!
  holds(tree.zxid === live.zxid && tree.digest === live.digest, 'Recovery', () => {
    return `the disk of P${peer.sid} holds another tree than its memory`
  })
}

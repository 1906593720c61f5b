/**
 * ZOOKEEPER-2832: the leader told how to bring a follower up to date from the order of zxids alone. A follower had
 * logged something that no other peer had, and its last zxid lay between two that the leader knew: the leader sent
 * what comes after, and the foreign entry stayed in the follower's log for ever.
 *
 * Here a follower says where each epoch ends in its log, and the leader cuts where the two logs part. All pairs of
 * logs that three reigns of at most two proposals can leave behind are brought together: nothing common is cut,
 * nothing foreign stays, and a DIFF, a TRUNC or a SNAP is sent where it should be.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, LOG_START, pointOf } from '../../lib/base/group.ts'
import { epochOf, makeEpoch } from '../../lib/base/zxid.ts'
import { Cluster } from '../zab/cluster.ts'
import { type Disk, emptyDisk } from '../zab/disks.ts'
import { makeGroups } from './follower.ts'
import { findTogether, lastOf } from './zab-steps.ts'

const EPOCHS = 3
const PROPOSALS = 2

type Log = readonly Group[]

function endOf(log: Log): typeof LOG_START {
  const last = log.at(-1)
  return last === undefined ? LOG_START : pointOf(last)
}

function prefixes(log: Log): Log[] {
  return Array.from({ length: log.length + 1 }, (_, length) => log.slice(0, length))
}

/**
 * What each leader of epochs 1, 2, … had in its log at the end of its reign, in every way that is possible: a leader
 * begins with some part of an earlier leader's log.
 */
function* histories(leaders: readonly Log[] = []): Generator<readonly Log[]> {
  if (leaders.length === EPOCHS) {
    yield leaders
    return
  }
  const bases = leaders.length === 0 ? [[]] : distinct(leaders.flatMap(prefixes))
  for (const base of bases) {
    const own = makeGroups(PROPOSALS, leaders.length + 1, endOf(base))
    yield* histories([...leaders, [...base, ...own]])
  }
}

function nameOf(log: Log): string {
  return log.map(({ chain }) => chain).join()
}

function distinct(logs: readonly Log[]): Log[] {
  return [...new Map(logs.map(log => [nameOf(log), log])).values()]
}

function diskOf(log: Log): Disk {
  const epoch = makeEpoch(epochOf(endOf(log).zxid))
  return { ...emptyDisk(), groups: [...log], epochs: { acceptedEpoch: epoch, currentEpoch: epoch } }
}

/** Every pair of logs that one history can leave on two peers, the better one first. */
function pairs(): (readonly [Log, Log])[] {
  const found = new Map<string, readonly [Log, Log]>()
  for (const leaders of histories()) {
    const logs = distinct(leaders.flatMap(prefixes))
    for (const better of logs) {
      for (const other of logs) {
        if (endOf(other).zxid > endOf(better).zxid) continue
        found.set(`${nameOf(better)} ${nameOf(other)}`, [better, other])
      }
    }
  }
  return [...found.values()]
}

test('whatever two logs there are, they meet where they part', () => {
  const counts = { diff: 0, trunc: 0 }
  for (const [better, other] of pairs()) {
    const cluster = new Cluster([1, 2])
    cluster.start(1, diskOf(other))
    cluster.start(2, diskOf(better))
    findTogether(cluster)
    assert.equal(cluster.leader?.sid, 2)
    const { disk } = cluster.peer(1)
    assert.deepEqual(disk.groups, better)
    const said = cluster.log.filter(({ from }) => from === 2).map(({ message }) => message)
    const join = said.find(({ kind }) => kind === 'diff' || kind === 'trunc' || kind === 'snap')
    const common = better.filter((group, at) => other[at]?.chain === group.chain)
    assert.ok(join?.kind === 'diff' || join?.kind === 'trunc', 'no snapshot is needed')
    assert.deepEqual(join.join, endOf(common), 'cut where they part')
    assert.equal(join.kind, common.length < other.length ? 'trunc' : 'diff')
    counts[join.kind]++
  }
  assert.ok(counts.diff > 50 && counts.trunc > 50, `${counts.diff} DIFF, ${counts.trunc} TRUNC`)
})

test('an entry nobody else has goes, although its zxid lies between two of the others', () => {
  const committed = makeGroups(1, 1)
  const foreign = makeGroups(1, 2, endOf(committed))
  const later = makeGroups(1, 3, endOf(committed))
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid, diskOf([...committed, ...later]))
  findTogether(cluster)
  cluster.start(1, diskOf([...committed, ...foreign]))
  findTogether(cluster)
  assert.deepEqual(cluster.peer(1).disk.groups, [...committed, ...later])
  assert.deepEqual(cluster.peer(1).texts, ['e1c1', 'e3c1'])
  assert.equal(lastOf(cluster.peer(1).disk).zxid, cluster.leader?.zab.view.last)
})

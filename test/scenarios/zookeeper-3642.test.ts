/**
 * ZOOKEEPER-3642 and 5094: a connection that broke in the middle of a SNAP or a TRUNC left the follower's tree in
 * memory ahead of its disk. It then asked for what follows its memory, and the log on disk had a hole.
 *
 * Here nothing of a synchronisation is in memory before it is on disk. The connection breaks, or the follower dies, at
 * every message of a SNAP and of a TRUNC; the next vote is that of the disk, and in the end both logs are the same.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WriteRequest } from '../../lib/base/request.ts'
import { makeEpoch } from '../../lib/base/zxid.ts'
import { create, remove, set } from '../replica/support.ts'
import { Cluster } from '../zab/cluster.ts'
import { type Disk, diskWith, diskWithSnapshot } from '../zab/disks.ts'
import { Chronicle } from './chronicle.ts'
import { explore } from './explore.ts'
import { makeGroups } from './follower.ts'
import { HandEnsemble } from './hand-ensemble.ts'
import { copyOf, die, findTogether, lastOf, stepsOf, Walk, Witness } from './zab-steps.ts'

const EPOCH = makeEpoch(2)
const LATER = makeEpoch(3)
/** Steps whose order is in question; the others go on as they come. */
const OURS = ['1>3', '3>1', 'write 1', 'load']

/** What is in memory is on disk, or on its way there in the write that is under way. */
function assertTogether(cluster: Cluster): void {
  const { zab, disk, persist, staged } = cluster.peer(1)
  if (persist === undefined && zab.view.role === 'looking') {
    assert.equal(zab.view.last, lastOf(disk).zxid, 'memory is not ahead of the disk')
  }
  if (staged.at(-1) === 'switch') assert.ok(disk.snapshot, 'the tree follows the disk')
}

function breakEverywhere(begin: () => Cluster, came: 'snap' | 'trunc', breaksMax: number): void {
  let broken = 0
  explore(choose => {
    const cluster = begin()
    const witness = new Witness(cluster)
    let walk = new Walk(choose)
    for (let breaks = 0; breaks < breaksMax; ) {
      const all = stepsOf(cluster, 'message')
      const usual = all.find(({ name }) => !OURS.includes(name))
      if (usual !== undefined) {
        usual.take()
        continue
      }
      // Not before it began, and not after it ended.
      const isUnderWay = cluster.kinds(3, 1).includes(came) && !cluster.peer(1).zab.view.serving
      const step = isUnderWay ? walk.pick(all, true) : all[0]
      if (step !== undefined) {
        step.take()
        assertTogether(cluster)
        witness.look()
        continue
      }
      if (!isUnderWay) break
      breaks++
      broken++
      walk = new Walk(choose)
      if (choose(2) === 0) {
        cluster.cut(1, 3)
        assertTogether(cluster)
        cluster.link(1, 3)
      } else {
        cluster.start(1, die(cluster, 1, choose))
      }
    }
    findTogether(cluster)
    witness.assertKept()
    assert.equal(lastOf(cluster.peer(1).disk).zxid, cluster.leader?.zab.view.last)
    assert.ok(cluster.peer(1).zab.history.contiguous())
  }, 200_000)
  assert.ok(broken > 0)
}

function threeWith(mine: Disk, theirs: () => Disk): Cluster {
  const cluster = new Cluster([1, 2, 3])
  cluster.snapshotChunks = 2
  for (const sid of [2, 3]) cluster.start(sid, theirs())
  cluster.tick(10)
  assert.equal(cluster.leader?.sid, 3)
  cluster.start(1, mine)
  return cluster
}

test('a SNAP that is broken off at any message', () => {
  breakEverywhere(() => threeWith(diskWith(1, 1), () => diskWithSnapshot(1, 3, 2)), 'snap', 1)
})

test('a TRUNC that is broken off at any message', () => {
  const mine = diskWith(1, 1)
  // What it proposed alone, before the others went on without it.
  mine.groups.push(...makeGroups(2, 2, lastOf(mine)))
  mine.epochs = { acceptedEpoch: EPOCH, currentEpoch: EPOCH }
  const theirs = () => {
    const disk = diskWith(1, 1)
    disk.groups.push(...makeGroups(1, 3, lastOf(disk)))
    disk.epochs = { acceptedEpoch: LATER, currentEpoch: LATER }
    return disk
  }
  breakEverywhere(() => threeWith(copyOf(mine), theirs), 'trunc', 2)
})

interface Break {
  readonly name: string
  readonly happen: (ensemble: HandEnsemble, landed: boolean) => void
}

const BREAKS: readonly Break[] = [
  {
    name: 'the connection breaks',
    happen: ensemble => {
      ensemble.cut(1, 3)
      ensemble.link(1, 3)
    },
  },
  {
    name: 'the follower dies',
    happen: (ensemble, landed) => void ensemble.start(1, ensemble.crash(1, landed)),
  },
  {
    name: 'the leader dies',
    happen: (ensemble, landed) => void ensemble.start(3, ensemble.crash(3, landed)),
  },
]

/** 1 has nothing but its promises; 3 leads, with a snapshot or without. */
function withDamagedPeer(snapshotLogBytes: number) {
  const ensemble = new HandEnsemble({ snapshotLogBytes, snapshotChunkBytes: 100 })
  const client = ensemble.join('client', 3)
  const write = (...requests: readonly WriteRequest[]) => {
    for (const request of requests) client.ask(request)
    client.pump()
  }
  ensemble.findTogether()
  write(create('/p'), create('/q'), create('/p/e', { ephemeral: true }), set('/q', 'old'))
  ensemble.findTogether()
  const disk = ensemble.crash(1)
  write(create('/p/f'), remove('/p/e'))
  ensemble.settle()
  disk.damaged = true
  const chronicle = new Chronicle()
  for (const peer of ensemble.peers.values()) chronicle.note(peer)
  ensemble.onTurn = peer => chronicle.note(peer)
  ensemble.start(1, disk)
  write(set('/q', 'meanwhile'), create('/p/e'))
  return ensemble
}

for (const { name, happen } of BREAKS) {
  for (const snapshotLogBytes of [100, Number.MAX_SAFE_INTEGER]) {
    const from = snapshotLogBytes === 100 ? 'a snapshot' : 'the empty tree and the whole log'
    test(`${name} at any step while a damaged peer gets ${from}`, () => {
      for (let steps = 0; ; steps++) {
        const ensemble = withDamagedPeer(snapshotLogBytes)
        let taken = 0
        while (taken < steps && ensemble.advance()) taken++
        if (taken < steps) break
        happen(ensemble, steps % 2 === 1)
        ensemble.findTogether()
        ensemble.assertEqual()
        const { core, disk } = ensemble.peer(1)
        assert.ok(core.zab.trusted && !disk.damaged, `it is whole again after ${steps} steps`)
        const { groups, base } = disk.recover().peer.history
        assert.equal(groups.at(-1)?.last ?? base.zxid, core.tree.zxid)
      }
    })
  }
}

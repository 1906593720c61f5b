import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, LOG_START, type LogPoint, makeGroup } from '../../lib/base/group.ts'
import { type Epoch, makeEpoch, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerInput } from '../../lib/peer/core.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { Persist, SnapshotHead } from '../../lib/zab/types.ts'
import { SimDisk } from './disk.ts'
import { stream } from './knobs.ts'
import { recover } from './recovery.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

const EPOCH = makeEpoch(1)
const HOUR_US = 3_600_000_000

function groupAfter(point: LogPoint, epoch: Epoch = EPOCH): Group {
  const counter = point.zxid >= makeZxid(epoch, 1) ? (point.zxid % 2 ** 32) + 1 : 1
  const zxid = makeZxid(epoch, counter)
  return makeGroup(point, zxid, zxid, new Uint8Array([counter]), counter)
}

function log(length: number): Group[] {
  const groups: Group[] = []
  let point = LOG_START
  for (let i = 0; i < length; i++) {
    const group = groupAfter(point)
    groups.push(group)
    point = pointOf(group)
  }
  return groups
}

function pointOf({ last, chain }: Group): LogPoint {
  return { zxid: last, chain }
}

function write(writeId: number, change: Partial<Persist>): StoreTask {
  const persist: Persist = {
    writeId,
    epochs: { acceptedEpoch: EPOCH, currentEpoch: EPOCH },
    install: undefined,
    truncateAfter: undefined,
    groups: [],
    committed: 0 as Zxid,
    ...change,
  }
  return { kind: 'write', persist }
}

function openDisk() {
  const world = new World({
    seed: 1,
    knobs: { diskUs: { low: 1_000, high: 1_000 }, snapshotsKept: 1 },
  })
  const disk = new SimDisk(world, stream(1, 0))
  const reports: PeerInput[] = []
  disk.open(input => reports.push(input))
  return { disk, reports, agenda: world.agenda }
}

/** An image of the empty tree, as a snapshot under this point. */
function emptySnapshot(point: LogPoint): { head: SnapshotHead; chunk: Uint8Array } {
  const tree = new Tree()
  const { digest } = tree.beginImage('full')
  const chunk = tree.nextImageChunk(1_000)
  assert.ok(chunk)
  return { head: { point, digest, epochEnds: [point] }, chunk }
}

test('a write is answered when it is safe, and survives from then on', () => {
  const { disk, reports, agenda } = openDisk()
  const groups = log(3)
  disk.run([write(1, { groups })])
  agenda.runUntil(999)
  assert.deepEqual(reports, [])
  agenda.runUntil(1_000)
  assert.deepEqual(reports, [{ kind: 'persisted', writeId: 1 }])
  disk.crash(0)
  assert.deepEqual(disk.safe.groups, groups)
})

test('a write under way at a crash is there wholly or not at all, and never answered', () => {
  for (const share of [0, 1]) {
    const { disk, reports, agenda } = openDisk()
    const groups = log(3)
    disk.run([write(1, { groups }), write(2, { groups: [] })])
    agenda.runUntil(500)
    disk.crash(share)
    agenda.runUntil(HOUR_US)
    assert.deepEqual(disk.safe.groups, share === 0 ? [] : groups)
    assert.deepEqual(reports, [])
  }
})

test('of what is written but not synced a prefix survives a crash', () => {
  const { disk, agenda } = openDisk()
  const { head, chunk } = emptySnapshot(pointOf(log(2)[1]!))
  disk.run([
    write(1, { groups: log(2) }),
    { kind: 'snapshotBegin', head, full: true },
    { kind: 'snapshotChunk', bytes: chunk },
    { kind: 'snapshotCommit' },
  ])
  agenda.runUntil(4_000)
  assert.equal(disk.safe.snapshots.length, 1)
  assert.equal(disk.safe.groups.length, 2, 'the purge that followed is not synced')
  disk.crash(1)
  assert.equal(disk.safe.groups.length, 0)
})

test('what was staged is gone after a crash, and installed with the write that names it', () => {
  const { disk, agenda } = openDisk()
  const point = pointOf(log(5)[4]!)
  const { head, chunk } = emptySnapshot(point)
  disk.run([{ kind: 'stage', bytes: chunk }])
  agenda.runUntil(1_000)
  disk.crash(1)
  disk.open(() => undefined)
  disk.run([{ kind: 'stage', bytes: chunk }, write(1, { install: head })])
  agenda.runUntil(HOUR_US)
  assert.deepEqual(disk.safe.last, point)
  assert.deepEqual(disk.safe.snapshots, [{ head, images: [[chunk]] }])
  const { peer, tree } = recover(disk.safe, true)
  assert.deepEqual(peer.history.base, point)
  assert.equal(tree.digest, head.digest)
})

test('a hole in the log is found when it is written', () => {
  const { disk, agenda } = openDisk()
  const [first, , third] = log(3)
  disk.run([write(1, { groups: [first!, third!] })])
  assert.throws(() => agenda.runUntil(HOUR_US), Violation)
})

test('groups are loaded from where they follow, and missing elsewhere', () => {
  const { disk, reports, agenda } = openDisk()
  const groups = log(3)
  const after = pointOf(groups[0]!)
  disk.run([
    write(1, { groups }),
    { kind: 'load', load: { kind: 'groups', loadId: 1, after } },
    { kind: 'load', load: { kind: 'groups', loadId: 2, after: { ...after, chain: 0 } } },
    { kind: 'load', load: { kind: 'snapshot', loadId: 3 } },
  ])
  agenda.runUntil(HOUR_US)
  const loaded = reports.flatMap(report => (report.kind === 'loaded' ? [report.loaded] : []))
  assert.deepEqual(
    loaded.map(({ kind }) => kind),
    ['groups', 'missing', 'missing'],
  )
})

test('a truncated log is shorter on disk, whatever happens next', () => {
  const { disk, agenda } = openDisk()
  const groups = log(3)
  const truncateAfter = pointOf(groups[1]!)
  disk.run([write(1, { groups }), write(2, { truncateAfter })])
  agenda.runUntil(HOUR_US)
  disk.crash(0)
  assert.deepEqual(disk.safe.last, truncateAfter)
})

test('a log that is not trusted is not recovered, the promises are', () => {
  const { disk, agenda } = openDisk()
  disk.run([write(1, { groups: log(2) })])
  agenda.runUntil(HOUR_US)
  const { peer, tree } = recover(disk.safe, false)
  assert.equal(peer.trusted, false)
  assert.deepEqual(peer.history.groups, [])
  assert.equal(peer.epochs.currentEpoch, EPOCH)
  assert.equal(tree.zxid, 0)
})

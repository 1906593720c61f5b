import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, LOG_START, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { makeEpoch, type Zxid } from '../../lib/base/zxid.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { Persist, SnapshotHead } from '../../lib/zab/types.ts'
import { SimDisk } from './disk.ts'
import { DiskImage } from './disk-image.ts'
import { groupAfter } from './groups.ts'
import { stream } from './knobs.ts'
import { examine, recover } from './recovery.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

const EPOCH = makeEpoch(1)
const HOUR_US = 3_600_000_000

function log(length: number): Group[] {
  const groups: Group[] = []
  let point = LOG_START
  for (let i = 0; i < length; i++) {
    const group = groupAfter(point, EPOCH)
    groups.push(group)
    point = pointOf(group)
  }
  return groups
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
    knobs: { diskUs: { low: 1_000, high: 1_000 }, grainUs: 1, snapshotsKept: 1 },
  })
  const disk = new SimDisk(world, stream(1, 0))
  const reports: PeerInput[] = []
  const failures: string[] = []
  const user = {
    report: (input: PeerInput) => reports.push(input),
    failed: (what: string) => failures.push(what),
  }
  const open = () => disk.open(user, true)
  open()
  return { disk, reports, failures, open, agenda: world.agenda }
}

/** An image of the empty tree, as a snapshot under this point. */
function emptySnapshot(point: LogPoint): { head: SnapshotHead; chunk: Uint8Array } {
  const tree = new Tree()
  const { digest } = tree.beginImage('full')
  const chunk = tree.nextImageChunk(1_000)
  assert.ok(chunk)
  return { head: { point, digest, epochEnds: [point] }, chunk }
}

/** The tasks of a snapshot of the empty tree. */
function snapshotTasks(point: LogPoint): StoreTask[] {
  const { head, chunk } = emptySnapshot(point)
  return [
    { kind: 'snapshotBegin', head, full: true },
    { kind: 'snapshotChunk', bytes: chunk },
    { kind: 'snapshotCommit' },
  ]
}

function damageOf({ safe }: SimDisk): string {
  return examine(safe, false).damage ?? 'none'
}

test('a write is answered when it is safe, and survives from then on', () => {
  const { disk, reports, agenda } = openDisk()
  const groups = log(3)
  disk.run([write(1, { groups })])
  agenda.runUntil(999)
  assert.deepEqual(reports, [])
  agenda.runUntil(1_000)
  assert.deepEqual(reports, [{ kind: 'persisted', writeId: 1 }])
  disk.crash(false)
  assert.deepEqual(disk.safe.groups, groups)
})

test('a write under way at a crash is there wholly or not at all, and never answered', () => {
  for (const survives of [false, true]) {
    const { disk, reports, agenda } = openDisk()
    const groups = log(3)
    disk.run([write(1, { groups }), write(2, { groups: [] })])
    agenda.runUntil(500)
    disk.crash(survives)
    agenda.runUntil(HOUR_US)
    assert.deepEqual(disk.safe.groups, survives ? groups : [])
    assert.deepEqual(reports, [])
  }
})

test('log writes go before everything else, and an install waits for its chunks', () => {
  const { disk, reports, agenda } = openDisk()
  const groups = log(2)
  disk.run([...snapshotTasks(pointOf(groups[1]!)), write(1, { groups })])
  agenda.runUntil(2_000)
  assert.deepEqual(
    reports.map(({ kind }) => kind),
    ['snapshotStep', 'snapshotStep', 'persisted'],
  )
  agenda.runUntil(HOUR_US)
  assert.equal(disk.safe.heads.length, 1)
  const { head, chunk } = emptySnapshot(pointOf(log(5)[4]!))
  disk.run([
    { kind: 'stage', bytes: chunk },
    { kind: 'stage', bytes: new Uint8Array(0) },
    write(2, { install: head }),
  ])
  agenda.runUntil(HOUR_US + 3_000)
  assert.deepEqual(disk.safe.last, head.point)
})

test('what was staged is gone after a crash, and installed with the write that names it', () => {
  const { disk, open, agenda } = openDisk()
  const point = pointOf(log(5)[4]!)
  const { head, chunk } = emptySnapshot(point)
  disk.run([{ kind: 'stage', bytes: chunk }])
  agenda.runUntil(1_000)
  disk.crash(true)
  open()
  assert.equal(disk.safe.chunks.size, 0)
  disk.run([{ kind: 'stage', bytes: chunk }, write(1, { install: head })])
  agenda.runUntil(HOUR_US)
  assert.deepEqual(disk.safe.last, point)
  const { peer, tree } = recover(disk.safe, true)
  assert.deepEqual(peer.history.base, point)
  assert.equal(tree.digest, head.digest)
})

test('a hole in the log is found when it is written', () => {
  const { disk, agenda } = openDisk()
  const [first, , third] = log(3)
  const tries = (): void => {
    disk.run([write(1, { groups: [first!, third!] })])
    agenda.runUntil(HOUR_US)
  }
  assert.throws(tries, Violation)
})

test('groups are loaded from where they follow, and missing elsewhere', () => {
  const { disk, reports, agenda } = openDisk()
  const groups = log(3)
  const after = pointOf(groups[0]!)
  disk.run([write(1, { groups })])
  agenda.runUntil(HOUR_US)
  disk.run([
    { kind: 'load', load: { kind: 'groups', loadId: 1, after } },
    { kind: 'load', load: { kind: 'groups', loadId: 2, after: { ...after, chain: 0 } } },
    { kind: 'load', load: { kind: 'snapshot', loadId: 3 } },
  ])
  agenda.runUntil(2 * HOUR_US)
  const loaded = reports.flatMap(report => (report.kind === 'loaded' ? [report] : []))
  assert.deepEqual(
    loaded.map(({ loadId, loaded }) => [loadId, loaded.kind]),
    [
      [3, 'missing'],
      [1, 'groups'],
      [2, 'missing'],
    ],
  )
})

test('a truncated log is shorter on disk, whatever happens next', () => {
  const { disk, agenda } = openDisk()
  const groups = log(3)
  const truncateAfter = pointOf(groups[1]!)
  disk.run([write(1, { groups })])
  agenda.runUntil(HOUR_US)
  disk.run([write(2, { truncateAfter })])
  agenda.runUntil(2 * HOUR_US)
  disk.crash(false)
  assert.deepEqual(disk.safe.last, truncateAfter)
})

test('the call that fails is the last; once it fails, or for a while', () => {
  for (const badForUs of [0, 5_000]) {
    const { disk, reports, failures, open, agenda } = openDisk()
    disk.failAfter(1, badForUs, false)
    disk.run([write(1, { groups: log(1) })])
    agenda.runUntil(1_500)
    disk.run([write(2, { groups: [] }), write(3, { groups: [] })])
    agenda.runUntil(3_000)
    assert.deepEqual(reports, [{ kind: 'persisted', writeId: 1 }])
    assert.deepEqual(failures, ['write'])
    assert.equal(open() === undefined, badForUs > 0)
    agenda.runUntil(HOUR_US)
    assert.ok(open() !== undefined)
    assert.equal(disk.safe.log.length, 1)
  }
})

test('a disk that is mended goes on with the call that was held up', () => {
  const { disk, reports, agenda } = openDisk()
  disk.stall(Number.POSITIVE_INFINITY)
  assert.ok(disk.isStuckIdle)
  disk.run([write(1, { groups: log(1) })])
  agenda.runUntil(HOUR_US)
  assert.deepEqual(reports, [])
  assert.ok(!disk.isStuckIdle)
  disk.mend()
  agenda.runUntil(HOUR_US + 1_000)
  assert.equal(reports.length, 1)
})

test('what recovery cannot prove is damage, and only promises are kept', () => {
  const { disk, agenda, open } = openDisk()
  disk.run([write(1, { groups: log(4) })])
  agenda.runUntil(HOUR_US)
  assert.equal(damageOf(disk), 'none')
  for (const flaw of ['bad', 'gone'] as const) {
    disk.safe.log[1]!.flaw = flaw
    assert.match(damageOf(disk), flaw === 'bad' ? /cannot be read/ : /hole/)
    disk.safe.log[1]!.flaw = undefined
  }
  disk.safe.meta!.flaw = 'bad'
  assert.match(damageOf(disk), /epochs cannot be read/)
  disk.crash(false)
  const found = open()
  assert.equal(found?.peer.trusted, false)
  assert.deepEqual(found.peer.history.groups, [])
  assert.equal(found.peer.epochs.currentEpoch, EPOCH, 'the log proves this epoch')
  disk.run([write(2, {})])
  agenda.runUntil(2 * HOUR_US)
  assert.match(damageOf(disk), /lost earlier/)
  const { head, chunk } = emptySnapshot(pointOf(log(5)[4]!))
  disk.run([{ kind: 'stage', bytes: chunk }, write(3, { install: head })])
  agenda.runUntil(3 * HOUR_US)
  assert.equal(damageOf(disk), 'none')
})

test('a spoilt snapshot is passed over when an older one and the log make up for it', () => {
  const { disk, open, agenda } = openDisk()
  const groups = log(4)
  disk.run([write(1, { groups: groups.slice(0, 2) })])
  agenda.runUntil(HOUR_US)
  disk.run(snapshotTasks(pointOf(groups[1]!)))
  agenda.runUntil(2 * HOUR_US)
  disk.run([write(2, { groups: groups.slice(2) })])
  agenda.runUntil(3 * HOUR_US)
  disk.run(snapshotTasks(pointOf(groups[3]!)))
  agenda.runUntil(4 * HOUR_US)
  const [older, newer] = disk.safe.heads.map(({ snapshot }) => snapshot.id)
  disk.safe.chunks.get(newer!)![0]!.flaw = 'bad'
  assert.equal(damageOf(disk), 'none')
  assert.ok(disk.safe.flawed)
  disk.crash(false)
  assert.deepEqual(open()?.peer.history.base, pointOf(groups[1]!))
  assert.ok(!disk.safe.flawed, 'it is removed')
  disk.safe.chunks.get(older!)![0]!.flaw = 'bad'
  assert.notEqual(damageOf(disk), 'none', 'now the log begins too late')
})

test('an empty disk has a vote only while the ensemble is being founded', () => {
  const empty = new DiskImage()
  assert.equal(recover(empty, true).peer.trusted, true)
  assert.equal(recover(empty, false).peer.trusted, false)
})

/**
 * The model disk against the store that ships, upon a real LevelDB: the same writes, starts and damage, and both must
 * find the same, keep the same and call the same damage. What the simulator says of disks is worth no more than this.
 */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { crc32 } from '../../lib/base/crc32.ts'
import { type Group, LOG_START, type LogPoint, makeGroup, pointOf } from '../../lib/base/group.ts'
import { type Epoch, epochOf, makeEpoch, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import { recoverPeer } from '../../lib/peer/recovery.ts'
import { StoreRunner } from '../../lib/peer/store-runner.ts'
import { chunkKey, headKey, logKey, META_KEY } from '../../lib/storage/keys.ts'
import type { Store } from '../../lib/storage/store.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { Persist, SnapshotHead } from '../../lib/zab/types.ts'
import type { RecoveredPeer } from '../../lib/zab/zab.ts'
import { openLevel, removeKey, withOwner } from '../storage/support.ts'
import { Prng } from '../support/prng.ts'
import { temporaryDirectory } from '../temporary.ts'
import { SimDisk } from './disk.ts'
import type { Flaw } from './disk-image.ts'
import { World } from './world.ts'

const CASES = 12
const STEPS = 40
const WHAT = [
  ...(['append', 'append', 'append', 'snapshot', 'snapshot'] as const),
  ...(['enter', 'cut', 'install', 'restart', 'harm', 'tail'] as const),
]
const HOUR_US = 3_600_000_000
const SNAPSHOTS_KEPT = 2

/** The same peer twice: on a model disk, and on a directory. */
class Twins {
  readonly disk: SimDisk
  readonly #world = new World({ seed: 1, knobs: { grainUs: 1, snapshotsKept: SNAPSHOTS_KEPT } })
  readonly #directory: string
  readonly #segmentBytes: number
  #store: Store | undefined
  #runner: StoreRunner | undefined
  #failure: unknown
  #answers = 0

  /** `segmentBytes`: how soon the directory's log is continued in another segment. */
  constructor(directory: string, segmentBytes: number) {
    this.disk = new SimDisk(this.#world, new Prng(1))
    this.#directory = directory
    this.#segmentBytes = segmentBytes
  }

  /** Ends the life of both and begins another; returns what both begin with. */
  async restart(founding: boolean): Promise<RecoveredPeer> {
    this.disk.crash(false)
    await this.#store?.close()
    const user = { report: () => undefined, failed: (what: string) => assert.fail(what) }
    const found = this.disk.open(user, founding)
    assert.ok(found !== undefined)
    const options = {
      ...{ snapshotsKept: SNAPSHOTS_KEPT, trusted: founding, segmentBytes: this.#segmentBytes },
    }
    const store = await openLevel(this.#directory, { ...options, durability: 'power' })
    const { peer, tree, damage } = await recoverPeer(store, founding)
    assert.deepEqual(
      { ...plain(found.peer), damaged: found.damage !== undefined, digest: found.tree.digest },
      { ...plain(peer), damaged: damage !== undefined, digest: tree.digest },
      `model: ${found.damage}; store: ${damage}`,
    )
    this.#store = store
    this.#runner = new StoreRunner(
      store,
      () => this.#answers++,
      error => {
        this.#failure = error
      },
    )
    return found.peer
  }

  /** Both do this to the end. */
  async run(tasks: readonly StoreTask[], answers: number): Promise<void> {
    const { agenda } = this.#world
    this.disk.run(tasks)
    agenda.runUntil(agenda.now + HOUR_US)
    const due = this.#answers + answers
    this.#runner!.run(tasks)
    while (this.#answers < due && this.#failure === undefined) {
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal(this.#failure, undefined)
  }

  /** Both lose the end of their log. */
  async loseTail(prng: Prng): Promise<void> {
    await this.#store?.close()
    const { safe } = this.disk
    const lost = safe.log.splice(-prng.between(1, 3))
    for (const { group } of lost) await removeKey(this.#directory, logKey(group.first))
  }

  /** Both have a record of this kind come to harm, if there is one; they must be started again before they go on. */
  async harm(prng: Prng, flaw: Flaw): Promise<void> {
    await this.#store?.close()
    const { log, heads, chunks, meta } = this.disk.safe
    const groups = flaw === 'bad' ? log : log.slice(0, -1)
    const records = [
      ...groups.map(record => ({ record, key: logKey(record.group.first) })),
      ...heads.map(record => ({ record, key: headKey(record.snapshot.id) })),
      ...heads.flatMap(({ snapshot: { id } }) =>
        (chunks.get(id) ?? []).map((record, at) => ({ record, key: chunkKey(id, at) })),
      ),
      ...(meta === undefined ? [] : [{ record: meta, key: META_KEY }]),
    ]
    const whole = records.filter(({ record }) => record.flaw === undefined)
    if (whole.length === 0) return
    const { record, key } = prng.pick(whole)
    await withOwner(this.#directory, key, async database => {
      const value = await database.get(key)
      // A damaged peer that begins another segment leaves the heads of useless snapshots behind, and may give their
      // numbers to others: what goes by a number is then not the same on both.
      if (value === undefined) return
      record.flaw = flaw
      if (flaw === 'gone') return await database.del(key)
      const harmed = value.slice()
      const at = prng.between(0, harmed.length - 1)
      harmed[at] = harmed[at]! ^ (1 << prng.between(0, 7))
      await database.put(key, harmed)
    })
  }

  async close(): Promise<void> {
    await this.#store?.close()
  }
}

function plain({ epochs, history, committed, trusted }: RecoveredPeer): object {
  const { logStart, base, groups, epochEnds } = history
  const lasts = groups.map(({ last }) => last)
  return { epochs, logStart, base, lasts, epochEnds: [...epochEnds], committed, trusted }
}

/** What a peer would write, in memory: enough of its log to go on from it. */
class Writer {
  readonly #prng: Prng
  #epoch = makeEpoch(1)
  #points: LogPoint[] = [LOG_START]
  #snapshotted: LogPoint = LOG_START
  #writeId = 0

  constructor(prng: Prng) {
    this.#prng = prng
  }

  get tail(): LogPoint {
    return this.#points.at(-1)!
  }

  resume({ history, epochs }: RecoveredPeer): void {
    this.#epoch = Math.max(epochs.acceptedEpoch, this.#epoch) as Epoch
    this.#snapshotted = history.base
    this.#points = [history.base, ...history.groups.map(pointOf)]
  }

  append(): StoreTask {
    return this.#write({ groups: this.#groups(this.#prng.between(1, 3)) })
  }

  enter(): StoreTask {
    this.#epoch = (this.#epoch + 1) as Epoch
    return this.#write({})
  }

  /** Undefined when nothing may be cut. */
  truncate(): StoreTask | undefined {
    const first = this.#points.findIndex(({ zxid }) => zxid >= this.#snapshotted.zxid)
    const last = this.#points.length - 2
    if (first === -1 || first > last) return undefined
    this.#points.length = this.#prng.between(first, last) + 1
    return this.#write({ truncateAfter: this.tail, groups: this.#groups(this.#prng.between(0, 2)) })
  }

  snapshot(full: boolean): StoreTask[] {
    const { head, chunk } = this.#image()
    this.#snapshotted = head.point
    return [
      { kind: 'snapshotBegin', head, full },
      ...(full ? [{ kind: 'snapshotChunk', bytes: chunk } as const] : []),
      { kind: 'snapshotCommit' },
    ]
  }

  install(): StoreTask[] {
    this.#epoch = (this.#epoch + 1) as Epoch
    const leaders = this.#groups(3)
    const point = pointOf(leaders.at(-1)!)
    this.#points = [point]
    this.#snapshotted = point
    const { head, chunk } = this.#image()
    return [
      { kind: 'stage', bytes: chunk },
      this.#write({ install: head, groups: this.#groups(2) }),
    ]
  }

  /** The empty tree, under the point the log ends at. */
  #image(): { head: SnapshotHead; chunk: Uint8Array } {
    const tree = new Tree()
    const { digest } = tree.beginImage('full')
    const chunk = tree.nextImageChunk(1_000)
    assert.ok(chunk)
    return { head: { point: this.tail, digest, epochEnds: [this.tail] }, chunk }
  }

  #groups(count: number): Group[] {
    return Array.from({ length: count }, () => {
      const { tail } = this
      const sameEpoch = epochOf(tail.zxid) === this.#epoch
      const zxid = sameEpoch ? ((tail.zxid + 1) as Zxid) : makeZxid(this.#epoch, 1)
      const payload = new Uint8Array([this.#prng.between(0, 255)])
      const group = makeGroup(tail, zxid, zxid, payload, crc32(payload))
      this.#points.push(pointOf(group))
      return group
    })
  }

  #write(change: Partial<Persist>): StoreTask {
    const epochs = { acceptedEpoch: this.#epoch, currentEpoch: this.#epoch }
    const nothing = { install: undefined, truncateAfter: undefined, groups: [] }
    const committed = this.#snapshotted.zxid
    const writeId = ++this.#writeId
    return { kind: 'write', persist: { writeId, epochs, committed, ...nothing, ...change } }
  }
}

async function live(t: TestContext, seed: number): Promise<void> {
  const prng = new Prng(seed)
  const twins = new Twins(await temporaryDirectory(t), prng.pick([0, 100, 1_000_000]))
  const writer = new Writer(prng)
  writer.resume(await twins.restart(true))
  let trusted = true
  for (let step = 0; step < STEPS; step++) {
    const what = prng.pick(WHAT)
    const isEmpty = writer.tail.zxid === 0
    if (what === 'restart' || what === 'harm' || what === 'tail') {
      if (what === 'tail') await twins.loseTail(prng)
      else if (what === 'harm') await twins.harm(prng, prng.pick(['bad', 'gone']))
      const peer = await twins.restart(false)
      writer.resume(peer)
      trusted = peer.trusted
    } else if (what === 'install' || (!trusted && what !== 'enter')) {
      await twins.run(writer.install(), 1)
      trusted = true
    } else if (what === 'append') {
      await twins.run([writer.append()], 1)
    } else if (what === 'enter') {
      await twins.run([writer.enter()], 1)
    } else if (what === 'cut') {
      const cut = writer.truncate()
      if (cut !== undefined) await twins.run([cut], 1)
    } else if (!isEmpty) {
      const full = twins.disk.newestChain === undefined || prng.chance(0.3)
      await twins.run(writer.snapshot(full), full ? 3 : 2)
    }
  }
  await twins.close()
}

test('the model disk and the store find, keep and miss the same', async t => {
  for (let seed = 1; seed <= CASES; seed++) {
    await t.test(`seed ${seed}`, inner => live(inner, seed))
  }
})

/** Whatever a store behind a journal does, and whenever it is killed: all that was acknowledged is there, not more. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type LogPoint, pointOf } from '../../lib/base/group.ts'
import { epochOf } from '../../lib/base/zxid.ts'
import type { Store } from '../../lib/storage/store.ts'
import { Prng } from '../support/prng.ts'
import { temporaryDirectory } from '../temporary.ts'
import {
  batch,
  copyOf,
  epochs,
  LogMaker,
  NO_IMAGE,
  openLevel,
  session,
  takeSnapshot,
} from './support.ts'

const SEEDS = 6
const STEPS = 60
/** Small and large, for the journal and not for it. */
const SIZES = [10, 100, 100, 100, 1_000, 5_000] as const
const STEPS_OF = [
  ...(['append', 'append', 'append', 'append', 'several', 'snapshot'] as const),
  ...(['cut', 'epoch', 'load', 'kill', 'kill', 'reopen'] as const),
]

/** One directory in all its lives, and the ends of the groups that must be in its log. */
class Subject {
  readonly #t: TestContext
  readonly #prng: Prng
  readonly #directory: string
  readonly #log = new LogMaker()
  #points: LogPoint[] = []
  /** Of `#points`: nothing before is cut. */
  #kept = 0
  #epoch = 1
  #store!: Store

  constructor(t: TestContext, prng: Prng, directory: string) {
    this.#t = t
    this.#prng = prng
    this.#directory = directory
  }

  async open(): Promise<void> {
    this.#store = await this.#openAt(this.#directory)
    await this.#store.recover(NO_IMAGE)
    await this.#store.write(batch({ epochs: epochs(this.#epoch) }))
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async step(): Promise<void> {
    const step = this.#prng.pick(STEPS_OF)
    switch (step) {
      case 'append':
        return this.#append(1)
      case 'several':
        return this.#append(this.#prng.between(2, 5))
      case 'snapshot':
        await takeSnapshot(this.#store, this.#log.point, 'full', 'image')
        this.#kept = this.#points.length
        return
      case 'cut':
        return this.#cut()
      case 'epoch':
        this.#epoch++
        return this.#store.write(batch({ epochs: epochs(this.#epoch) }))
      case 'load':
        return this.#load()
      case 'kill':
        return this.#kill()
      case 'reopen':
        await this.close()
        return this.open()
    }
  }

  #openAt(dataDir: string): Promise<Store> {
    const segmentBytes = this.#prng.pick([0, 10_000, 1_000_000])
    return openLevel(dataDir, { durability: 'process', segmentBytes, snapshotsKept: 2 })
  }

  async #append(count: number): Promise<void> {
    const groups = Array.from({ length: count }, () => {
      const isNew = epochOf(this.#log.point.zxid) < this.#epoch
      const epoch = isNew ? { epoch: this.#epoch } : {}
      return this.#log.next('group', { bytes: this.#prng.pick(SIZES), ...epoch })
    })
    await this.#store.write(batch({ groups, epochs: epochs(this.#epoch) }))
    this.#points.push(...groups.map(pointOf))
  }

  async #cut(): Promise<void> {
    const count = this.#prng.between(this.#kept, this.#points.length)
    const point = this.#points[count - 1]
    if (point === undefined) return
    await this.#store.write(batch({ truncateAfter: point, epochs: epochs(this.#epoch) }))
    this.#points.length = count
    this.#log.point = point
    // Zxids that were cut off are not used again in their epoch.
    this.#epoch++
    await this.#store.write(batch({ epochs: epochs(this.#epoch) }))
  }

  async #load(): Promise<void> {
    const [from, ...after] = this.#points.slice(this.#kept)
    if (from === undefined) return
    const loaded = await this.#store.loadGroups(from, Number.MAX_SAFE_INTEGER)
    assert.deepEqual(loaded?.map(pointOf), after)
  }

  /** What a kill now would leave. */
  async #kill(): Promise<void> {
    const remains = await copyOf(this.#t, this.#directory)
    await session(
      () => this.#openAt(remains),
      async (_, { damage, snapshot, groups }) => {
        assert.equal(damage, undefined)
        const after = snapshot?.point.zxid ?? 0
        const expected = this.#points.filter(({ zxid }) => zxid > after)
        assert.deepEqual(groups.map(pointOf), expected)
      },
    )
  }
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`after a kill there is what was acknowledged, nothing cut off, seed ${seed}`, async t => {
    const subject = new Subject(t, new Prng(seed), await temporaryDirectory(t))
    await subject.open()
    for (let step = 0; step < STEPS; step++) await subject.step()
    await subject.close()
  })
}

/** Storage calls that fail one after the other, a trial for each, until the script of a store runs through. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore, type StoreOptions } from '../../lib/storage/open.ts'
import { SID } from '../storage/support.ts'
import { FailingCalls, type Moment } from './failing-calls.ts'
import { FAST_PLACE } from './fast-place.ts'
import { runTrial } from './trial.ts'

export const CALLS_MIN = 60
const OPTIONS = { sid: SID, snapshotsKept: 2 } as const

/** How the store of a trial is divided. */
export type Segments = Pick<StoreOptions, 'durability' | 'segmentBytes'>

export interface Failing {
  readonly moment: Moment
  readonly forever: boolean
  /** As `Trial.again`. */
  readonly again: number
  /** Which calls fail, a trial for each: from this one on, and every so many. */
  readonly first: number
  readonly step: number
}

/** Returns the call from which on none failed any more. */
export async function failEach(failing: Failing, segments: Segments): Promise<number> {
  const { moment, forever, again, first, step } = failing
  for (let nth = first; ; nth += step) {
    const directory = await mkdtemp(join(FAST_PLACE, 'quorumtree-calls-'))
    try {
      const injector = new FailingCalls(moment)
      const options = { ...OPTIONS, ...segments }
      const open = () => openStore({ ...options, dataDir: directory }, injector.make)
      const failed = await runTrial({ injector, open, nth, forever, again })
      if (!failed) return nth
    } catch (error) {
      throw new Error(`call ${nth}, again ${again}`, { cause: error })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
}

/** Each call fails before or after its work is done, every other once and the rest from then on. */
export function testEachCall(name: string, segments: Segments): void {
  for (const moment of ['before', 'after'] as const) {
    for (const forever of [false, true]) {
      const how = forever ? 'from then on' : 'once'
      const first = forever === (moment === 'before') ? 2 : 1
      test(`whichever call fails ${moment} its work is done, ${how}, in ${name}`, async () => {
        const failing = { moment, forever, again: 0, first, step: 2 }
        assert.ok((await failEach(failing, segments)) > CALLS_MIN)
      })
    }
  }

  test(`another call fails when the store is opened again, in ${name}`, async () => {
    for (let again = 1; again <= 8; again++) {
      await failEach({ moment: 'after', forever: false, again, first: 1, step: 9 }, segments)
    }
  })
}

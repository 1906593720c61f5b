/** The first, the second, the third … call of LevelDB fails, until the script runs through; once, and from then on. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openStore, type StoreOptions } from '../../lib/storage/open.ts'
import { SID } from '../storage/support.ts'
import { FailingCalls, type Moment } from './failing-calls.ts'
import { FAST_PLACE } from './fast-place.ts'
import { runTrial } from './trial.ts'

const CALLS_MIN = 60
const OPTIONS = { sid: SID, snapshotsKept: 2 } as const
/** One segment holds the whole log, and LevelDB gets what the journal had; or each snapshot begins another. */
const SEGMENTS = {
  'one segment, behind a journal': { durability: 'process' },
  'many segments': { durability: 'power', segmentBytes: 0 },
} as const

/** Returns how many trials there were until no call failed. */
async function failEach(
  moment: Moment,
  forever: boolean,
  again: number,
  segments: Pick<StoreOptions, 'durability' | 'segmentBytes'>,
  step = 1,
): Promise<number> {
  for (let nth = 1; ; nth += step) {
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

test('whichever call fails before its work is done, in many and behind a journal', async () => {
  const segments = { durability: 'process', segmentBytes: 0 } as const
  assert.ok((await failEach('before', false, 0, segments, 2)) > CALLS_MIN)
})

for (const [name, segments] of Object.entries(SEGMENTS)) {
  for (const moment of ['before', 'after'] as const) {
    for (const forever of [false, true]) {
      const how = forever ? 'from then on' : 'once'
      test(`whichever call fails ${moment} its work is done, ${how}, in ${name}`, async () => {
        assert.ok((await failEach(moment, forever, 0, segments)) > CALLS_MIN)
      })
    }
  }

  test(`another call fails when the store is opened again, in ${name}`, async () => {
    for (let again = 1; again <= 8; again++) await failEach('after', false, again, segments, 9)
  })
}

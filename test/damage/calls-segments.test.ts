/** The first, the second, the third … call of LevelDB fails, in a store where each snapshot begins another segment. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CALLS_MIN, failEach, testEachCall } from './calls.ts'

test('whichever call fails before its work is done, in many and behind a journal', async () => {
  const failing = { moment: 'before', forever: false, again: 0, first: 1, step: 2 } as const
  const segments = { durability: 'process', segmentBytes: 0 } as const
  assert.ok((await failEach(failing, segments)) > CALLS_MIN)
})

testEachCall('many segments', { durability: 'power', segmentBytes: 0 })

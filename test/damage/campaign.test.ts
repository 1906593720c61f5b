/** A small damage campaign; `npm run test:damage` runs large ones, with more kinds of directories. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sid } from '../../lib/base/zxid.ts'
import { temporaryDirectory } from '../temporary.ts'
import { Campaign, type Case } from './campaign.ts'
import { FILE_KINDS, parseHarm } from './harm.ts'
import { judge } from './judge.ts'
import { makeSpecimen, SIDS } from './specimens.ts'
import type { Recovered } from './state.ts'

const SEED = 1
const HARMS = 120

/** Of a peer whose segments are gone one after the other. */
function casesOf({ cases }: Campaign, sid: Sid): readonly Case[] {
  return cases.filter(one => one.sid === sid && one.fileKind === 'segment')
}

test('whatever is spoilt in a peer’s files is harmless or detected', async t => {
  const place = await temporaryDirectory(t)
  const campaign = new Campaign(place, SEED)
  t.after(() => campaign.close())
  await campaign.add(await makeSpecimen(place, 'killed', SEED))
  await campaign.run(HARMS)
  await campaign.runDeletions()
  await campaign.runEnsembles(2)
  assert.deepEqual(campaign.failures, [])
  // What only the segment that is written to holds is never there as before without it.
  for (const sid of SIDS) {
    const segments = casesOf(campaign, sid).map(({ harm }) => parseHarm(harm).file)
    const last = segments.sort().at(-1)!
    for (const { harm, outcome } of casesOf(campaign, sid)) {
      if (parseHarm(harm).file === last) assert.match(outcome, /^(?:damaged|refused)$/, harm)
    }
  }
  const kinds = new Set(campaign.cases.map(({ fileKind }) => fileKind))
  assert.deepEqual([...kinds].sort(), [...FILE_KINDS].sort(), 'every kind of file was met')
})

const WHOLE: Recovered = {
  epochs: { acceptedEpoch: 3, currentEpoch: 3 } as Recovered['epochs'],
  logStart: { zxid: 0, chain: 0 } as Recovered['logStart'],
  tail: { zxid: 9, chain: 7 } as Recovered['tail'],
  digest: 5,
  nodes: 2,
  groups: { 1: 'one', 5: 'five' },
  snapshot: undefined,
  damage: undefined,
  trusted: true,
}

test('outcomes are told apart', () => {
  const outcome = (changes: Partial<Recovered>, knownTail = 9): string =>
    judge(WHOLE, { kind: 'recovered', recovered: { ...WHOLE, ...changes } }, knownTail).outcome
  const shorter = { ...WHOLE.tail, zxid: 8 } as Recovered['tail']
  assert.equal(outcome({}), 'harmless')
  assert.equal(outcome({ damage: 'a hole', trusted: false }), 'damaged')
  assert.equal(outcome({ damage: 'a hole' }), 'wrong')
  assert.equal(outcome({ trusted: false }), 'unclear')
  assert.equal(outcome({ tail: shorter }), 'shortened')
  assert.equal(outcome({ tail: shorter }, 8), 'window')
  assert.equal(outcome({ tail: { ...WHOLE.tail, chain: 8 } }), 'wrong')
  assert.equal(outcome({ digest: 6 }), 'wrong')
  assert.equal(outcome({ groups: { 1: 'two' } }), 'wrong')
  assert.equal(outcome({ damage: 'a hole', trusted: false, groups: { 1: 'two' } }), 'wrong')
  const older = { acceptedEpoch: 2, currentEpoch: 2 } as Recovered['epochs']
  assert.equal(outcome({ epochs: older }), 'forgotten')
  const refused = (code: string) => judge(WHOLE, { kind: 'refused', code, message: '' }, 9).outcome
  assert.equal(refused('DIRECTORY_DAMAGED'), 'refused')
  assert.equal(refused('STORAGE_FAILED'), 'unclear')
  assert.equal(judge(WHOLE, { kind: 'crashed', how: 'SIGABRT' }, 9).outcome, 'crashed')
})

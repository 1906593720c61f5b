/** The journal of the crash test finds every kind of loss: what cannot fail proves nothing. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Journal } from './journal.ts'
import { CREATED, type Observed, REGISTERS, SEQUENTIAL } from './messages.ts'

const REGISTER = `${REGISTERS}/register-0`
const NODE = `${CREATED}/a`
const FIRST = `${SEQUENTIAL}/n-0000000000`
const SECOND = `${SEQUENTIAL}/n-0000000001`

const DIGESTS = [
  { sid: 1, digest: 7 },
  { sid: 2, digest: 7 },
]

function observed(changes: Partial<Observed> = {}): Observed {
  return {
    ...{ registers: { [REGISTER]: 5 }, created: [], sequential: [], digests: DIGESTS },
    ...{ leader: 1, damage: [] },
    ...changes,
  }
}

function started(): Journal {
  const journal = new Journal()
  journal.verify(observed())
  return journal
}

test('what is as acknowledged is no loss', () => {
  const journal = started()
  journal.acknowledge({ kind: 'set', path: REGISTER, value: 6 })
  journal.acknowledge({ kind: 'create', path: NODE })
  journal.acknowledge({ kind: 'sequential', path: FIRST })
  journal.verify(observed({ registers: { [REGISTER]: 6 }, created: [NODE], sequential: [FIRST] }))
  assert.deepEqual(journal.findings, [])
  assert.equal(journal.acknowledged, 3)
})

test('what was not acknowledged may be there', () => {
  const journal = started()
  journal.verify(observed({ registers: { [REGISTER]: 9 }, created: [NODE], sequential: [FIRST] }))
  assert.deepEqual(journal.findings, [])
})

test('a register that went back is a loss', () => {
  const journal = started()
  journal.acknowledge({ kind: 'set', path: REGISTER, value: 6 })
  journal.verify(observed())
  assert.deepEqual(journal.findings, [`${REGISTER} is 5, 6 was acknowledged`])
})

test('what was observed once is known: an unacknowledged write does not vanish later', () => {
  const journal = started()
  journal.verify(observed({ registers: { [REGISTER]: 9 } }))
  journal.verify(observed({ registers: { [REGISTER]: 8 } }))
  assert.deepEqual(journal.findings, [`${REGISTER} is 8, 9 was acknowledged`])
})

test('a missing register is a loss', () => {
  const journal = started()
  journal.verify(observed({ registers: {} }))
  assert.deepEqual(journal.findings, [`${REGISTER} is missing, 5 was acknowledged`])
})

test('a register that holds no number is a loss', () => {
  const journal = started()
  journal.verify(observed({ registers: { [REGISTER]: Number.NaN } }))
  assert.deepEqual(journal.findings, [`${REGISTER} is NaN, 5 was acknowledged`])
})

test('a missing node is a loss', () => {
  const journal = started()
  journal.acknowledge({ kind: 'create', path: NODE })
  journal.acknowledge({ kind: 'sequential', path: FIRST })
  journal.verify(observed())
  assert.deepEqual(journal.findings, [
    `${NODE} is missing, it was acknowledged`,
    `${FIRST} is missing, it was acknowledged`,
  ])
})

test('a node that was to be deleted may be there or not, until its end is acknowledged', () => {
  const journal = started()
  journal.verify(observed({ created: [NODE] }))
  assert.deepEqual(
    journal.chooseDeletions(paths => paths),
    [NODE],
  )
  journal.verify(observed({ created: [NODE] }))
  journal.chooseDeletions(paths => paths)
  journal.acknowledge({ kind: 'delete', path: NODE })
  assert.deepEqual(journal.findings, [])
  journal.verify(observed({ created: [NODE] }))
  assert.deepEqual(journal.findings, [`${NODE} is back, its end was acknowledged`])
})

test('a number that is used again is a loss', () => {
  const journal = started()
  journal.verify(observed({ sequential: [SECOND] }))
  journal.chooseDeletions(paths => paths)
  journal.acknowledge({ kind: 'delete', path: SECOND })
  journal.acknowledge({ kind: 'sequential', path: FIRST })
  journal.acknowledge({ kind: 'sequential', path: SECOND })
  assert.deepEqual(journal.findings, [
    `${FIRST} has a number that was used before`,
    `${SECOND} was created twice`,
    `${SECOND} has a number that was used before`,
  ])
})

test('peers that differ are a loss', () => {
  const journal = started()
  journal.verify(observed({ digests: [...DIGESTS, { sid: 3, digest: 8 }] }))
  assert.deepEqual(journal.findings, ['the peers differ: peer 1 has 7, peer 2 has 7, peer 3 has 8'])
})

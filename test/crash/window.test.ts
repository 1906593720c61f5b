/** The window finds everything that is not an end cut off. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CREATED, type Observed, REGISTERS } from './messages.ts'
import { Window } from './window.ts'

const REGISTER = `${REGISTERS}/register-0`
const node = (name: string): string => `${CREATED}/${name}`

function observed(value: number, ...names: readonly string[]): Observed {
  return {
    ...{ registers: { [REGISTER]: value }, created: names.map(node), sequential: [] },
    digests: [
      { sid: 1, digest: 7 },
      { sid: 2, digest: 7 },
    ],
    ...{ leader: 1, damage: [] },
  }
}

/** Session `a` writes n1, 1, n2, 2; session `b` writes m1, m2. */
function written(): Window {
  const window = new Window()
  window.verify(observed(0))
  window.begin()
  window.acknowledge({ kind: 'create', path: node('n1') }, 'a')
  window.acknowledge({ kind: 'set', path: REGISTER, value: 1 }, 'a')
  window.acknowledge({ kind: 'create', path: node('n2') }, 'a')
  window.acknowledge({ kind: 'set', path: REGISTER, value: 2 }, 'a')
  window.acknowledge({ kind: 'create', path: node('m1') }, 'b')
  window.acknowledge({ kind: 'create', path: node('m2') }, 'b')
  window.begin()
  return window
}

test('any beginning of what each session wrote may be there', () => {
  for (const [state, lost] of [
    [observed(2, 'n1', 'n2', 'm1', 'm2'), 0],
    [observed(1, 'n1', 'n2', 'm1'), 2],
    [observed(0, 'n1', 'm1', 'm2'), 3],
    [observed(0), 6],
  ] as const) {
    const window = written()
    window.verify(state)
    assert.deepEqual(window.findings, [])
    assert.equal(window.lostWrites, lost)
  }
})

test('a write is not there without those before it', () => {
  const window = written()
  window.verify(observed(2, 'n2', 'm1'))
  assert.deepEqual(window.findings, [
    `${REGISTER} = 1 is there, ${node('n1')} is not`,
    `${node('n2')} is there, ${node('n1')} is not`,
    `${REGISTER} = 2 is there, ${node('n1')} is not`,
  ])
})

test('nothing of a life is there when an earlier one lost something', () => {
  const window = written()
  window.acknowledge({ kind: 'create', path: node('late') }, 'c')
  window.begin()
  window.verify(observed(2, 'n1', 'n2', 'm1', 'late'))
  assert.deepEqual(window.findings, [`${node('late')} is there, ${node('m2')} is not`])
})

test('what was lost once comes back whole or not at all', () => {
  for (const [state, returned, findings] of [
    [observed(1, 'n1', 'n2', 'm1', 'new'), 0, []],
    [observed(2, 'n1', 'n2', 'm1', 'm2'), 1, []],
    [observed(0, 'n1', 'm1', 'm2'), 1, []],
    [
      observed(2, 'n1', 'n2', 'm1', 'm2', 'new'),
      ...([0, [`${node('m2')} is there and belongs to another history`]] as const),
    ],
  ] as const) {
    const window = written()
    window.verify(observed(1, 'n1', 'n2', 'm1'))
    window.acknowledge({ kind: 'create', path: node('new') }, 'c')
    window.begin()
    window.verify(state)
    assert.deepEqual(window.findings, findings)
    assert.equal(window.returned, returned)
  }
})

test('what was kept once can still be lost, but only from its end', () => {
  const window = written()
  window.verify(observed(2, 'n1', 'n2', 'm1', 'm2'))
  window.verify(observed(1, 'n1', 'n2', 'm1', 'm2'))
  assert.deepEqual(window.findings, [])
  assert.equal(window.lostWrites, 1)
  window.verify(observed(1, 'n2', 'm1', 'm2'))
  assert.ok(window.findings.length > 0)
})

test('peers that differ are a finding', () => {
  const window = written()
  window.verify({
    ...observed(0),
    digests: [
      { sid: 1, digest: 1 },
      { sid: 2, digest: 2 },
    ],
  })
  assert.deepEqual(window.findings, ['the peers differ: peer 1 has 1, peer 2 has 2'])
})

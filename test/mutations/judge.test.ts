/** What counts as a kill, and what does not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMistakeInWords, judgeCampaign, judgeTests } from './killer.ts'
import type { TestLine } from './reporter.ts'
import { MisfitError, patchText } from './workbench.ts'

function lineOf(line: Partial<TestLine>): string {
  const whole = { name: 'a test', passed: false, failureType: 'testCodeFailure', errors: [] }
  return `${JSON.stringify({ ...whole, message: 'why', ...line })}\n`
}

test('a failed assertion of the test or of the code kills', () => {
  for (const error of ['AssertionError', 'InvariantError', 'Violation', 'TreeError']) {
    assert.equal(judgeTests(lineOf({ errors: [error] }), 1).kind, 'red')
  }
})

test('a mistake in the words of JavaScript does not kill, wherever it stands in the chain', () => {
  for (const errors of [['TypeError'], ['ReferenceError'], ['Error', 'SyntaxError']]) {
    assert.equal(judgeTests(lineOf({ errors }), 1).kind, 'broken')
  }
})

test('a time-out, and a test that never came to its end, do not kill', () => {
  for (const failureType of ['testTimeoutFailure', 'cancelledByParent']) {
    assert.equal(judgeTests(lineOf({ errors: ['Error'], failureType }), 1).kind, 'broken')
  }
})

test('a file that does not load does not kill', () => {
  const output = 'Error [ERR_MODULE_NOT_FOUND]: Cannot find module\n'
  assert.equal(judgeTests(output, 1).kind, 'broken')
  assert.equal(judgeTests(lineOf({}), 1).kind, 'broken')
  assert.equal(judgeCampaign({ code: 1, output }).kind, 'broken')
})

test('tests that pass are counted, for a killer that tests nothing has no say', () => {
  assert.deepEqual(judgeTests(lineOf({ passed: true }), 0), { kind: 'green', passed: 1 })
  assert.deepEqual(judgeTests('', 0), { kind: 'green', passed: 0 })
})

test('a violation kills, and so does an assertion of the code; a TypeError in it does not', () => {
  const found = 'seed 17 failed: Agreement: P2 has another group\n'
  assert.deepEqual(judgeCampaign({ code: 1, output: found }), {
    kind: 'red',
    by: 'seed 17: Agreement: P2 has another group',
  })
  const assertion = 'seed 3 failed: Assertion: in peer 2: nothing is applied twice\n'
  assert.equal(judgeCampaign({ code: 1, output: assertion }).kind, 'red')
  assert.ok(isMistakeInWords(`because of TypeError: x is undefined\n    at y\n${assertion}`))
  assert.ok(!isMistakeInWords(`because of InvariantError: applied twice\n${assertion}`))
  assert.equal(judgeCampaign({ code: 0, output: '20 seeds, 7.1 seeds/s\n' }).kind, 'green')
})

test('a patch finds its place once, or not at all', () => {
  const patch = { file: 'f', find: 'b', replace: '$&' }
  assert.equal(patchText('abc', [patch]), 'a$&c')
  assert.throws(() => patchText('aba b', [patch]), MisfitError)
  assert.throws(() => patchText('ac', [patch]), MisfitError)
})

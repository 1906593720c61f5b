/** What watches must not do: each fault under its own name. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeFindings } from './check-history.ts'
import { Facts } from './facts.ts'
import type { History, Operation, Result } from './history.ts'
import { Script, stat } from './script.ts'
import type { Promised } from './verdict.ts'
import { checkWatches } from './watch-check.ts'

function accepted(script: Script): void {
  assert.equal(describeFindings(checkWatches(new Facts(script.history()))), '')
}

function refused(script: Script, promise: Promised): void {
  const history: History = script.history()
  const findings = checkWatches(new Facts(history))
  assert.ok(
    findings.some(finding => finding.promise === promise),
    describeFindings(findings),
  )
}

const watching = (path: string, kind: 'get' | 'exists' | 'children' = 'get'): Operation => {
  return { kind, path, watch: true }
}
const set = (path: string, data: string): Operation => ({ kind: 'set', path, data, version: -1 })
const shows = (mzxid: number, version: number, data = 'x'): Result => {
  return { data, stat: stat(mzxid, version) }
}

/** `r` watches `/a` (transaction 1); `w` sets it: transaction 5. `r` is steady unless told otherwise. */
function watched(steady = true): Script {
  return new Script()
    .session('r', { steady })
    .call('r', [0, 1], watching('/a'), shows(1, 0))
    .call('w', [2, 3], set('/a', 'y'), { stat: stat(5, 1) })
}

describe('a watch', () => {
  test('is told before the answer that shows its change', () => {
    accepted(
      watched()
        .event('r', 0, 'dataChanged', '/a', 5)
        .call('r', [4, 5], watching('/a'), shows(5, 1)),
    )
    const late = watched().call('r', [4, 5], watching('/a'), shows(5, 1))
    refused(late.event('r', 0, 'dataChanged', '/a', 5), 'WatchBeforeData')
  })

  test('is told before an answer that shows something later', () => {
    const later = (script: Script): Script => {
      return script.call('r', [6, 7], set('/b', 'z'), { stat: stat(9, 3) })
    }
    accepted(later(watched().event('r', 0, 'dataChanged', '/a', 5)))
    refused(later(watched()), 'WatchReliable')
    // Nothing proves that its peer has seen the change.
    accepted(watched())
  })

  test('is told once', () => {
    const once = watched().event('r', 0, 'dataChanged', '/a', 5)
    accepted(once)
    refused(once.event('r', 0, 'dataChanged', '/a', 6), 'WatchUnique')
  })

  test('is told of what it was left for', () => {
    refused(watched().event('r', 0, 'dataChanged', '/b', 5), 'WatchTrue')
    refused(watched().event('r', 0, 'created', '/a', 5), 'WatchTrue')
    refused(watched().event('r', 0, 'childrenChanged', '/a', 5), 'WatchTrue')
    refused(watched().event('r', 1, 'dataChanged', '/a', 5), 'WatchTrue')
    refused(watched().event('r', 0, 'dataChanged', '/a', 1), 'WatchTrue')
  })

  test('names the transaction that did it', () => {
    const other = watched().call('w', [4, 5], set('/b', 'z'), { stat: stat(6, 1) })
    refused(other.event('r', 0, 'dataChanged', '/a', 6), 'WatchTrue')
  })

  test('is not left by a get that found nothing', () => {
    const nothing = new Script().call('r', [0, 1], watching('/a'), { code: 'NO_NODE' })
    refused(nothing.event('r', 0, 'dataChanged', '/a', 5), 'WatchTrue')
    const exists = new Script().call('r', [0, 1], watching('/a', 'exists'), { code: 'NO_NODE' })
    accepted(exists.event('r', 0, 'created', '/a', 5))
  })

  test('on a missing node may miss one that came and went while its session moved', () => {
    const script = (steady: boolean): Script => {
      return new Script()
        .session('r', { steady })
        .call('r', [0, 1], watching('/a', 'exists'), { code: 'NO_NODE', zxid: 1 })
        .call('w', [2, 3], { kind: 'create', path: '/a', data: '' }, { path: '/a', zxid: 2 })
        .call('w', [4, 5], { kind: 'delete', path: '/a', version: -1 }, { zxid: 3 })
        .call('r', [6, 7], { kind: 'sync' }, { zxid: 4 })
    }
    accepted(script(false))
    refused(script(true), 'WatchReliable')
  })

  test('on children hears of a child that came, without a stat to go by', () => {
    const script = (): Script => {
      return new Script()
        .session('r', { steady: true })
        .call('r', [0, 1], watching('/a', 'children'), { names: [] })
        .call('w', [2, 3], { kind: 'create', path: '/a/b', data: '' }, { path: '/a/b' })
        .call('w', [4, 5], { kind: 'get', path: '/a/b' }, shows(5, 0))
    }
    const proof = (told: Script): Script =>
      told.call('r', [6, 7], set('/c', ''), { stat: stat(9, 1) })
    accepted(proof(script().event('r', 0, 'childrenChanged', '/a', 5)))
    // Only the creation's own call could prove that it came later: with no zxid of it, nothing is held against it.
    accepted(proof(script()))
    const known = new Script()
      .session('r', { steady: true })
      .call('r', [0, 1], watching('/a', 'children'), { names: [] })
      .call('w', [2, 3], { kind: 'create', path: '/a/b', data: '' }, { path: '/a/b', zxid: 5 })
    refused(proof(known), 'WatchReliable')
  })
})

describe('several watches', () => {
  const two = (steady: boolean): Script => {
    return new Script()
      .session('r', { steady })
      .call('r', [0, 1], watching('/a'), shows(1, 0))
      .call('r', [2, 3], watching('/b'), shows(2, 0))
  }

  test('are told in the order of transactions', () => {
    const disordered = (steady: boolean): Script => {
      return two(steady).event('r', 1, 'dataChanged', '/b', 6).event('r', 0, 'dataChanged', '/a', 5)
    }
    refused(disordered(true), 'WatchOrdered')
    accepted(disordered(false))
    const answered = two(false)
      .event('r', 1, 'dataChanged', '/b', 6)
      .call('r', [8, 9], { kind: 'exists', path: '/c' }, { code: 'NO_NODE' })
      .event('r', 0, 'dataChanged', '/a', 5)
    refused(answered, 'WatchOrdered')
  })

  test('are told whole transactions', () => {
    const whole = two(true).event('r', 0, 'deleted', '/a', 5).event('r', 1, 'deleted', '/b', 5)
    accepted(whole)
    const split = two(true)
      .event('r', 0, 'deleted', '/a', 5)
      .call('r', [8, 9], { kind: 'exists', path: '/c' }, { code: 'NO_NODE' })
      .event('r', 1, 'deleted', '/b', 5)
    refused(split, 'WatchAtomic')
  })
})

/** Known good and known bad histories: each bad one must be found, and under its own name. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkHistory, describeFindings } from './check-history.ts'
import type { History, Operation, Result } from './history.ts'
import { Script, stat } from './script.ts'
import type { Promised } from './verdict.ts'

function accepted(history: History): void {
  assert.equal(describeFindings(checkHistory(history).findings), '')
}

function refused(history: History, ...promises: Promised[]): void {
  const { findings } = checkHistory(history)
  const found = new Set(findings.map(({ promise }) => promise))
  for (const promise of promises) assert.ok(found.has(promise), describeFindings(findings))
  assert.ok(!found.has('Undecided'))
}

const SYNC: Operation = { kind: 'sync' }
const GET: Operation = { kind: 'get', path: '/a' }
const create = (data = 'x', more: object = {}): Operation => {
  return { kind: 'create', path: '/a', data, ...more }
}
const set = (data: string, version = -1): Operation => ({ kind: 'set', path: '/a', data, version })
const remove = (version = -1): Operation => ({ kind: 'delete', path: '/a', version })
const CREATED: Result = { path: '/a' }

/** `/a` made by one session, and set once: transactions 1 and 5. */
function twoVersions(): Script {
  return new Script()
    .call('w', [0, 1], create(), CREATED)
    .call('w', [2, 3], set('y'), { stat: stat(5, 1) })
}

const OLD: Result = { data: 'x', stat: stat(1, 0) }
const NEW: Result = { data: 'y', stat: stat(5, 1) }

describe('reads', () => {
  test('a plain read may be stale, a read after a sync may not', () => {
    accepted(twoVersions().call('r', [10, 11], GET, OLD).history())
    accepted(twoVersions().call('r', [10, 11], SYNC).call('r', [12, 13], GET, NEW).history())
    refused(
      twoVersions().call('r', [10, 11], SYNC).call('r', [12, 13], GET, OLD).history(),
      'Linearizable',
      'NotRolledBack',
    )
  })

  test('a read of a session that was opened after a change shows it', () => {
    const late = twoVersions().session('r', { opened: 5 })
    refused(late.call('r', [10, 11], GET, OLD).history(), 'Linearizable', 'NotRolledBack')
  })

  test('a session sees no earlier state than before', () => {
    const back = twoVersions().call('r', [10, 11], GET, NEW).call('r', [12, 13], GET, OLD)
    refused(back.history(), 'Linearizable', 'MonotonicReads')
  })

  test('nor of another path, when one it has seen proves that it is over', () => {
    const history = twoVersions()
      .call('v', [4, 5], { kind: 'create', path: '/b', data: 'b' }, { path: '/b' })
      .call('r', [20, 21], { kind: 'get', path: '/b' }, { data: 'b', stat: stat(8, 0) })
      .call('r', [22, 23], GET, OLD)
    refused(history.history(), 'MonotonicReads')
  })

  test('a session sees its own write, also when both were under way together', () => {
    const own = (result: Result): History => {
      return new Script()
        .call('w', [0, 1], create(), CREATED)
        .call('s', [2, 10], set('y'), { stat: stat(5, 1) })
        .call('s', [3, 11], GET, result)
        .history()
    }
    accepted(own(NEW))
    refused(own(OLD), 'Linearizable', 'ReadYourWrites')
  })

  test('a read that was asked again may show a later write of its own session', () => {
    const again = new Script()
      .call('s', [0, 1], create(), CREATED)
      .call('s', [2, 10], GET, NEW)
      .call('s', [3, 11], set('y'), { stat: stat(5, 1) })
    accepted(again.history())
  })

  test('one version of a node is the same for everybody', () => {
    const history = twoVersions()
      .call('r', [10, 11], GET, NEW)
      .call('q', [10, 11], GET, { data: 'z', stat: stat(5, 1) })
    refused(history.history(), 'OneVersion', 'Linearizable')
  })
})

describe('writes', () => {
  test('a lost update is found', () => {
    const lost = twoVersions()
      .call('a', [10, 20], set('a', 1), { stat: stat(6, 2) })
      .call('b', [10, 20], set('b', 1), { stat: stat(7, 2) })
    refused(lost.history(), 'Linearizable')
    const one = twoVersions()
      .call('a', [10, 20], set('a', 1), { stat: stat(6, 2) })
      .call('b', [10, 20], set('b', 1), { code: 'BAD_VERSION' })
    accepted(one.history())
  })

  test('a write done twice is found', () => {
    const twice = twoVersions().call('r', [10, 11], GET, { data: 'y', stat: stat(6, 2) })
    refused(twice.history(), 'Linearizable')
  })

  test('a write that was rolled back is found', () => {
    const back = twoVersions()
      .call('r', [10, 11], GET, NEW)
      .call('q', [20, 21], SYNC)
      .call('q', [22, 23], GET, OLD)
    refused(back.history(), 'Linearizable', 'NotRolledBack')
    const gone = twoVersions()
      .call('q', [20, 21], SYNC)
      .call('q', [22, 23], GET, { code: 'NO_NODE' })
    refused(gone.history(), 'Linearizable')
  })

  test('a write with no answer may be done, or not, but not both', () => {
    const lost = (): Script =>
      new Script().call('w', [0, 1], create(), CREATED).lost('v', 2, set('y'))
    const look = (script: Script, at: number, result: Result): Script => {
      return script.call('r', [at, at + 1], SYNC).call('r', [at + 2, at + 3], GET, result)
    }
    accepted(look(lost(), 10, OLD).history())
    accepted(look(lost(), 10, NEW).history())
    accepted(look(look(lost(), 10, OLD), 20, NEW).history())
    refused(look(look(lost(), 10, NEW), 20, OLD).history(), 'Linearizable')
  })

  test('a write that its session gave up is not done after a later one of the session', () => {
    const timedOut: Result = { code: 'OPERATION_TIMEOUT' }
    const history = (late: Result): History => {
      return new Script()
        .call('w', [0, 1], create(), CREATED)
        .call('w', [2, 3], set('y'), timedOut)
        .call('w', [4, 5], { kind: 'create', path: '/b', data: 'b' }, { path: '/b' })
        .call('r', [10, 11], SYNC)
        .call('r', [12, 13], GET, OLD)
        .call('r', [14, 15], SYNC)
        .call('r', [16, 17], GET, late)
        .history()
    }
    accepted(history(OLD))
    refused(history(NEW), 'Linearizable')
  })

  test('calls under way together keep their order', () => {
    const both = (first: Result, second: Result): History => {
      return new Script()
        .call('w', [0, 1], create(), CREATED)
        .call('s', [2, 10], set('y', 0), first)
        .call('s', [2, 11], set('z', 1), second)
        .history()
    }
    accepted(both({ stat: stat(5, 1) }, { stat: stat(6, 2) }))
    accepted(both({ code: 'OPERATION_TIMEOUT' }, { code: 'BAD_VERSION' }))
    refused(both({ code: 'BAD_VERSION' }, { stat: stat(6, 2) }), 'Linearizable')
    refused(both({ stat: stat(6, 1) }, { stat: stat(5, 2) }), 'SessionOrder')
  })

  test('transactions follow the clock', () => {
    const early = twoVersions().call('v', [10, 11], set('z'), { stat: stat(4, 2) })
    refused(early.history(), 'RealTimeOrder')
    const taken = twoVersions().call('v', [2, 4], set('z'), { stat: stat(5, 2) })
    refused(taken.history(), 'OneVersion')
  })

  test('an answer fits its question', () => {
    refused(new Script().call('s', [0, 1], SYNC, { code: 'NO_NODE' }).history(), 'AnswerFits')
    refused(new Script().call('s', [0, 1], GET, { code: 'NOT_EMPTY' }).history(), 'AnswerFits')
    const large = (bytes: number): History => {
      return new Script()
        .call('s', [0, 1], create('x'.repeat(9)), CREATED)
        .call('s', [2, 3], set('x'.repeat(bytes)), { code: 'DATA_TOO_LARGE' })
        .history()
    }
    accepted(large(10))
    refused(large(9), 'AnswerFits')
    const mistaken: Result = { code: 'BAD_ARGUMENTS' }
    const root: Operation = { kind: 'delete', path: '/', version: -1 }
    accepted(new Script().call('s', [0, 1], root, mistaken).history())
    refused(new Script().call('s', [0, 1], remove(), mistaken).history(), 'AnswerFits')
    const older = { data: 'x', stat: stat(5, 0, { czxid: 9 }) }
    const made = new Script().call('s', [0, 1], create(), CREATED)
    refused(made.call('s', [2, 3], GET, older).history(), 'AnswerFits')
  })
})

describe('several trees', () => {
  const make = (path: string, data: string): Operation => ({ kind: 'create', path, data })
  const get = (path: string): Operation => ({ kind: 'get', path })
  const B: Result = { data: 'b', stat: stat(8, 0) }
  const MISSING: Result = { code: 'NO_NODE' }

  test('writes of a session that are under way together are seen in their order', () => {
    const history = (later: Result): History => {
      return new Script()
        .call('w', [0, 1], create(), CREATED)
        .call('s', [2, 100], remove())
        .call('s', [2, 100], make('/b', 'b'), { path: '/b' })
        .call('r', [10, 11], SYNC)
        .call('r', [12, 13], get('/b'), B)
        .call('r', [14, 15], SYNC)
        .call('r', [16, 17], GET, later)
        .history()
    }
    accepted(history(MISSING))
    refused(history(OLD), 'Linearizable')
  })

  test('a session that has seen one sees no other as it was before', () => {
    const history = (later: Result): History => {
      return new Script()
        .call('w', [0, 1], create(), CREATED)
        .call('w', [2, 3], remove())
        .call('w', [4, 5], make('/b', 'b'), { path: '/b' })
        .call('r', [12, 13], get('/b'), B)
        .call('r', [14, 15], GET, later)
        .history()
    }
    accepted(history(MISSING))
    refused(history(OLD), 'Linearizable')
  })

  test('transactions of creates follow the clock, too', () => {
    const history = (czxid: number): History => {
      return new Script()
        .call('w', [0, 1], make('/a', 'a'), CREATED)
        .call('w', [2, 3], make('/b', 'b'), { path: '/b' })
        .call('r', [4, 5], get('/b'), B)
        .call('r', [6, 7], GET, { data: 'a', stat: stat(czxid, 0) })
        .history()
    }
    accepted(history(7))
    refused(history(9), 'SessionOrder', 'RealTimeOrder')
    refused(history(8), 'OneVersion')
  })

  test('nothing is known of creates that wrote the same', () => {
    const same = new Script()
      .call('w', [0, 1], make('/a', 'b'), CREATED)
      .call('w', [2, 3], remove())
      .call('w', [4, 5], make('/a', 'b'), CREATED)
      .call('r', [6, 7], GET, { data: 'b', stat: stat(8, 0) })
    accepted(same.history())
  })
})

describe('parents and children', () => {
  const child = (more: object = {}): Operation => ({
    kind: 'create',
    path: '/a/b',
    data: '',
    ...more,
  })

  test('a node with children stays, one without goes', () => {
    const family = (): Script => {
      return new Script()
        .call('s', [0, 1], create(), CREATED)
        .call('s', [2, 3], child(), { path: '/a/b' })
    }
    accepted(family().call('s', [4, 5], remove(), { code: 'NOT_EMPTY' }).history())
    refused(family().call('s', [4, 5], remove(), {}).history(), 'Linearizable')
    const alone = new Script().call('s', [0, 1], create(), CREATED)
    refused(alone.call('s', [4, 5], remove(), { code: 'NOT_EMPTY' }).history(), 'Linearizable')
  })

  test('each child is listed, and once', () => {
    const listed = (...names: string[]): History => {
      return new Script()
        .call('s', [0, 1], create(), CREATED)
        .call('s', [2, 3], child(), { path: '/a/b' })
        .call('s', [4, 5], { ...child(), path: '/a/c' } as Operation, { path: '/a/c' })
        .call('s', [6, 7], { kind: 'children', path: '/a' }, { names })
        .history()
    }
    accepted(listed('b', 'c'))
    refused(listed('b'), 'Linearizable')
    refused(listed('b', 'b'), 'AnswerFits')
  })

  test('a child has a parent', () => {
    refused(new Script().call('s', [0, 1], child(), { path: '/a/b' }).history(), 'Linearizable')
    accepted(new Script().call('s', [0, 1], child(), { code: 'NO_NODE' }).history())
    const made = new Script().call('s', [0, 1], child({ parents: true }), { path: '/a/b' })
    accepted(made.call('s', [2, 3], create(), { code: 'NODE_EXISTS' }).history())
  })

  test('what was refused was not done', () => {
    const closed = { permissions: 31 & ~2 }
    const history = (result: Result): History => {
      return new Script()
        .call('s', [0, 1], create('x', closed), CREATED)
        .call('s', [2, 3], set('y'), result)
        .history()
    }
    accepted(history({ code: 'NO_AUTH' }))
    refused(history({ stat: stat(5, 1) }), 'Linearizable')
  })

  test('sequence numbers grow and are not used twice', () => {
    const next: Operation = { kind: 'create', path: '/a/n-', data: '', sequential: true }
    const made = (first: number, second: number): History => {
      return new Script()
        .call('w', [0, 1], create(), CREATED)
        .call('s', [2, 3], next, { path: `/a/n-000000000${first}` })
        .call('r', [4, 5], next, { path: `/a/n-000000000${second}` })
        .history()
    }
    accepted(made(0, 1))
    refused(made(1, 0), 'SequenceOrder', 'Linearizable')
    refused(made(0, 0), 'SequenceOrder', 'Linearizable')
    refused(made(0, 2), 'Linearizable')
  })
})

describe('ephemeral nodes', () => {
  const made = (expired?: number): Script => {
    return new Script()
      .session('e', { id: 7, expired })
      .call('e', [0, 1], create('x', { ephemeral: true }), CREATED)
  }
  const there: Result = { data: 'x', stat: stat(1, 0, { ephemeralOwner: 7 }) }
  const look = (script: Script, result: Result): History => {
    return script.call('r', [20, 21], SYNC).call('r', [22, 23], GET, result).history()
  }

  test('stand as long as their session', () => {
    accepted(look(made(), there))
    accepted(look(made(15), { code: 'NO_NODE' }))
    accepted(look(made().call('e', [10, 11], { kind: 'close' }), { code: 'NO_NODE' }))
    refused(look(made(15), there), 'Linearizable', 'EphemeralOwner')
    refused(look(made().call('e', [10, 11], { kind: 'close' }), there), 'EphemeralOwner')
  })

  test('do not go while their session lives', () => {
    const gone = made()
      .call('r', [5, 6], SYNC)
      .call('r', [7, 8], GET, { code: 'NO_NODE' })
      .call('e', [10, 11], SYNC)
    refused(gone.history(), 'Linearizable')
  })

  test('do not come back', () => {
    const back = made(15)
      .call('r', [8, 9], SYNC)
      .call('r', [10, 11], GET, { code: 'NO_NODE' })
      .call('r', [12, 13], GET, there)
    refused(back.history(), 'Linearizable')
  })

  test('belong to a session that there is', () => {
    const foreign = { data: 'x', stat: stat(1, 0, { ephemeralOwner: 99 }) }
    refused(look(made(), foreign), 'EphemeralOwner')
  })
})

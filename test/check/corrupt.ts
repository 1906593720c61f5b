/** Spoils a history in one place, as a fault of the ensemble would: a test of what the checks are worth. */

import type { Stat } from '../../lib/index.ts'
import type { Prng } from '../support/prng.ts'
import { answerOf, type Call, type Event, type History, type Result } from './history.ts'

export interface Corruption {
  readonly what: string
  readonly history: History
}

type Spoil = (result: Result, prng: Prng, history: History) => Result | undefined

function withStat(result: Result, change: (stat: Stat) => Partial<Stat>): Result | undefined {
  const { stat } = result
  return stat === undefined ? undefined : { ...result, stat: { ...stat, ...change(stat) } }
}

const OF_RESULTS: Readonly<Record<string, Spoil>> = {
  'another datum': (result, prng, { calls }) => {
    const others = calls.filter(({ result: other }) => other?.data?.length === result.data?.length)
    const data = others.length === 0 ? 'x' : prng.pick(others).result!.data
    return result.data === undefined || data === result.data ? undefined : { ...result, data }
  },
  'a later version': result => withStat(result, ({ version }) => ({ version: version + 1 })),
  'an earlier version': result =>
    result.stat?.version === 0
      ? undefined
      : withStat(result, ({ version }) => ({ version: version - 1 })),
  'an earlier transaction': (result, prng) =>
    withStat(result, ({ mzxid }) => ({ mzxid: (mzxid - prng.between(1, 3)) as typeof mzxid })),
  'another owner': result =>
    withStat(result, ({ ephemeralOwner: owner }) => ({
      ephemeralOwner: (owner === 0 ? 1 : 0) as typeof owner,
    })),
  'a node that is not there': ({ code, zxid }) =>
    code === undefined ? { code: 'NO_NODE', zxid } : undefined,
  'a missing child': result =>
    result.names === undefined || result.names.length === 0
      ? undefined
      : { ...result, names: result.names.slice(1) },
  'another path': result =>
    result.path === undefined || !/\d{10}$/.test(result.path)
      ? undefined
      : {
          ...result,
          path: result.path.replace(/\d{10}$/, digits => `${Number(digits) + 1}`.padStart(10, '0')),
        },
}

const OF_EVENTS: Readonly<Record<string, (event: Event) => Event[]>> = {
  'an event lost': () => [],
  'an event twice': event => [event, { ...event, told: event.told + 0.5 }],
  'an event of another path': event => [{ ...event, path: `${event.path}x` }],
  'an event of a later time': event => [{ ...event, told: event.told + 3.5 }],
  'an event of an earlier transaction': event => [{ ...event, zxid: event.zxid - 1 }],
}

/** What a read was answered before, again: as if the peer had gone back. Undefined when that would be no fault. */
function stale(call: Call, { calls }: History): Result | undefined {
  const { operation, result } = call
  const before = calls.filter(other => {
    return (
      other.session === call.session &&
      other.index < call.index &&
      other.operation.kind === operation.kind &&
      'path' in operation &&
      'path' in other.operation &&
      other.operation.path === operation.path &&
      answerOf(other) !== undefined
    )
  })
  const old = before.at(-1)?.result
  if (old === undefined || old.stat?.mzxid === result?.stat?.mzxid) return undefined
  return { ...old, zxid: result?.zxid }
}

export function corruptCall(history: History, prng: Prng): Corruption | undefined {
  const call = prng.pick(history.calls)
  const answer = answerOf(call)
  if (answer === undefined) return undefined
  const what = prng.pick(['a stale answer', ...Object.keys(OF_RESULTS)])
  const look = ['get', 'exists', 'children'].includes(call.operation.kind)
  const result =
    what === 'a stale answer'
      ? look
        ? stale(call, history)
        : undefined
      : OF_RESULTS[what]!(answer, prng, history)
  if (result === undefined || JSON.stringify(result) === JSON.stringify(answer)) return undefined
  const calls = history.calls.map(other => (other === call ? { ...call, result } : other))
  return { what: `${what} (${call.operation.kind})`, history: { ...history, calls } }
}

export function corruptEvent(history: History, prng: Prng): Corruption | undefined {
  if (history.events.length === 0) return undefined
  const event = prng.pick(history.events)
  const what = prng.pick(Object.keys(OF_EVENTS))
  const spoilt = OF_EVENTS[what]!(event)
  const events = history.events.flatMap(other => (other === event ? spoilt : [other]))
  return { what, history: { ...history, events } }
}

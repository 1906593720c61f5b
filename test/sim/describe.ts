/** Events of a trace as lines to read. */

import type { LogPoint } from '../../lib/base/group.ts'
import { counterOf, epochOf, type Zxid } from '../../lib/base/zxid.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { Persist } from '../../lib/zab/types.ts'
import type { TraceEvent, TurnBody } from './trace-event.ts'

const INDENT = `\n${' '.repeat(17)}`
/** A client's connection is numbered within its peer's life. */
const CONNECTIONS = 2 ** 24

/** `2.17`: epoch and counter. */
export function shortZxid(zxid: Zxid): string {
  return `${epochOf(zxid)}.${counterOf(zxid)}`
}

/** Zxids, points and bytes in a few letters each. */
function terse(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.length}B`
  if (typeof value === 'number' && value >= 2 ** 32 && key !== 'digest') {
    return shortZxid(value as Zxid)
  }
  if (typeof value === 'object' && value !== null && 'chain' in value && 'zxid' in value) {
    const { zxid, chain } = value as LogPoint
    return `${shortZxid(zxid)}#${chain.toString(16)}`
  }
  return value
}

function show(value: object): string {
  return JSON.stringify(value, terse).replaceAll('"', '').slice(0, 400)
}

function showAll(values: readonly object[]): string {
  return values.map(show).join(' ')
}

/** One line, or for a turn one and one more for everything that came of it. */
export function describeEvent(event: TraceEvent): string {
  const milliseconds = (event.at / 1000).toFixed(3)
  return `${milliseconds.padStart(11)} ${event.actor.padEnd(4)} ${describeBody(event)}`
}

function describeBody(event: TraceEvent): string {
  switch (event.kind) {
    case 'run':
      return `seed ${event.seed} ${JSON.stringify(event.knobs)}`
    case 'violation':
    case 'note':
      return event.text
    case 'start': {
      const { life, trusted, epochs, base, last } = event
      const trust = trusted ? '' : ', not trusted'
      const { acceptedEpoch, currentEpoch } = epochs
      const log = `log ${shortZxid(base.zxid)}..${shortZxid(last)}`
      return `begins life ${life}${trust}, epochs ${acceptedEpoch}/${currentEpoch}, ${log}`
    }
    case 'receive':
      return `<- P${event.from} ${showAll(event.messages)}`
    case 'request':
    case 'observer':
      return `<- c${event.connection % CONNECTIONS} ${showAll(event.messages)}`
    case 'input':
      return `<- ${show(event.input)}`
    case 'turn':
      return describeTurn(event)
  }
}

function describeTurn({ view, reason, sends, answers, feeds, tasks }: TurnBody): string {
  const { role, serving, leader, epoch, last, committed } = view
  const place = `last ${shortZxid(last)} committed ${shortZxid(committed)}`
  const because = reason === undefined ? '' : ` (${reason})`
  return [
    `   ${role}${serving ? '!' : ''} leader ${leader ?? '-'} epoch ${epoch} ${place}${because}`,
    ...sends.map(({ to, messages }) => `${INDENT}-> P${to} ${showAll(messages)}`),
    ...[...feeds, ...answers].map(({ connection, messages }) => {
      return `${INDENT}-> c${connection % CONNECTIONS} ${showAll(messages)}`
    }),
    ...tasks.map(task => `${INDENT}=> ${describeTask(task)}`),
  ].join('')
}

function describeTask(task: StoreTask): string {
  return task.kind === 'write' ? describePersist(task.persist) : show(task)
}

function describePersist({ writeId, epochs, install, truncateAfter, groups }: Persist): string {
  const first = groups[0]
  const last = groups.at(-1)
  return [
    `write ${writeId} epochs ${epochs.acceptedEpoch}/${epochs.currentEpoch}`,
    install === undefined ? '' : ` install ${show(install)}`,
    truncateAfter === undefined ? '' : ` truncate after ${shortZxid(truncateAfter.zxid)}`,
    first === undefined || last === undefined
      ? ''
      : ` groups ${shortZxid(first.first)}..${shortZxid(last.last)}`,
  ].join('')
}

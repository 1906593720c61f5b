/** Inputs and outputs of a peer as lines of a trace. */

import { ByteReader } from '../../lib/base/bytes.ts'
import type { LogPoint } from '../../lib/base/group.ts'
import { decodePeerMessage as decodeAnswer } from '../../lib/base/reply.ts'
import { decodeClientMessage } from '../../lib/base/request.ts'
import { counterOf, epochOf, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerCore, PeerInput, TurnOutput } from '../../lib/peer/core.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import { decodePeerMessage } from '../../lib/zab/codec.ts'
import type { Persist } from '../../lib/zab/types.ts'

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

function describeAll<T extends object>(frame: Uint8Array, decode: (from: ByteReader) => T): string {
  const from = new ByteReader(frame)
  const shown: string[] = []
  while (!from.done) shown.push(show(decode(from)))
  return shown.join(' ')
}

export function describeInput(input: PeerInput): string {
  switch (input.kind) {
    case 'peerFrame':
      return `<- P${input.from} ${describeAll(input.frame, decodePeerMessage)}`
    case 'clientFrame':
      return `<- c${input.connection % 2 ** 24} ${describeAll(input.frame, decodeClientMessage)}`
    default:
      return `<- ${show(input)}`
  }
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

function describeTask(task: StoreTask): string {
  return task.kind === 'write' ? describePersist(task.persist) : show(task)
}

export function describeOutput(core: PeerCore, output: TurnOutput): string {
  const { role, serving, leader, epoch, last, committed } = core.zab.view
  const place = `last ${shortZxid(last)} committed ${shortZxid(committed)}`
  return [
    `   ${role}${serving ? '!' : ''} leader ${leader ?? '-'} epoch ${epoch} ${place}`,
    ...output.peerFrames.map(
      ({ to, frame }) => `\n${' '.repeat(17)}-> P${to} ${describeAll(frame, decodePeerMessage)}`,
    ),
    ...output.clientFrames.map(
      ({ to, frame }) =>
        `\n${' '.repeat(17)}-> c${to % 2 ** 24} ${describeAll(frame, decodeAnswer)}`,
    ),
    ...output.tasks.map(task => `\n${' '.repeat(17)}=> ${describeTask(task)}`),
  ].join('')
}

/** What the methods of `ensemble.faults` may be told, and the checks that turn a mistake into a TreeError. */

import { show } from '../base/errors.ts'
import type { Sid } from '../base/zxid.ts'
import { badArgument, checkFlag, checkOptions } from '../client/options.ts'
import type { Delay, Way } from './disturbance.ts'
import type { PauseTerms } from './pause.ts'
import type { Supervisor } from './supervisor.ts'

/** One peer by its server id, or several. */
export type PeerSet = number | readonly number[]

/** The way from some peers to others; the way back is another. */
export interface Direction {
  readonly from: PeerSet
  readonly to: PeerSet
}

export interface PauseOptions {
  /** Milliseconds until the thread goes on; by default it stands still until `heal`. */
  readonly ms?: number | undefined
  /** The thread computes instead of sleeping, and takes a core from the others. Default false. */
  readonly busy?: boolean | undefined
}

export interface DelayOptions {
  /** Senders whose frames are late; by default every peer's. */
  readonly from?: PeerSet | undefined
  /** Receivers to whom they are late; by default every peer. */
  readonly to?: PeerSet | undefined
  /** Milliseconds each frame is late; 0, without `jitterMs`, ends an earlier delay. */
  readonly ms: number
  /** Up to so many milliseconds more, by chance; default 0. Frames never overtake each other. */
  readonly jitterMs?: number | undefined
}

/** Longest a timer of Node can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1

function checkDuration(value: unknown, name: string): number {
  if (typeof value === 'number' && value >= 0 && value <= TIMER_MS_MAX) return value
  throw badArgument(`option ${name} must be milliseconds from 0 to 2^31-1, not ${show(value)}`)
}

function checkSids(supervisor: Supervisor, peers: PeerSet, name: string): Sid[] {
  if (typeof peers === 'number') return [supervisor.peer(peers).sid]
  if (Array.isArray(peers)) return Array.from(peers, sid => supervisor.peer(sid).sid)
  throw badArgument(`${name} must be a server id or a list of them, not ${show(peers)}`)
}

function waysBetween(senders: readonly Sid[], receivers: readonly Sid[]): Way[] {
  return senders.flatMap(from => receivers.filter(to => to !== from).map(to => ({ from, to })))
}

/** All ways between one peer and the others. */
export function waysOf(supervisor: Supervisor, sid: number): Way[] {
  const own = [supervisor.peer(sid).sid]
  const all = supervisor.peers.map(peer => peer.sid)
  return [...waysBetween(own, all), ...waysBetween(all, own)]
}

function checkGroup(supervisor: Supervisor, group: unknown, at: number): Sid[] {
  if (Array.isArray(group)) return checkSids(supervisor, group, `groups[${at}]`)
  throw badArgument(`groups[${at}] must be a list of server ids, not ${show(group)}`)
}

/** The ways between peers that have no group in common. */
function waysAcross(supervisor: Supervisor, groups: readonly (readonly number[])[]): Way[] {
  // Visits what a stray comma leaves out, too.
  const checked = Array.from(groups, (group, at) => checkGroup(supervisor, group, at))
  const all = supervisor.peers.map(peer => peer.sid)
  const left = all.filter(sid => !checked.some(group => group.includes(sid)))
  if (left.length > 0) {
    throw badArgument(`peer ${left.join(', ')} is in no group: name every peer`)
  }
  return waysBetween(all, all).filter(
    ({ from, to }) => !checked.some(group => group.includes(from) && group.includes(to)),
  )
}

/** What a partition cuts. */
export function checkPartition(
  supervisor: Supervisor,
  where: readonly (readonly number[])[] | Direction,
): Way[] {
  if (Array.isArray(where)) return waysAcross(supervisor, where)
  if (typeof where !== 'object' || where === null) {
    throw badArgument(`partition needs groups like [[1], [2, 3]], not ${show(where)}`)
  }
  checkOptions('partition', where, ['from', 'to'])
  const { from, to } = where as Direction
  return waysBetween(checkSids(supervisor, from, 'from'), checkSids(supervisor, to, 'to'))
}

export function checkPause(options: PauseOptions = {}): PauseTerms {
  checkOptions('pause', options, ['ms', 'busy'])
  const { ms, busy } = options
  return {
    ms: ms === undefined ? Number.POSITIVE_INFINITY : checkDuration(ms, 'ms'),
    busy: checkFlag(busy, 'busy', undefined),
  }
}

/** Which frames a delay holds, and for how long. */
export function checkDelay(
  supervisor: Supervisor,
  options: DelayOptions,
): Delay & { readonly ways: Way[] } {
  if (options === undefined) throw badArgument('delay needs options like { ms: 100 }')
  checkOptions('delay', options, ['from', 'to', 'ms', 'jitterMs'])
  const all = supervisor.peers.map(peer => peer.sid)
  const { from = all, to = all, ms, jitterMs = 0 } = options
  return {
    ways: waysBetween(checkSids(supervisor, from, 'from'), checkSids(supervisor, to, 'to')),
    delayMs: checkDuration(ms, 'ms'),
    jitterMs: checkDuration(jitterMs, 'jitterMs'),
  }
}

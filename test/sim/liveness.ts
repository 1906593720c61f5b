/**
 * The second part of a run: nothing more goes wrong with the core, which is everybody or a quorum that must do without
 * the others. So within a bounded time there is a leader in it, every call ends, all its peers come to the same state,
 * and then it stays so.
 */

import { shortZxid } from './describe.ts'
import type { SimEnsemble } from './ensemble.ts'
import { type Knobs, slowestTickUs, TICK_US } from './knobs.ts'
import type { SimPeer } from './peer.ts'
import { type Check, holds, Violation } from './violation.ts'
import type { World } from './world.ts'

/** The longest session timeout, with which a dead client's session ends, and time for elections besides. */
const LIVENESS_TICKS = 200
/** Attempts at a leader that may come to nothing first. */
const MISSED_ATTEMPTS = 3
/** After the ensemble has found together, it stays together for so long. */
const STABLE_TICKS = 15

interface Missing {
  readonly check: Check
  readonly what: string
}

/** Runs on until nothing is missing any more. */
export function findTogether(world: World, ensemble: SimEnsemble): void {
  const { agenda, knobs, counters } = world
  const begun = agenda.now
  const leaderDue = begun + leaderTicks(knobs, ensemble) * TICK_US
  const deadline = leaderDue + LIVENESS_TICKS * TICK_US
  let led = false
  for (;;) {
    // A tick at least: what was made good must have been noticed.
    agenda.runUntil(agenda.now + TICK_US)
    const ticks = Math.round((agenda.now - begun) / TICK_US)
    if (!led && isLed(ensemble)) {
      led = true
      counters.add('ticks to a leader', ticks)
      counters.atLeast('most ticks to a leader', ticks)
    }
    holds(led || agenda.now < leaderDue, 'LeaderInTime', () => `nobody leads after ${ticks} ticks`)
    const missing = whatIsMissing(ensemble)
    if (missing === undefined) {
      counters.add('ticks to find together', ticks)
      counters.atLeast('most ticks to find together', ticks)
      return
    }
    if (agenda.now >= deadline) {
      throw new Violation(missing.check, `after ${ticks} ticks without a fault ${missing.what}`)
    }
  }
}

/** With nothing wrong, nobody gives up a leader and no session expires. */
export function stayTogether({ agenda, counters }: World, { check }: SimEnsemble): void {
  const { chronicle } = check
  const { reigns } = chronicle
  const expired = counters.get('sessions expired')
  agenda.runUntil(agenda.now + STABLE_TICKS * TICK_US)
  holds(chronicle.reigns === reigns, 'Liveness', () => 'a leader was given up without cause')
  holds(counters.get('sessions expired') === expired, 'SessionLife', () => {
    return 'a session expired without cause'
  })
}

/**
 * Time for a leader: attempts that were under way may have to run into their time-outs first, and so may one with each
 * peer that looks as if it could lead.
 */
function leaderTicks(knobs: Knobs, { peers, core }: SimEnsemble): number {
  const attempts = MISSED_ATTEMPTS + peers.length - core.length
  return Math.ceil((attempts * knobs.initLimitTicks * slowestTickUs(knobs)) / TICK_US)
}

/** What keeps the ensemble from having found together, if anything. */
function whatIsMissing(ensemble: SimEnsemble): Missing | undefined {
  return (
    firstOf(ensemble.core, peer => missingOfPeer(peer, ensemble)) ??
    missingOfLeader(ensemble) ??
    firstOf(ensemble.clients(), ({ name, core, served, home }) => {
      if (core.pending > 0) return missing('CallsEnd', `${name} has ${core.pending} calls pending`)
      if (!served || home === undefined) return missing('Liveness', `${name} is served by nobody`)
      // It will have to move yet, and its session with it.
      if (!ensemble.core.includes(home)) return missing('Liveness', `${name} is at P${home.sid}`)
      return undefined
    }) ??
    missingOfSessions(ensemble)
  )
}

function missingOfPeer(peer: SimPeer, { check, core }: SimEnsemble): Missing | undefined {
  const { sid, serving, zab, tree, disk, trusted } = peer
  const { zxid } = check.chronicle.end
  if (!serving || zab === undefined || tree === undefined) {
    return missing('Liveness', `P${sid} serves nobody (${zab?.lastReason})`)
  }
  const { lastZxid, committed } = zab.history
  if (lastZxid !== zxid || committed !== zxid || tree.zxid !== zxid) {
    return missing('Convergence', `P${sid} is at ${shortZxid(tree.zxid)} of ${shortZxid(zxid)}`)
  }
  if (tree.digest !== core[0]!.tree?.digest) {
    return missing('Convergence', `P${sid} has another digest than P${core[0]!.sid}`)
  }
  if (disk.safe.last.zxid !== zxid) {
    return missing('Convergence', `P${sid} has not everything on disk`)
  }
  return trusted ? undefined : missing('Liveness', `P${sid} is not trusted`)
}

/**
 * Whoever leads the core from outside will be given up, and that is still to come; unless it is one whose disk is stuck
 * and that has nothing to write, so that nobody can tell.
 */
function missingOfLeader(ensemble: SimEnsemble): Missing | undefined {
  return isLed(ensemble) ? undefined : missing('Liveness', 'the leader is not of the core')
}

function isLed({ core, peers }: SimEnsemble): boolean {
  const leader = peers.find(({ leading, disk }) => leading && disk.isStuckIdle)
  return leader !== undefined || core.some(({ leading }) => leading)
}

/** A session whose client died ends by itself. */
function missingOfSessions(ensemble: SimEnsemble): Missing | undefined {
  const alive = new Set(ensemble.clients().map(({ core }) => core.sessionId))
  return firstOf(ensemble.execution.sessions.values(), ({ id, open }) => {
    const orphaned = open && !alive.has(id)
    return orphaned ? missing('SessionLife', `session ${id} outlives its client`) : undefined
  })
}

function missing(check: Check, what: string): Missing {
  return { check, what }
}

function firstOf<T>(
  items: Iterable<T>,
  missingOf: (item: T) => Missing | undefined,
): Missing | undefined {
  for (const item of items) {
    const found = missingOf(item)
    if (found !== undefined) return found
  }
  return undefined
}

/** Faults of the links between peers. */

import type { Sid } from '../../lib/base/zxid.ts'
import { TICK_US } from './knobs.ts'
import type { Inflict, Strike } from './strike.ts'

export type LinkFault =
  | 'isolate'
  | 'oneWayCut'
  | 'split'
  | 'ring'
  | 'clog'
  | 'swizzle'
  | 'rewire'
  | 'leaveBehind'

/** Two different peers, the leader now and then first. */
function twoPeers(strike: Strike): readonly [Sid, Sid] | undefined {
  const { peers, prng } = strike
  if (peers.length < 2) return undefined
  const leader = strike.leader()?.sid
  const [first, second] = prng.shuffle(peers.map(({ sid }) => sid)) as [Sid, Sid]
  const a = leader ?? first
  return [a, a === second ? first : second]
}

/** Loses what the links that are named carry, until they are replaced later. */
function cutWhere(strike: Strike, lost: (from: Sid, to: Sid) => boolean): string | undefined {
  const { net, prng } = strike
  const cuts = strike.pairs().filter(([from, to]) => lost(from, to))
  if (cuts.length === 0) return undefined
  const abruptly = prng.chance(0.5)
  for (const [from, to] of cuts) net.cut(from, to, abruptly)
  strike.afterwards(strike.later(), () => {
    for (const [from, to] of cuts) {
      const alive = strike.peer(from).alive && strike.peer(to).alive
      const isTwin = from > to && cuts.some(([a, b]) => a === to && b === from)
      if (alive && !isTwin) net.replace(from, to)
    }
  })
  return cuts.map(([from, to]) => `P${from}>P${to}`).join(' ')
}

/** Clogs some peers one after the other, and lets them go one after the other in another order. */
function swizzleClog(strike: Strike): string | undefined {
  const { net, peers, prng, world } = strike
  if (peers.length < 2) return undefined
  const sids = prng.shuffle(peers.map(({ sid }) => sid))
  const chosen = sids.slice(0, prng.between(1, sids.length))
  const released = prng.shuffle(chosen)
  const stepUs = prng.between(1, 8) * TICK_US
  const begins = world.agenda.now
  const full = Math.max(strike.later(), begins + chosen.length * stepUs)
  chosen.forEach((sid, at) => {
    const until = full + released.indexOf(sid) * stepUs
    strike.afterwards(begins + at * stepUs, () => {
      for (const other of sids) {
        if (other === sid) continue
        net.clog(sid, other, until)
        net.clog(other, sid, until)
      }
    })
  })
  return `clogs ${chosen.join(' ')}, releases ${released.join(' ')}`
}

/**
 * A learner hears nothing of its leader until that has purged what the learner would need, but not for so long that the
 * learner's clients are sent away.
 */
function leaveBehind(strike: Strike): string | undefined {
  const { net, peers, prng, world } = strike
  const { agenda, counters, knobs } = world
  const leader = peers.find(({ leading }) => leading)
  const homes = new Set(strike.clients.map(({ home }) => home))
  const learners = peers.filter(peer => peer.serving && !peer.leading && homes.has(peer))
  if (leader === undefined || learners.length === 0) return undefined
  const learner = prng.pick(learners)
  const lives = [leader.life, learner.life]
  net.cut(leader.sid, learner.sid, false)
  let joined = false
  const rejoin = (): void => {
    if (joined || leader.life !== lives[0] || learner.life !== lives[1]) return
    joined = true
    net.replace(leader.sid, learner.sid)
  }
  const until = agenda.now + 1.5 * knobs.syncLimitTicks * TICK_US
  strike.lay({
    until,
    springs: peer => {
      const logStart = peer === leader ? (leader.zab?.history.logStart.zxid ?? 0) : 0
      if (logStart <= (learner.zab?.history.lastZxid ?? 0)) return false
      counters.add('learners left behind')
      strike.afterwards(agenda.now, rejoin)
      return true
    },
  })
  strike.afterwards(until, rejoin)
  return `P${learner.sid} by P${leader.sid}`
}

export const LINK_FAULTS: Readonly<Record<LinkFault, Inflict>> = {
  isolate: strike => {
    const [a] = twoPeers(strike) ?? []
    return cutWhere(strike, (from, to) => from === a || to === a)
  },
  oneWayCut: strike => {
    const [a, b] = twoPeers(strike) ?? []
    const fromAll = strike.prng.chance(0.5)
    return cutWhere(strike, (from, to) => from === a && (fromAll || to === b))
  },
  split: strike => {
    const side = new Set<Sid>()
    for (const { sid } of strike.peers) if (strike.prng.chance(0.5)) side.add(sid)
    return cutWhere(strike, (from, to) => side.has(from) !== side.has(to))
  },
  // Everybody sees a majority, and nobody the same one: those nearest in a circle.
  ring: strike => {
    const circle = strike.prng.shuffle(strike.peers.map(({ sid }) => sid))
    const reach = Math.ceil(Math.floor(circle.length / 2) / 2)
    return cutWhere(strike, (from, to) => {
      const distance = Math.abs(circle.indexOf(from) - circle.indexOf(to))
      return Math.min(distance, circle.length - distance) > reach
    })
  },
  clog: strike => {
    const clogged: string[] = []
    for (const [from, to] of strike.pairs()) {
      if (!strike.prng.chance(0.3)) continue
      strike.net.clog(from, to, strike.later())
      clogged.push(`P${from}>P${to}`)
    }
    return clogged.length === 0 ? undefined : clogged.join(' ')
  },
  swizzle: swizzleClog,
  rewire: strike => {
    const pair = twoPeers(strike)
    if (pair === undefined || strike.living.length < strike.peers.length) return undefined
    strike.net.replace(...pair)
    return `P${pair[0]}-P${pair[1]}`
  },
  leaveBehind,
}

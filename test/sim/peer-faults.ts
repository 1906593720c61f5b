/** Faults of threads: of peers, also at the worst moment, of clients, and of the clock on the wall. */

import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { TurnOutput } from '../../lib/peer/core-turn.ts'
import type { SimClient } from './client.ts'
import { TICK_US, within } from './knobs.ts'
import type { SimPeer } from './peer.ts'
import type { Inflict, Strike } from './strike.ts'

export type PeerFault =
  | 'crash'
  | 'crashAll'
  | 'crashInSync'
  | 'crashInSnapshot'
  | 'crashAtStart'
  | 'pause'
  | 'clockJump'
  | 'clientMoves'
  | 'clientDies'
  | 'clientStalls'

/** Whether the moment has come, with this turn of a peer or, without output, with its start. */
type Moment = (peer: SimPeer, output: TurnOutput | undefined) => boolean

/** How long the right moment is waited for. */
const TRAP_TICKS = 200

function hands(is: (task: StoreTask, peer: SimPeer) => boolean): Moment {
  return (peer, output) => output?.tasks.some(task => is(task, peer)) === true
}

/** The moments of synchronisation, from the promise to the first proposals after UPTODATE. */
const IN_SYNC: Readonly<Record<string, Moment>> = {
  promise: hands(({ kind, ...task }, { disk }) => {
    return 'persist' in task && task.persist.epochs.acceptedEpoch > disk.safe.epochs.acceptedEpoch
  }),
  chunk: hands(({ kind }) => kind === 'stage'),
  install: hands(task => task.kind === 'write' && task.persist.install !== undefined),
  cut: hands(task => task.kind === 'write' && task.persist.truncateAfter !== undefined),
  newLeader: hands(({ kind, ...task }, { disk }) => {
    return 'persist' in task && task.persist.epochs.currentEpoch > disk.safe.epochs.currentEpoch
  }),
  leaderReads: hands(({ kind }) => kind === 'load'),
}

const IN_SNAPSHOT: Readonly<Record<string, Moment>> = {
  chunk: hands(({ kind }) => kind === 'snapshotChunk'),
  commit: hands(({ kind }) => kind === 'snapshotCommit'),
}

const AT_START: Readonly<Record<string, Moment>> = {
  start: (_, output) => output === undefined,
}

/** Crashes the next peer that comes to one of these moments, at once or within the time of a call of its disk. */
function layTrap(strike: Strike, moments: Readonly<Record<string, Moment>>): string {
  const { prng, world } = strike
  const { agenda, counters, knobs } = world
  const name = prng.pick(Object.keys(moments))
  const moment = moments[name]!
  // Sometimes not the first time, but a while into what takes many steps.
  let passed = prng.pick([0, 0, 0, 1, 3])
  const delay = prng.chance(0.3) ? 0 : within(prng, knobs.diskUs)
  strike.lay({
    until: agenda.now + TRAP_TICKS * TICK_US,
    springs: (peer, output) => {
      if (!moment(peer, output) || passed-- > 0) return false
      counters.add(`trap sprung: ${name}`)
      const { life } = peer
      strike.afterwards(agenda.now + delay, () => {
        if (peer.up && peer.life === life) strike.crash(peer)
      })
      return true
    },
  })
  return `at ${name}`
}

function onClient(strike: Strike, inflict: (client: SimClient) => void): string | undefined {
  const client = strike.anyClient()
  if (client !== undefined) inflict(client)
  return client?.name
}

export const PEER_FAULTS: Readonly<Record<PeerFault, Inflict>> = {
  crash: strike => {
    const peer = strike.anyPeer()
    if (peer !== undefined) strike.crash(peer)
    return peer && `P${peer.sid}`
  },
  crashAll: strike => {
    const { living } = strike
    for (const peer of living) strike.crash(peer)
    return living.length === 0 ? undefined : living.map(({ sid }) => `P${sid}`).join(' ')
  },
  crashInSync: strike => layTrap(strike, IN_SYNC),
  crashInSnapshot: strike => layTrap(strike, IN_SNAPSHOT),
  // Somebody must start for it, and may die again while it reads its disk or casts its first vote.
  crashAtStart: strike => {
    const peer = strike.anyPeer()
    if (peer === undefined) return undefined
    const trap = layTrap(strike, AT_START)
    strike.crash(peer)
    return `P${peer.sid} ${trap}`
  },
  pause: strike => {
    const peer = strike.anyPeer()
    peer?.pause(strike.later())
    return peer && `P${peer.sid}`
  },
  clockJump: strike => {
    const byMs = strike.prng.between(-100_000, 100_000)
    strike.world.jumpClock(byMs)
    return `${byMs} ms`
  },
  clientMoves: strike => onClient(strike, client => client.move()),
  clientDies: strike => onClient(strike, client => client.die()),
  clientStalls: strike => onClient(strike, client => client.stall(strike.later())),
}

/**
 * What the safety phase ends with. Either all harm is undone; or a core is chosen, a quorum of voters whose data are
 * sound and any others, that is healed, and whatever has befallen everybody else is so for good: the core must do
 * without them.
 */

import type { Prng } from '../support/prng.ts'
import type { SimPeer } from './peer.ts'
import type { Victims } from './strike.ts'
import type { World } from './world.ts'

const FATES = ['stays down', 'is cut off', 'stands still', 'has a stuck disk'] as const
type Fate = (typeof FATES)[number]

/** Chooses who is healed: with some chance a core only, else everybody. */
export function chooseCore(world: World, prng: Prng, victims: Victims): readonly SimPeer[] {
  const { peers, atlas } = victims
  if (!prng.chance(world.knobs.coreOnly)) return peers
  const sound = prng.shuffle(atlas.sound())
  const needed = sound.slice(0, prng.between(atlas.quorum, sound.length))
  const share = prng.pick([0, 0.5])
  return peers.filter(peer => {
    const joins = prng.chance(share)
    return needed.includes(peer) || joins
  })
}

/** Heals the core, and leaves all others to their fate. */
export function relieve(
  world: World,
  prng: Prng,
  { peers, net, atlas }: Victims,
  core: readonly SimPeer[],
): void {
  world.calm()
  for (const peer of core) {
    peer.disk.mend()
    // Some are started again who do not know yet that something on their disk is unreadable; the others never learn.
    const restarts = prng.chance(0.5)
    if (restarts && peer.zab?.trusted && atlas.worthOf(peer) !== 'sound') {
      peer.crash(true)
      net.died(peer.sid, true)
    }
    if (!peer.up) peer.start()
    peer.resume()
  }
  net.heal()
  const others = peers.filter(peer => !core.includes(peer))
  if (others.length > 0) world.counters.add('cores smaller than the ensemble')
  for (const peer of others) {
    const fate = peer.alive ? prng.pick(FATES) : 'stays down'
    condemn(peer, fate)
    if (fate === 'is cut off') for (const { sid } of core) net.sever(peer.sid, sid)
    if (fate === 'stays down') net.died(peer.sid, prng.chance(0.5))
    world.counters.add(`for good: ${fate}`)
    if (world.trace.on) world.trace.line('!!', `P${peer.sid} ${fate}`)
  }
}

function condemn(peer: SimPeer, fate: Fate): void {
  switch (fate) {
    case 'stays down':
      if (peer.up) peer.crash(false)
      return
    case 'is cut off':
      return
    case 'stands still':
      return peer.pause(Number.POSITIVE_INFINITY)
    case 'has a stuck disk':
      return peer.disk.stall(Number.POSITIVE_INFINITY)
  }
}

/** Faults of peers: their threads, their disks, and the clients at home with them. */

import type { SimClient } from './client.ts'
import { DiskImage } from './disk-image.ts'
import type { SimPeer } from './peer.ts'
import type { Inflict, Strike } from './strike.ts'

export type PeerFault =
  | 'crash'
  | 'crashAll'
  | 'pause'
  | 'diskStall'
  | 'damage'
  | 'wipe'
  | 'clockJump'
  | 'clientMoves'
  | 'clientDies'
  | 'clientStalls'

function crash(strike: Strike, peer: SimPeer): string {
  const { prng, world, net } = strike
  const { knobs, trace } = world
  const share = prng.chance(knobs.survival) ? prng.unit() * 1.2 : 0
  const noticed = !prng.chance(knobs.silence)
  peer.crash(Math.min(share, 1))
  net.died(peer.sid, noticed)
  if (trace.on) trace.line(`P${peer.sid}`, noticed ? 'dies' : 'dies unnoticed')
  const { life } = peer
  strike.afterwards(strike.later(), () => {
    if (!peer.alive && peer.life === life) peer.start()
  })
  return `P${peer.sid}`
}

/** Takes the data of a voter or observer, or a part; others must be able to form a quorum without it. */
function ruin(strike: Strike, leave: (image: DiskImage) => DiskImage): string | undefined {
  const peer = strike.anyPeer()
  if (peer === undefined) return undefined
  const sound = strike.peers.filter(other => other !== peer && other.voter && other.trusted)
  if (sound.length * 2 <= strike.world.knobs.voters) return undefined
  crash(strike, peer)
  peer.ruin(leave(peer.disk.safe.copy()))
  return `P${peer.sid}`
}

/** A log with a hole is good up to the hole. */
function cutShort(strike: Strike, image: DiskImage): DiskImage {
  const snapshotted = image.newest?.head.point.zxid ?? image.logStart.zxid
  const first = image.indexAfter(snapshotted)
  image.groups.length = strike.prng.between(first, image.groups.length)
  return image
}

function onClient(strike: Strike, inflict: (client: SimClient) => void): string | undefined {
  const client = strike.anyClient()
  if (client !== undefined) inflict(client)
  return client?.name
}

export const PEER_FAULTS: Readonly<Record<PeerFault, Inflict>> = {
  crash: strike => {
    const peer = strike.anyPeer()
    return peer && crash(strike, peer)
  },
  crashAll: strike => {
    const crashed = strike.living.map(peer => crash(strike, peer))
    return crashed.length === 0 ? undefined : crashed.join(' ')
  },
  pause: strike => {
    const peer = strike.anyPeer()
    peer?.pause(strike.later())
    return peer && `P${peer.sid}`
  },
  diskStall: strike => {
    const peer = strike.anyPeer()
    peer?.disk.stall(strike.later())
    return peer && `P${peer.sid}`
  },
  damage: strike => ruin(strike, image => cutShort(strike, image)),
  wipe: strike => ruin(strike, () => new DiskImage()),
  clockJump: strike => {
    const byMs = strike.prng.between(-100_000, 100_000)
    strike.world.jumpClock(byMs)
    return `${byMs} ms`
  },
  clientMoves: strike => onClient(strike, client => client.move()),
  clientDies: strike => onClient(strike, client => client.die()),
  clientStalls: strike => onClient(strike, client => client.stall(strike.later())),
}

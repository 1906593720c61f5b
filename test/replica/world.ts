/**
 * Three replicas, an ideal agreement between them, and everything that can happen around it: groups applied late and at
 * different times, submissions under way, leaders and peers that die, trees that jump, clients that move or die,
 * sessions nobody reports. One seed decides all of it.
 */

import assert from 'node:assert/strict'
import type { Group } from '../../lib/base/group.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import type { Txn } from '../../lib/base/txn.ts'
import type { Zxid } from '../../lib/base/zxid.ts'
import type { Replica } from '../../lib/replica/replica.ts'
import { decodePayload } from '../support/payload.ts'
import { Prng } from '../support/prng.ts'
import { CheckingClient } from './checking-client.ts'
import { Model } from './model.ts'
import {
  bytes,
  CLOSE,
  copyTree,
  create,
  encodeMessages,
  Log,
  newReplica,
  path,
  remove,
  SYNC,
  set,
  TICK_MS,
} from './support.ts'

const PEERS = [0, 1, 2]
const SESSION_TICKS = [2, 8, 400]
const ROUNDS_TO_HEAL = 40
const TICKS_TO_HEAL = 480

interface Peer {
  replica: Replica
  /** Number of groups of the log that are applied. */
  applied: number
  /** Submissions on their way to the leader. */
  link: Uint8Array[]
  knowsLeader: boolean
}

interface Guest {
  readonly client: CheckingClient
  peer: number
  connection: number | undefined
  dead: boolean
}

export class World {
  readonly prng: Prng
  readonly model = new Model()
  readonly peers: Peer[] = []
  readonly guests: Guest[] = []
  readonly counts = new Map<string, number>()
  readonly #byConnection = new Map<number, Guest>()
  readonly #bySession = new Map<number, Guest>()
  readonly #log = new Log()
  #groups: Group[] = []
  /** Number of groups that a quorum has. */
  #committed = 0
  #leader = 0
  #epoch = 1
  #nowMs = 1_000_000
  #connections = 0

  constructor(seed: number) {
    this.prng = new Prng(seed)
    for (const at of PEERS) this.peers.push(this.#newPeer(newReplica(at + 1)))
    this.#log.newEpoch(1)
    this.peers[0]!.replica.lead(this.#log.last)
    for (const peer of this.peers) peer.knowsLeader = true
    for (let n = 0; n < 6; n++) this.#invite()
  }

  /** One random thing happens. */
  step(): void {
    const { prng } = this
    const guest = prng.pick(this.guests)
    const dice = prng.unit()
    if (dice < 0.4) this.#act(guest)
    else if (dice < 0.5) this.#submit(prng.pick(PEERS))
    else if (dice < 0.6) this.#carry(prng.pick(PEERS))
    else if (dice < 0.66) this.#propose()
    else if (dice < 0.74) this.#commit(prng.between(0, 3))
    else if (dice < 0.88) this.#apply(prng.pick(PEERS), prng.between(1, 3))
    else if (dice < 0.9) this.#learnLeader(prng.pick(PEERS))
    else if (dice < 0.93) this.#tick()
    else if (dice < 0.96) this.#move(guest)
    else if (dice < 0.968) this.#changeLeader(prng.pick(PEERS))
    else if (dice < 0.975) this.#crash(prng.pick(PEERS))
    else if (dice < 0.982) this.#jump(prng.pick(PEERS))
    else if (dice < 0.985) this.#kill(guest)
    else this.#invite()
  }

  /** No more faults: everything under way comes to its end. */
  heal(): void {
    for (let round = 0; round < ROUNDS_TO_HEAL; round++) {
      for (const guest of this.guests) this.#arrive(guest)
      for (const at of PEERS) {
        this.#learnLeader(at)
        this.#submit(at)
        while (this.peers[at]!.link.length > 0) this.#carry(at)
      }
      this.#propose()
      this.#commit(this.#groups.length)
      for (const at of PEERS) this.#apply(at, this.#groups.length)
      // Sessions that nobody holds run out in the end.
      for (let ticks = 0; ticks < TICKS_TO_HEAL / ROUNDS_TO_HEAL; ticks++) {
        this.#report()
        this.peers[this.#leader]!.replica.tick()
      }
    }
  }

  /** What holds once all is quiet. */
  assertAtRest(): void {
    const live = this.guests.filter(({ client, dead }) => !dead && client.goodbye === undefined)
    for (const { client } of live) {
      assert.deepEqual(client.unanswered, [], `${client.name} has all its answers`)
    }
    const expected = live.map(({ client }) => client.sessionId).sort()
    assert.deepEqual([...this.model.sessions].sort(), expected, 'who lives has a session')
    for (const { replica } of this.peers) {
      const { tree } = replica
      assert.equal(tree.digest, this.peers[0]!.replica.tree.digest)
      assert.equal(tree.nodeCount, this.model.state.size)
      assert.deepEqual([...tree.sessions()].map(({ id }) => id as number).sort(), expected)
      replica.resubmit()
      assert.equal(replica.takeSubmissions(), undefined, 'nobody asks for anything')
      for (const at of this.model.state.keys()) assert(tree.node(path(at)) !== undefined)
    }
    assert.equal(this.peers[this.#leader]!.replica.pending, 0, 'nothing is under way')
    const owners = new Set([...this.model.state.values()].map(({ owner }) => owner))
    for (const owner of owners)
      assert(owner === 0 || expected.includes(owner), 'no stale ephemeral')
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  #newPeer(replica: Replica): Peer {
    return { replica, applied: 0, link: [], knowsLeader: false }
  }

  #invite(): void {
    if (this.guests.filter(({ dead, client }) => !dead && !client.goodbye).length >= 8) return
    const timeoutMs = this.prng.pick(SESSION_TICKS) * TICK_MS
    const client = new CheckingClient(`client ${this.guests.length}`, this.model, timeoutMs)
    const guest = { client, peer: 0, connection: undefined, dead: false }
    this.guests.push(guest)
    this.#arrive(guest)
  }

  /** Connects a client that is not connected, at any peer. */
  #arrive(guest: Guest): void {
    if (guest.connection !== undefined || guest.dead || guest.client.goodbye !== undefined) return
    guest.peer = this.prng.pick(PEERS)
    guest.connection = ++this.#connections
    this.#byConnection.set(guest.connection, guest)
    const { replica } = this.peers[guest.peer]!
    replica.connect(guest.connection)
    replica.receive(guest.connection, encodeMessages(guest.client.hello()))
    this.#deliver(guest.peer)
  }

  #act(guest: Guest): void {
    if (guest.connection === undefined) this.#arrive(guest)
    if (guest.connection === undefined || guest.client.unanswered.length > 20) return
    if (guest.client.writes.at(-1)?.kind === 'closeSession') return
    const messages = Array.from({ length: this.prng.between(1, 4) }, () =>
      this.prng.chance(0.6)
        ? guest.client.write(this.#randomWrite())
        : guest.client.read(this.#randomRead()),
    )
    if (this.prng.chance(0.01)) messages.push(guest.client.write(CLOSE))
    this.peers[guest.peer]!.replica.receive(guest.connection, encodeMessages(messages))
    this.#deliver(guest.peer)
  }

  #randomPath(): string {
    const top = `/${this.prng.pick(['a', 'b', 'c'])}`
    return this.prng.chance(0.6) ? `${top}/${this.prng.pick(['x', 'y', 'z'])}` : top
  }

  #randomWrite(): WriteRequest {
    const { prng } = this
    const at = this.#randomPath()
    const version = prng.chance(0.7) ? -1 : prng.between(0, 2)
    const data = String(prng.between(0, 99))
    const dice = prng.unit()
    if (dice < 0.25) return set(at, data, version)
    if (dice < 0.55) return remove(at, version)
    if (dice < 0.6) return SYNC
    return create(at, {
      data: bytes(data),
      ephemeral: prng.chance(0.4),
      sequential: prng.chance(0.1),
      parents: prng.chance(0.3),
    })
  }

  #randomRead(): ReadRequest {
    const kind = this.prng.pick(['get', 'exists', 'children'] as const)
    const at = this.prng.chance(0.1) ? '/' : this.#randomPath()
    return { kind, path: path(at), watch: this.prng.chance(0.7) }
  }

  #submit(at: number): void {
    const peer = this.peers[at]!
    const payload = peer.replica.takeSubmissions()
    if (payload !== undefined && peer.knowsLeader) peer.link.push(payload)
  }

  #carry(at: number): void {
    const payload = this.peers[at]!.link.shift()
    if (payload !== undefined) this.peers[this.#leader]!.replica.prepare(payload, this.#nowMs++)
  }

  #propose(): void {
    for (const prepared of this.peers[this.#leader]!.replica.takeGroups()) {
      this.#groups.push(this.#log.add(prepared))
    }
  }

  #commit(count: number): void {
    const upTo = Math.min(this.#groups.length, this.#committed + count)
    for (; this.#committed < upTo; this.#committed++)
      this.#tellModel(this.#groups[this.#committed]!)
  }

  #tellModel(group: Group): void {
    const { txns } = decodePayload(group.payload)
    txns.forEach((txn, n) => {
      this.#tellModelOf(txn, (group.first + n) as Zxid)
    })
  }

  #tellModelOf({ body, sessionId, cxid }: Txn, zxid: Zxid): void {
    this.#count(body.type === 'close' && cxid === 0 ? 'close by the leader' : body.type)
    if (body.type === 'open') {
      this.model.open(sessionId)
      const guest = this.#byConnection.get(body.connection)
      assert(guest !== undefined)
      this.#bySession.set(sessionId, guest)
    } else if (body.type === 'close' && cxid === 0) this.model.close(sessionId, zxid)
    else if (cxid > 0) {
      const request = this.#bySession.get(sessionId)!.client.writes[cxid - 1]
      assert(request !== undefined, 'a transaction that a client asked for')
      const outcome = this.model.write(sessionId, cxid, request, zxid)
      assert.equal(body.type === 'error' ? body.code : undefined, outcome.code)
    }
  }

  #apply(at: number, count: number): void {
    const peer = this.peers[at]!
    for (let n = 0; n < count && peer.applied < this.#committed; n++) {
      peer.replica.apply(this.#groups[peer.applied++]!)
    }
    this.#deliver(at)
  }

  /** Hands out the frames of a peer and closes what it closes. */
  #deliver(at: number): void {
    const { replica } = this.peers[at]!
    for (const { connection, frame } of replica.takeFrames()) {
      const guest = this.#byConnection.get(connection)
      if (guest?.connection !== connection) continue
      guest.client.receive(frame)
      if (guest.client.goodbye === 'SESSION_MOVED') guest.client.goodbye = undefined
    }
    for (const connection of replica.takeClosings()) {
      const guest = this.#byConnection.get(connection)
      if (guest?.connection !== connection) continue
      guest.connection = undefined
      if (guest.client.writes.at(-1)?.kind === 'closeSession') guest.dead = true
      replica.disconnect(connection)
    }
  }

  /** Clients that report late are not dead, but their sessions may end. */
  #tick(): void {
    if (this.prng.chance(0.5)) this.#report()
    this.peers[this.#leader]!.replica.tick()
  }

  #report(): void {
    for (const { replica, knowsLeader } of this.peers) {
      if (knowsLeader) this.peers[this.#leader]!.replica.touch(replica.connectedSessions())
    }
  }

  #move(guest: Guest): void {
    if (guest.connection === undefined) return
    const { replica } = this.peers[guest.peer]!
    this.#count('move')
    // Sometimes the end of the old connection is seen long after the client is elsewhere, or never.
    replica.receive(guest.connection, encodeMessages([{ kind: 'leave' }]))
    if (this.prng.chance(0.5)) replica.disconnect(guest.connection)
    guest.connection = undefined
    if (guest.client.sessionId === 0) {
      guest.dead = true
      return
    }
    this.#arrive(guest)
  }

  #kill(guest: Guest): void {
    if (guest.connection === undefined || guest.dead) return
    this.#count('kill')
    this.peers[guest.peer]!.replica.disconnect(guest.connection)
    guest.connection = undefined
    guest.dead = true
  }

  #learnLeader(at: number): void {
    const peer = this.peers[at]!
    if (peer.knowsLeader) return
    peer.knowsLeader = true
    peer.replica.resubmit()
  }

  /** What was proposed and not committed is kept up to a random place; what was under way is lost. */
  #changeLeader(next: number): void {
    this.#count('leader change')
    this.#propose()
    this.#groups.length = this.prng.between(this.#committed, this.#groups.length)
    this.#commit(this.#groups.length)
    const last = this.#groups.at(-1)
    if (last !== undefined) this.#log.point = { zxid: last.last, chain: last.chain }
    this.peers[this.#leader]!.replica.unlead()
    this.#leader = next
    this.#apply(next, this.#groups.length)
    this.#log.newEpoch(++this.#epoch)
    this.peers[next]!.replica.lead(this.#log.last)
    for (const peer of this.peers) {
      peer.link = []
      peer.knowsLeader = false
    }
    this.#learnLeader(next)
  }

  /** The peer starts again from its tree as it was; its clients find their way. */
  #crash(at: number): void {
    this.#count('crash')
    if (at === this.#leader) this.#changeLeader((at + 1) % PEERS.length)
    const { replica, applied } = this.peers[at]!
    this.peers[at] = { ...this.#newPeer(newReplica(at + 1, copyTree(replica.tree))), applied }
    for (const guest of this.guests) {
      if (guest.peer !== at || guest.connection === undefined) continue
      guest.connection = undefined
      if (guest.client.sessionId === 0) guest.dead = true
      if (this.prng.chance(0.7)) this.#arrive(guest)
    }
  }

  /** A follower that lags behind, and therefore begins to follow anew, gets the leader's tree. */
  #jump(at: number): void {
    const source = this.peers[this.#leader]!
    const peer = this.peers[at]!
    if (peer.applied >= source.applied) return
    this.#count('jump')
    this.#deliver(at)
    peer.replica.replaceTree(copyTree(source.replica.tree))
    peer.applied = source.applied
    peer.link = []
    peer.knowsLeader = false
    const here = this.guests.filter(guest => guest.peer === at && guest.connection !== undefined)
    for (const { client } of here) client.startResuming(peer.replica.tree.zxid)
    this.#deliver(at)
  }
}

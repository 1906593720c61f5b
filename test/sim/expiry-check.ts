/**
 * Who is expired, and why: a session that its client did not give up is ended only by a leader that has heard nothing
 * of it for all of its time-out, in ticks of its own. A tick is one turn that took any: a leader that stood still
 * cannot make up for what it missed.
 */

import { ByteReader } from '../../lib/base/bytes.ts'
import { decodeClientMessage } from '../../lib/base/request.ts'
import type { Txn } from '../../lib/base/txn.ts'
import { type Epoch, epochOf, type SessionId, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import { shortZxid } from './describe.ts'
import { TICK_MS } from './knobs.ts'
import { holds } from './violation.ts'

/** What was heard of before the last tick counts from that tick on. */
const SLACK_TICKS = 1

interface Proposed {
  readonly last: Zxid
  readonly tick: number
  /** The leader heard of what is proposed here at this tick or later: by then, all it had heard of was proposed. */
  readonly heardFrom: number
}

interface Reign {
  /** Ticks of its leader since it was established. */
  ticks: number
  /** Ascending; those before `next` are committed. */
  readonly proposed: Proposed[]
  next: number
  /** At this tick nothing waited to be proposed. */
  clearAt: number
  /** At which ticks the leader heard of each session; ascending but for those of transactions. */
  readonly heard: Map<SessionId, number[]>
}

interface Live {
  owner: Sid
  connection: number
  readonly lifeTicks: number
}

export class ExpiryCheck {
  readonly #reigns = new Map<Epoch, Reign>()
  readonly #sessions = new Map<SessionId, Live>()
  /** Connections that opened a session. */
  readonly #opened = new Set<string>()
  /**
   * Those whose sessions may be ended at once: the client is gone, perhaps before it was welcomed, or they opened two
   * sessions, of which it knows one.
   */
  readonly #ended = new Set<string>()
  #expiries = 0
  /** The last turn took a tick. */
  #ticked = false

  /** Sessions that were expired for their silence. */
  get expiries(): number {
    return this.#expiries
  }

  /** A peer's turn; a session whose port closed there is ended without waiting. */
  turned(sid: Sid, inputs: readonly PeerInput[], { closings }: TurnOutput): void {
    this.#ticked = false
    for (const input of inputs) {
      if (input.kind === 'tick') this.#ticked = true
      else if (input.kind === 'disconnect' || isLeave(input)) {
        this.#ended.add(placeOf(sid, input.connection))
      }
    }
    for (const connection of closings) this.#ended.add(placeOf(sid, connection))
  }

  /**
   * The same turn, of a peer that leads `epoch` and has a log up to `last` now. While its disk and those of a quorum
   * are `busy`, what it hears of may wait before it is proposed.
   */
  led(epoch: Epoch, heard: readonly SessionId[], last: Zxid, busy: boolean): void {
    let reign = this.#reigns.get(epoch)
    if (reign === undefined) {
      reign = { ticks: 0, proposed: [], next: 0, clearAt: 0, heard: new Map() }
      this.#reigns.set(epoch, reign)
    } else if (this.#ticked) {
      reign.ticks++
    }
    if (epochOf(last) === epoch && reign.proposed.at(-1)?.last !== last) {
      reign.proposed.push({ last, tick: reign.ticks, heardFrom: reign.clearAt })
      reign.clearAt = reign.ticks
    } else if (!busy) reign.clearAt = reign.ticks
    for (const id of heard) hear(reign, id, reign.ticks)
  }

  /** Everything that is committed, in order. */
  committed(first: Zxid, txns: readonly Txn[]): void {
    const reign = this.#reigns.get(epochOf(first))
    const proposed = reign === undefined ? undefined : proposalOf(reign, first)
    txns.forEach((txn, at) => {
      this.#committedOne((first + at) as Zxid, txn, reign, proposed)
    })
  }

  #committedOne(
    zxid: Zxid,
    { sessionId, cxid, body }: Txn,
    reign: Reign | undefined,
    proposed: Proposed | undefined,
  ): void {
    switch (body.type) {
      case 'open': {
        const { owner, connection, timeoutMs } = body
        const lifeTicks = Math.ceil(timeoutMs / TICK_MS) + 1
        this.#sessions.set(sessionId, { owner, connection, lifeTicks })
        const place = placeOf(owner, connection)
        if (this.#opened.has(place)) this.#ended.add(place)
        this.#opened.add(place)
        break
      }
      case 'attach': {
        const session = this.#sessions.get(sessionId)
        if (!body.granted || session === undefined) return
        session.owner = body.owner
        session.connection = body.connection
        break
      }
      case 'close':
        if (cxid === 0) this.#checkExpiry(zxid, sessionId, reign, proposed)
        this.#sessions.delete(sessionId)
        return
      default:
        return
    }
    if (reign !== undefined && proposed !== undefined) hear(reign, sessionId, proposed.heardFrom)
  }

  #checkExpiry(
    zxid: Zxid,
    id: SessionId,
    reign: Reign | undefined,
    proposed: Proposed | undefined,
  ): void {
    const session = this.#sessions.get(id)
    // A reign that ended with the turn it began in was never seen.
    if (session === undefined || reign === undefined || proposed === undefined) return
    const { tick, heardFrom } = proposed
    const { owner, connection, lifeTicks } = session
    if (this.#ended.has(placeOf(owner, connection))) return
    this.#expiries++
    let heard = 0
    // What came with the very turn of the expiry, or while that waited, came too late, or so it may be.
    for (const at of reign.heard.get(id) ?? []) {
      if (at < tick && at <= heardFrom && at > heard) heard = at
    }
    holds(tick - heard >= lifeTicks - SLACK_TICKS, 'NoRetroactiveExpiry', () => {
      const silence = `${tick - heard} ticks after its leader heard of it or began`
      return `session ${id} of ${lifeTicks} ticks is expired at ${shortZxid(zxid)}, ${silence}`
    })
  }
}

/** How the leader proposed what is committed next. */
function proposalOf(reign: Reign, zxid: Zxid): Proposed | undefined {
  const { proposed } = reign
  while (reign.next < proposed.length && proposed[reign.next]!.last < zxid) reign.next++
  return proposed[reign.next]
}

function hear({ heard }: Reign, id: SessionId, tick: number): void {
  const ticks = heard.get(id)
  if (ticks === undefined) heard.set(id, [tick])
  else if (ticks.at(-1) !== tick) ticks.push(tick)
}

/** A client says that it goes elsewhere in a frame of its own. */
function isLeave(input: PeerInput): input is Extract<PeerInput, { kind: 'clientFrame' }> {
  if (input.kind !== 'clientFrame' || input.frame.length > 1) return false
  return decodeClientMessage(new ByteReader(input.frame)).kind === 'leave'
}

function placeOf(sid: Sid, connection: number): string {
  return `${sid}:${connection}`
}

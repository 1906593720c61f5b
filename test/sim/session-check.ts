/**
 * What one session is told, against the one execution: replies in order, reads that show exactly the state at their
 * zxid, writes that ended as they were committed, and every watch told once, truly, and before the data that shows it.
 */

import { PERMISSIONS } from '../../lib/base/acl.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { Reply, WatchEvent } from '../../lib/base/reply.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import { type SessionId, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import { isAllowed, type NodeState } from './book.ts'
import { shortZxid } from './describe.ts'
import { type Execution, same } from './execution.ts'
import { isWrite } from './requests.ts'
import type { SimCall } from './sim-call.ts'
import { holds } from './violation.ts'

function mayRead(node: NodeState): boolean {
  return isAllowed(node, PERMISSIONS.READ)
}

/** A watch that a session holds. */
export interface HeldWatch {
  readonly path: ZPath
  readonly kind: 'node' | 'child'
  /** Left on a node that was missing. */
  missing: boolean
  /** Nothing up to here is to be told; undefined until the read that leaves it is answered. */
  since: Zxid | undefined
  /** Breaks of the session by then. */
  breaks: number
  fired: boolean
}

/** A watch that a read is about to leave. */
export function newWatch({ path, kind }: ReadRequest): HeldWatch {
  return {
    path,
    kind: kind === 'children' ? 'child' : 'node',
    missing: false,
    since: undefined,
    breaks: 0,
    fired: false,
  }
}

/** What all sessions share. */
export interface Witness {
  readonly execution: Execution
  /** The last transaction anybody was told of. */
  knownZxid: Zxid
  /** A write was acknowledged to a client: it must be safe. */
  acknowledged(zxid: Zxid): void
}

export class SessionCheck {
  readonly #name: string
  readonly #witness: Witness
  readonly #watches = new Set<HeldWatch>()
  readonly #line: SimCall[] = []
  /** Of the last answer. */
  #zxid: Zxid = ZXID_ZERO
  #lastWrite: Zxid = ZXID_ZERO
  #lastEvent: Zxid = ZXID_ZERO
  /** Connections, and jumps of the peer behind one: each may leave out what came and went meanwhile. */
  #breaks = 0
  /** After a break what was missed is told at once, in no promised order. */
  #catchesUp = false

  constructor(name: string, witness: Witness) {
    this.#name = name
    this.#witness = witness
  }

  get breaks(): number {
    return this.#breaks
  }

  get watches(): number {
    return this.#watches.size
  }

  broke(): void {
    this.#breaks++
    this.#catchesUp = true
  }

  frameEnded(): void {
    this.#catchesUp = false
  }

  called(call: SimCall): void {
    this.#line.push(call)
  }

  /** Calls are settled in the order they were made, whatever becomes of them, unless they are given up. */
  settled(call: SimCall, sessionId: SessionId, watch: HeldWatch | undefined): void {
    const { reply } = call
    const at = this.#line.indexOf(call)
    holds(at >= 0, 'ExactlyOnce', () => `${this.#name} is answered twice`)
    this.#line.splice(at, 1)
    if (reply === undefined) return
    holds(at === 0, 'SessionOrder', () => `${this.#name} is answered call ${call.xid} out of turn`)
    if (isWrite(call.request)) this.#wrote(call, call.request, reply, sessionId)
    else this.#read(call.request, reply)
    if (reply.zxid > this.#zxid) this.#zxid = reply.zxid
    if (reply.zxid > this.#witness.knownZxid) this.#witness.knownZxid = reply.zxid
    this.#checkTold(reply.zxid)
    if (watch !== undefined) this.#hold(watch, call.request, reply)
  }

  /** A watch's function was called. */
  fired(watch: HeldWatch, event: WatchEvent): void {
    const { path, since } = watch
    const shown = `${this.#name} is told ${event.type} ${event.path} at ${shortZxid(event.zxid)}`
    holds(!watch.fired, 'WatchOnce', () => `${shown} by a watch that was used up`)
    watch.fired = true
    this.#watches.delete(watch)
    holds(event.path === path && since !== undefined, 'WatchTruth', () => `${shown} unasked`)
    const { zxid } = this.#witness.execution
    const change = this.#firstToTell(watch)
    holds(change !== undefined && change <= event.zxid, 'WatchTruth', () => {
      return `${shown}, which has not changed since ${shortZxid(since)}`
    })
    holds(event.zxid <= zxid, 'WatchTruth', () => `${shown}, which is not committed`)
    this.#checkType(watch, event, change, shown)
    holds(event.zxid > this.#zxid, 'WatchTold', () => {
      return `${shown} after an answer of ${shortZxid(this.#zxid)}`
    })
    holds(this.#catchesUp || event.zxid >= this.#lastEvent, 'WatchTold', () => {
      return `${shown} after an event of ${shortZxid(this.#lastEvent)}`
    })
    if (event.zxid > this.#lastEvent) this.#lastEvent = event.zxid
  }

  /** What was told is what happened; and as long as nothing came in between, it is the first thing that happened. */
  #checkType(watch: HeldWatch, event: WatchEvent, first: Zxid, shown: string) {
    const { path, kind, breaks, since } = watch
    const { type, zxid } = event
    const node = this.#witness.execution.book.at(path, zxid)
    const holdsStill = this.#breaks === breaks
    holds(!holdsStill || zxid === first, 'WatchTruth', () => {
      return `${shown}, but changed first at ${shortZxid(first)}`
    })
    const gone = type === 'deleted'
    const isOther = node !== undefined && node.stat.czxid > since! && !mayRead(node)
    const isGone = node === undefined || (gone && !holdsStill && isOther)
    holds(gone === isGone, 'WatchTruth', () => `${shown}, where it is otherwise`)
    if (gone || node === undefined) return
    const fits = kind === 'child' ? type === 'childrenChanged' : type !== 'childrenChanged'
    holds(fits, 'WatchTruth', () => `${shown} by a watch of another kind`)
    const isNew = type === 'created'
    holds(!isNew || node.stat.czxid === zxid, 'WatchTruth', () => `${shown}, when it was not new`)
    const isOld = type !== 'dataChanged' || !holdsStill || node.stat.czxid < zxid
    holds(isOld, 'WatchTruth', () => `${shown}, when it was new`)
  }

  #hold(watch: HeldWatch, request: SimCall['request'], reply: Reply): void {
    const missing = reply.code === 'NO_NODE'
    if (missing ? request.kind !== 'exists' : reply.code !== undefined) return
    watch.missing = missing
    watch.since = reply.zxid
    watch.breaks = this.#breaks
    this.#watches.add(watch)
  }

  /** An answer shows the state at `zxid`: every watch on what had changed by then must have been told. */
  #checkTold(zxid: Zxid): void {
    for (const watch of this.#watches) {
      for (;;) {
        const change = this.#firstToTell(watch)
        if (change === undefined || change > zxid) break
        const excuse = this.#breaks > watch.breaks ? this.#excuse(watch, change, zxid) : undefined
        holds(excuse !== undefined, 'WatchTold', () => {
          const missed = `${watch.path} changed at ${shortZxid(change)}`
          return `${this.#name} is shown ${shortZxid(zxid)}, but not told that ${missed}`
        })
        watch.since = excuse
      }
    }
  }

  /** A watch waits for the first change that its session may know of: of what it may read, or could until it went. */
  #firstToTell(watch: HeldWatch): Zxid | undefined {
    const { book } = this.#witness.execution
    for (;;) {
      const change = book.firstChange(watch.kind, watch.path, watch.since!)
      if (change === undefined) return undefined
      const node = book.at(watch.path, change) ?? book.at(watch.path, (change - 1) as Zxid)
      if (node === undefined || mayRead(node)) return change
      watch.since = change
    }
  }

  /**
   * Up to where nobody could tell a watch on a missing node that was carried to another peer: one that came and went
   * while nobody was connected (the documented exception) leaves no trace, nor does one in whose place is one that may
   * not be read.
   */
  #excuse({ path, missing }: HeldWatch, change: Zxid, zxid: Zxid): Zxid | undefined {
    const { book } = this.#witness.execution
    if (!missing) return undefined
    const gone = book.firstAbsence(path, change)
    if (gone !== undefined) return gone
    // The peer that took the watch over had applied more than what the answers that were kept show.
    return book.firstSuch(path, zxid, node => !mayRead(node))
  }

  #read({ kind, path }: ReadRequest, reply: Reply): void {
    const { book, zxid: committed } = this.#witness.execution
    const shown = `${this.#name} reads ${path} at ${shortZxid(reply.zxid)}`
    holds(reply.zxid <= committed, 'ReadsMatchHistory', () => `${shown}, which is not committed`)
    holds(reply.zxid >= this.#zxid, 'SessionOrder', () => `${shown} after ${shortZxid(this.#zxid)}`)
    holds(reply.zxid >= this.#lastEvent, 'WatchTold', () => {
      return `${shown} after an event of ${shortZxid(this.#lastEvent)}`
    })
    const node = book.at(path, reply.zxid)
    const code = node === undefined ? 'NO_NODE' : mayRead(node) ? undefined : 'NO_AUTH'
    holds(reply.code === code, 'ReadsMatchHistory', () => `${shown} as ${reply.code}, not ${code}`)
    if (node === undefined || code !== undefined) return
    const data = kind === 'get' ? node.data : undefined
    holds(same(reply.data, data), 'ReadsMatchHistory', () => `${shown} with other data`)
    holds(same(reply.stat, node.stat), 'ReadsMatchHistory', () => {
      return `${shown} as ${JSON.stringify(reply.stat)}, not ${JSON.stringify(node.stat)}`
    })
    if (kind !== 'children') return
    const names = [...(reply.names ?? [])].sort()
    holds(same(names, [...node.names].sort()), 'ReadsMatchHistory', () => {
      return `${shown} with children ${names.join()}, not ${node.names.join()}`
    })
  }

  #wrote(call: SimCall, request: WriteRequest, reply: Reply, sessionId: SessionId): void {
    const { execution } = this.#witness
    const shown = `${this.#name} is answered write ${call.cxid} (${request.kind})`
    if (request.kind === 'closeSession') return
    const outcome = execution.sessions.get(sessionId)?.outcomes[call.cxid - 1]
    holds(outcome !== undefined, 'WriteOutcome', () => `${shown}, which is not committed`)
    holds(reply.zxid === outcome.zxid, 'WriteOutcome', () => {
      return `${shown} with ${shortZxid(reply.zxid)}, committed at ${shortZxid(outcome.zxid)}`
    })
    const { code, path, stat } = reply
    const told = { zxid: reply.zxid, code, path, stat }
    const done = { zxid: outcome.zxid, code: outcome.code, path: outcome.path, stat: outcome.stat }
    holds(same(told, done), 'WriteOutcome', () => {
      return `${shown} as ${JSON.stringify(told)}, committed as ${JSON.stringify(done)}`
    })
    holds(outcome.zxid > call.knownZxid, 'RealTimeOrder', () => {
      return `${shown} at ${shortZxid(outcome.zxid)}, but ${shortZxid(call.knownZxid)} was known before`
    })
    holds(outcome.zxid > this.#lastWrite, 'SessionOrder', () => `${shown} before an earlier write`)
    // A read that was sent again may have seen this write already: it was answered late, by another peer.
    const repeated = this.#breaks > call.breaks
    holds(outcome.zxid > this.#zxid || repeated, 'SessionOrder', () => {
      return `${shown} at ${shortZxid(outcome.zxid)} after ${shortZxid(this.#zxid)} was read`
    })
    this.#lastWrite = outcome.zxid
    this.#witness.acknowledged(outcome.zxid)
  }
}

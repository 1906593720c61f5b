/**
 * A client that follows the rules (first hello, then the watches it held, then all it has no answer for) and holds
 * every message it gets against the model: order of replies, their content, monotonic reads, and that no watch is
 * fired wrongly, twice, late or never.
 */

import assert from 'node:assert/strict'
import type { ZPath } from '../../lib/base/path.ts'
import type { PeerMessage, Reply, WatchEvent } from '../../lib/base/reply.ts'
import type { ClientMessage, ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import type { SessionId, Zxid } from '../../lib/base/zxid.ts'
import { childrenOf, type Model } from './model.ts'
import { decodeFrame, PASSWORD } from './support.ts'

type Call = Extract<ClientMessage, { kind: 'read' | 'write' }>
type WatchKind = 'data' | 'exist' | 'child'

interface Watch {
  readonly kind: WatchKind
  readonly path: ZPath
  /** Nothing up to this fires it. */
  since: number
}

export class CheckingClient {
  readonly name: string
  readonly #model: Model
  readonly #timeoutMs: number
  sessionId = 0
  /** What was said last about the session's end, if anything. */
  goodbye: string | undefined
  /** Sent and not answered, over all connections. */
  unanswered: Call[] = []
  readonly writes: WriteRequest[] = []
  readonly #watches = new Map<string, Watch>()
  #seen = 0
  #xid = 0
  /** Welcomed on the present connection. */
  #joined = false
  /** Set while the events of what was missed are coming. */
  #resuming: number | undefined

  constructor(name: string, model: Model, timeoutMs: number) {
    this.name = name
    this.#model = model
    this.#timeoutMs = timeoutMs
  }

  /** First messages on a new connection. */
  hello(): ClientMessage[] {
    const messages: ClientMessage[] = []
    this.#joined = false
    if (this.sessionId === 0) {
      messages.push({ kind: 'open', timeoutMs: this.#timeoutMs, password: PASSWORD })
    } else {
      const sessionId = this.sessionId as SessionId
      messages.push({ kind: 'attach', sessionId, password: PASSWORD })
      const held = (kind: WatchKind): ZPath[] =>
        [...this.#watches.values()].filter(watch => watch.kind === kind).map(({ path }) => path)
      const since = this.#seen as Zxid
      messages.push({
        kind: 'setWatches',
        since,
        data: held('data'),
        exist: held('exist'),
        child: held('child'),
      })
    }
    return [...messages, ...this.unanswered]
  }

  write(request: WriteRequest): ClientMessage {
    this.writes.push(request)
    const waiting = this.unanswered.filter(({ kind }) => kind === 'write').length
    const cxid = this.writes.length
    const call: Call = { kind: 'write', xid: ++this.#xid, cxid, unanswered: waiting + 1, request }
    this.unanswered.push(call)
    return call
  }

  read(request: ReadRequest): ClientMessage {
    const call: Call = { kind: 'read', xid: ++this.#xid, request }
    this.unanswered.push(call)
    return call
  }

  receive(frame: Uint8Array): void {
    for (const message of decodeFrame(frame)) this.#receiveOne(message)
    this.finishResuming()
  }

  /** The tree of the client's peer jumped; events of what lies between come next. */
  startResuming(zxid: number): void {
    if (this.#joined) this.#resuming = zxid
  }

  finishResuming(): void {
    const now = this.#resuming
    if (now === undefined) return
    this.#resuming = undefined
    for (const watch of this.#watches.values()) {
      if (watch.since >= now) continue
      const cameAndWent = watch.kind === 'exist' && !this.#model.stateAt(now).has(watch.path)
      if (!cameAndWent) this.#assertNothingMissed(watch, now)
      watch.since = now
    }
  }

  #receiveOne(message: PeerMessage): void {
    assert.equal(this.goodbye, undefined, 'nothing follows a goodbye')
    if (message.kind === 'event') {
      this.#event(message.event)
      return
    }
    // A connection that ends resumes nothing.
    if (message.kind === 'goodbye') this.#resuming = undefined
    else this.finishResuming()
    switch (message.kind) {
      case 'reply':
        this.#reply(message.reply)
        return
      case 'welcome':
        assert(this.sessionId === 0 || this.sessionId === message.sessionId)
        assert(message.zxid > this.#seen, `${this.name}: a welcome shows what was seen and more`)
        this.sessionId = message.sessionId
        this.#joined = true
        this.#seen = message.zxid
        this.#resuming = message.zxid
        return
      default:
        this.goodbye = message.code
    }
  }

  #event({ type, path, zxid }: WatchEvent): void {
    const kinds: WatchKind[] =
      type === 'childrenChanged'
        ? ['child']
        : type === 'deleted'
          ? ['data', 'child']
          : type === 'created'
            ? ['exist']
            : ['data']
    const fired = kinds.flatMap(kind => this.#watches.get(`${kind} ${path}`) ?? [])
    assert(fired.length > 0, `${this.name}: ${type} ${path} without a watch`)
    for (const watch of fired) {
      const firing = this.#firing(watch, zxid)
      assert(firing.length > 0, `${this.name}: ${type} ${path} without a change`)
      if (this.#resuming === undefined) {
        assert.equal(firing[0]!.zxid, zxid, `${this.name}: ${type} ${path} is late`)
        assert.equal(firing[0]!.type, type)
      }
      this.#watches.delete(`${watch.kind} ${path}`)
    }
  }

  #reply(reply: Reply): void {
    const call = this.unanswered.shift()
    assert(call !== undefined && call.xid === reply.xid, `${this.name}: replies come in order`)
    if (call.kind === 'write') this.#checkWrite(call.cxid, call.request, reply)
    else this.#checkRead(call.request, reply)
    this.#seen = Math.max(this.#seen, reply.zxid)
    for (const watch of this.#watches.values()) this.#assertNothingMissed(watch, this.#seen)
  }

  #checkWrite(cxid: number, request: WriteRequest, reply: Reply): void {
    const outcome = this.#model.outcome(this.sessionId, cxid)
    assert(outcome !== undefined, `${this.name}: a reply to what was not done`)
    const { zxid, code, path } = reply
    const expected = { zxid: outcome.zxid, code: outcome.code, path: outcome.path }
    assert.deepEqual({ zxid, code, path }, expected, `${this.name}: write ${cxid}`)
    if (code !== undefined) return
    const at = path ?? ('path' in request ? request.path : '')
    if (reply.stat !== undefined) this.#checkStat(at, reply)
    else assert(request.kind !== 'create' && request.kind !== 'set')
  }

  #checkRead({ kind, path, watch }: ReadRequest, reply: Reply): void {
    assert(reply.zxid >= this.#seen, `${this.name}: reads never go back`)
    const state = this.#model.stateAt(reply.zxid)
    const node = state.get(path)
    const since = reply.zxid
    assert.equal(reply.code, node === undefined ? 'NO_NODE' : undefined)
    if (node === undefined) {
      if (watch && kind === 'exists') this.#watch({ kind: 'exist', path, since })
      return
    }
    this.#checkStat(path, reply)
    if (kind === 'get') assert.equal(Buffer.from(reply.data!).toString(), node.data)
    if (kind === 'children') {
      const names = childrenOf(state, path).map(at => at.slice(at.lastIndexOf('/') + 1))
      assert.deepEqual([...reply.names!].sort(), names.sort())
    }
    if (watch) this.#watch({ kind: kind === 'children' ? 'child' : 'data', path, since })
  }

  #checkStat(path: string, { zxid, stat }: Reply): void {
    const state = this.#model.stateAt(zxid)
    const node = state.get(path)
    assert(node !== undefined && stat !== undefined)
    const { czxid, mzxid, pzxid, version, numChildren, cversion, ephemeralOwner } = stat
    const children = childrenOf(state, path).length
    assert.deepEqual(
      { czxid, mzxid, pzxid, version, numChildren, cversion, ephemeralOwner },
      {
        czxid: node.czxid,
        mzxid: node.mzxid,
        pzxid: node.pzxid,
        version: node.version,
        numChildren: children,
        cversion: 2 * node.creates - children,
        ephemeralOwner: node.owner,
      },
      `${this.name}: stat of ${path}`,
    )
  }

  #watch(watch: Watch): void {
    const key = `${watch.kind} ${watch.path}`
    if (!this.#watches.has(key)) this.#watches.set(key, watch)
  }

  #firing({ kind, path, since }: Watch, upTo: number): ReturnType<Model['firing']> {
    return this.#model.firing(kind === 'child' ? 'child' : 'node', path, since, upTo)
  }

  #assertNothingMissed(watch: Watch, upTo: number): void {
    const missed = this.#firing(watch, upTo)
    assert.deepEqual(missed, [], `${this.name}: ${watch.kind} watch on ${watch.path} missed events`)
  }
}

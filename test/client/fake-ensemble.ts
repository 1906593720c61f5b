/**
 * Peers that a client can be tried on: any number of them over one simple tree, in one thread (this one or a worker's).
 * They speak the real frames over real ports, and misbehave on command: a write whose data is one of `COMMANDS` makes
 * the peer that gets it fail in that way. Commands travel in band, so a blocked thread can give them too.
 */

import assert from 'node:assert/strict'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Board } from '../../lib/base/board.ts'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import type { ErrorCode } from '../../lib/base/errors.ts'
import { formatSequence, parentOf, type ZPath } from '../../lib/base/path.ts'
import type { ConnectMessage, HandleMessage } from '../../lib/base/ports.ts'
import {
  type EventType,
  encodeEvent,
  encodeGoodbye,
  encodeReply,
  encodeWelcome,
  type Outcome,
} from '../../lib/base/reply.ts'
import {
  type ClientMessage,
  decodeClientMessage,
  type ReadRequest,
  type WriteRequest,
} from '../../lib/base/request.ts'
import type { Stat } from '../../lib/base/stat.ts'
import { makeSid, NO_SESSION, type SessionId, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import { COMMANDS } from './fake-commands.ts'

export const DATA_BYTES_MAX = 1000

interface Node {
  data: Uint8Array
  stat: Stat
  creates: number
}

interface Session {
  lastCxid: number
  readonly results: Map<number, Outcome>
  connection: Connection | undefined
}

interface Connection {
  readonly sid: Sid
  readonly port: MessagePort
  readonly wake: Int32Array
  readonly out: ByteWriter
  readonly watches: Set<string>
  sessionId: SessionId
}

export interface Heard {
  readonly sid: Sid
  readonly frame: number
  readonly message: ClientMessage
}

export class FakeEnsemble {
  readonly board = new Board()
  /** Every message any peer took in, in order; `frame` numbers the frames. */
  readonly heard: Heard[] = []
  readonly #sids: readonly Sid[]
  readonly #nodes = new Map<string, Node>()
  readonly #sessions = new Map<SessionId, Session>()
  readonly #connections = new Set<Connection>()
  readonly #doors = new Map<Sid, MessagePort[]>()
  readonly #handles: MessagePort[] = []
  readonly #muted = new Set<Sid>()
  #hasCrashed = false
  #zxid = 0
  #frames = 0

  constructor(...sids: number[]) {
    this.#sids = sids.map(makeSid)
    this.#nodes.set('/', this.#newNode(new Uint8Array(0), NO_SESSION))
    for (const [at, sid] of this.#sids.entries()) {
      this.board.started(sid)
      this.board.show(sid, at === 0 ? 'leading' : 'following')
    }
  }

  handle(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    const up = this.#sids.filter(sid => this.board.role(sid) !== 'down')
    const doors = up.map(sid => ({ sid, door: this.#newDoor(sid) }))
    const opened: HandleMessage = {
      kind: 'opened',
      ensembleId: 'fake',
      board: this.board.memory,
      dataBytesMax: DATA_BYTES_MAX,
      peers: this.#sids,
      doors,
    }
    port1.postMessage(
      opened,
      doors.map(({ door }) => door),
    )
    this.#handles.push(port1)
    return port2
  }

  /** The peer's thread ends: its ports close and the board shows it. */
  crash(sid: Sid): void {
    this.board.show(sid, 'down')
    for (const connection of this.#connections) {
      if (connection.sid === sid) this.#hangUp(connection)
    }
    for (const door of this.#doors.get(sid) ?? []) door.close()
    this.#doors.delete(sid)
  }

  start(sid: Sid): void {
    this.board.started(sid)
    this.board.show(sid, 'leading')
    this.#muted.delete(sid)
    for (const handle of this.#handles) {
      const door = this.#newDoor(sid)
      handle.postMessage({ kind: 'door', sid, door } satisfies HandleMessage, [door])
    }
  }

  /** The ensemble is closed by its owner, with or without the word. */
  close(): void {
    for (const handle of this.#handles) {
      handle.postMessage({ kind: 'closed' } satisfies HandleMessage)
      handle.close()
    }
    for (const sid of this.#sids) this.crash(sid)
  }

  #newDoor(sid: Sid): MessagePort {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', ({ kind, port, wake }: ConnectMessage) => {
      // Observers wait for a feed that never comes: here every read is the home's to answer.
      if (kind === 'observe') port.unref()
      else this.#accept(sid, port, wake)
    })
    this.#doors.set(sid, [...(this.#doors.get(sid) ?? []), port1])
    port1.unref()
    return port2
  }

  #accept(sid: Sid, port: MessagePort, wake: SharedArrayBuffer): void {
    const connection: Connection = {
      sid,
      port,
      wake: new Int32Array(wake),
      out: new ByteWriter(),
      watches: new Set(),
      sessionId: NO_SESSION,
    }
    this.#connections.add(connection)
    port.on('message', (frame: Uint8Array) => this.#take(connection, frame))
    port.on('close', () => this.#connections.delete(connection))
  }

  #take(connection: Connection, frame: Uint8Array): void {
    const from = new ByteReader(frame)
    this.#frames++
    while (!from.done && this.#connections.has(connection)) {
      const message = decodeClientMessage(from)
      this.heard.push({ sid: connection.sid, frame: this.#frames, message })
      if (!this.#muted.has(connection.sid)) this.#handle(connection, message)
    }
    for (const each of this.#connections) this.#send(each)
  }

  #send(connection: Connection): void {
    if (connection.out.length === 0) return
    connection.port.postMessage(connection.out.take())
    Atomics.add(connection.wake, 0, 1)
    Atomics.notify(connection.wake, 0)
  }

  #hangUp(connection: Connection): void {
    this.#connections.delete(connection)
    connection.port.close()
  }

  #handle(connection: Connection, message: ClientMessage): void {
    switch (message.kind) {
      case 'open': {
        const sessionId = ++this.#zxid as SessionId
        this.#sessions.set(sessionId, { lastCxid: 0, results: new Map(), connection })
        connection.sessionId = sessionId
        encodeWelcome(connection.out, sessionId, message.timeoutMs, this.#zxid as Zxid)
        return
      }
      case 'attach':
        this.#attach(connection, message.sessionId)
        return
      case 'setWatches':
        this.#setWatches(connection, message)
        return
      case 'leave':
        return
      case 'read':
        encodeReply(connection.out, message.xid, {
          zxid: this.#zxid as Zxid,
          ...this.#read(connection, message.request),
        })
        this.#stir(message.request)
        return
      case 'write':
        this.#write(connection, message)
    }
  }

  #attach(connection: Connection, sessionId: SessionId): void {
    const session = this.#sessions.get(sessionId)
    if (session === undefined) {
      this.#goodbye(connection, 'SESSION_EXPIRED')
      return
    }
    const { connection: previous } = session
    if (previous !== undefined && this.#connections.has(previous)) {
      this.#goodbye(previous, 'SESSION_MOVED')
    }
    session.connection = connection
    connection.sessionId = sessionId
    encodeWelcome(connection.out, sessionId, 1000, ++this.#zxid as Zxid)
  }

  #goodbye(connection: Connection, code: ErrorCode): void {
    encodeGoodbye(connection.out, code)
    this.#send(connection)
    this.#hangUp(connection)
  }

  #setWatches(connection: Connection, watches: ClientMessage & { kind: 'setWatches' }): void {
    const missed = (type: EventType, path: ZPath): void =>
      encodeEvent(connection.out, { type, path, zxid: this.#zxid as Zxid })
    for (const path of watches.data) {
      const node = this.#nodes.get(path)
      if (node === undefined) missed('deleted', path)
      else if (node.stat.mzxid > watches.since) missed('dataChanged', path)
      else connection.watches.add(`data ${path}`)
    }
    for (const path of watches.exist) {
      if (this.#nodes.has(path)) missed('created', path)
      else connection.watches.add(`exist ${path}`)
    }
    for (const path of watches.child) connection.watches.add(`child ${path}`)
  }

  #write(connection: Connection, message: ClientMessage & { kind: 'write' }): void {
    const session = this.#sessions.get(connection.sessionId)
    assert.ok(session !== undefined, 'a write comes from a session')
    const known = session.results.get(message.cxid)
    if (known !== undefined) {
      encodeReply(connection.out, message.xid, known)
      return
    }
    const { request } = message
    const command = 'data' in request ? Buffer.from(request.data).toString() : undefined
    if (command === COMMANDS.crashBefore && !this.#hasCrashed) {
      this.#hasCrashed = true
      this.crash(connection.sid)
      return
    }
    assert.equal(message.cxid, session.lastCxid + 1, 'writes come without gaps')
    session.lastCxid = message.cxid
    this.#zxid++
    const outcome: Outcome = { zxid: this.#zxid as Zxid, ...this.#apply(connection, request) }
    session.results.set(message.cxid, outcome)
    this.#answer(connection, message.xid, outcome, command)
    if (request.kind === 'closeSession') {
      this.#sessions.delete(connection.sessionId)
      this.#send(connection)
      this.#hangUp(connection)
    }
  }

  #answer(
    connection: Connection,
    xid: number,
    outcome: Outcome,
    command: string | undefined,
  ): void {
    const { sid } = connection
    switch (command) {
      case COMMANDS.crashAfter:
        this.crash(sid)
        return
      case COMMANDS.restartAll:
        for (const each of this.#sids) this.crash(each)
        setTimeout(() => this.start(this.#sids[0]!), 30)
        return
      case COMMANDS.depose: {
        this.#muted.add(sid)
        this.board.show(makeSid(sid + 1), 'leading')
        return
      }
      case COMMANDS.mute:
        this.#muted.add(sid)
        return
      case COMMANDS.expire:
        this.#sessions.delete(connection.sessionId)
        this.#goodbye(connection, 'SESSION_EXPIRED')
        return
      case COMMANDS.garbage:
        connection.out.u8(99)
        return
      default:
        encodeReply(connection.out, xid, outcome)
    }
  }

  #newNode(data: Uint8Array, ephemeralOwner: SessionId): Node {
    const zxid = this.#zxid as Zxid
    const stat: Stat = {
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: 1,
      mtime: 1,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner,
      dataLength: data.length,
      numChildren: 0,
    }
    return { data: data.slice(), stat, creates: 0 }
  }

  #apply(connection: Connection, request: WriteRequest): Omit<Outcome, 'zxid'> {
    switch (request.kind) {
      case 'create': {
        const parent = this.#nodes.get(parentOf(request.path))
        if (parent === undefined) return { code: 'NO_NODE' }
        const ending = request.sequential ? formatSequence(parent.creates++) : ''
        const path = `${request.path}${ending}` as ZPath
        if (this.#nodes.has(path)) return { code: 'NODE_EXISTS' }
        const owner = request.ephemeral ? connection.sessionId : NO_SESSION
        const node = this.#newNode(request.data, owner)
        this.#nodes.set(path, node)
        this.#fire('created', path)
        this.#fire('childrenChanged', parentOf(path))
        return { path, stat: node.stat }
      }
      case 'set': {
        const node = this.#nodes.get(request.path)
        if (node === undefined) return { code: 'NO_NODE' }
        const { version } = node.stat
        if (request.version !== -1 && request.version !== version) return { code: 'BAD_VERSION' }
        node.data = request.data.slice()
        const mzxid = this.#zxid as Zxid
        const dataLength = node.data.length
        node.stat = { ...node.stat, version: version + 1, mzxid, dataLength }
        this.#fire('dataChanged', request.path)
        return { stat: node.stat }
      }
      case 'delete':
        if (!this.#nodes.delete(request.path)) return { code: 'NO_NODE' }
        this.#fire('deleted', request.path)
        this.#fire('childrenChanged', parentOf(request.path))
        return {}
      default:
        return {}
    }
  }

  #fire(type: EventType, path: string): void {
    const kinds = type === 'childrenChanged' ? ['child'] : ['data', 'exist', 'child']
    for (const { watches, out } of this.#connections) {
      const hit = kinds.filter(kind => watches.delete(`${kind} ${path}`))
      if (hit.length > 0) encodeEvent(out, { type, path, zxid: this.#zxid as Zxid })
    }
  }

  /** Changes a fickle node that was read with a watch. */
  #stir({ path, watch }: ReadRequest): void {
    const data = this.#nodes.get(path)?.data
    if (!watch || data === undefined || Buffer.from(data).toString() !== COMMANDS.fickle) return
    this.#zxid++
    this.#fire('dataChanged', path)
  }

  #read(connection: Connection, { kind, path, watch }: ReadRequest): object {
    const node = this.#nodes.get(path)
    if (node === undefined) {
      if (watch && kind === 'exists') connection.watches.add(`exist ${path}`)
      return { code: 'NO_NODE' }
    }
    if (watch) connection.watches.add(`${kind === 'children' ? 'child' : 'data'} ${path}`)
    if (kind === 'exists') return { stat: node.stat }
    if (kind === 'get') return { data: node.data, stat: node.stat }
    const under = path === '/' ? '/' : `${path}/`
    const below = [...this.#nodes.keys()].filter(each => each !== '/' && each.startsWith(under))
    return {
      names: below.map(each => each.slice(under.length)).filter(each => !each.includes('/')),
    }
  }
}

/** One peer that leads an ensemble of itself, and clients that speak frames with it. */

import assert from 'node:assert/strict'
import { OPEN_ACL } from '../../lib/base/acl.ts'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import { crc32 } from '../../lib/base/crc32.ts'
import { type Group, LOG_START, type LogPoint, makeGroup } from '../../lib/base/group.ts'
import type { ZPath } from '../../lib/base/path.ts'
import {
  decodePeerMessage,
  type PeerMessage,
  type Reply,
  type WatchEvent,
} from '../../lib/base/reply.ts'
import {
  type ClientMessage,
  type CreateRequest,
  encodeClientMessage,
  type ReadRequest,
  type WriteRequest,
} from '../../lib/base/request.ts'
import { advanceZxid, makeEpoch, makeSid, makeZxid, type SessionId } from '../../lib/base/zxid.ts'
import type { PreparedGroup } from '../../lib/replica/groups.ts'
import { Replica } from '../../lib/replica/replica.ts'
import { TreeLoader } from '../../lib/tree/loader.ts'
import { Tree } from '../../lib/tree/tree.ts'

export const TICK_MS = 50
export const DATA_BYTES_MAX = 1000
export const PASSWORD: Uint8Array = Uint8Array.of(1, 2, 3)

export const path = (text: string): ZPath => text as ZPath
export const bytes = (text: string): Uint8Array => Buffer.from(text)

export function create(at: string, options: Partial<CreateRequest> = {}): CreateRequest {
  return {
    kind: 'create',
    path: path(at),
    data: bytes(''),
    acl: OPEN_ACL,
    ephemeral: false,
    sequential: false,
    parents: false,
    ...options,
  }
}

export function set(at: string, data: string, version = -1): WriteRequest {
  return { kind: 'set', path: path(at), data: bytes(data), version }
}

export function remove(at: string, version = -1): WriteRequest {
  return { kind: 'delete', path: path(at), version }
}

export const CLOSE: WriteRequest = { kind: 'closeSession' }
export const SYNC: WriteRequest = { kind: 'sync' }

export function attach(sessionId: SessionId, password = PASSWORD): ClientMessage {
  return { kind: 'attach', sessionId, password }
}

export function encodeMessages(messages: readonly ClientMessage[]): Uint8Array {
  const out = new ByteWriter()
  for (const message of messages) encodeClientMessage(out, message)
  return out.take()
}

export function decodeFrame(frame: Uint8Array): PeerMessage[] {
  const from = new ByteReader(frame)
  const messages: PeerMessage[] = []
  while (!from.done) messages.push(decodePeerMessage(from))
  return messages
}

/** A second tree that goes on from where the first is. */
export function copyTree(tree: Tree): Tree {
  const head = tree.beginImage('full')
  const loader = new TreeLoader()
  for (;;) {
    const chunk = tree.nextImageChunk(4096)
    if (chunk === undefined) break
    loader.load(chunk)
  }
  tree.abandonImage()
  return loader.finish(head.zxid, head.digest)
}

export function newReplica(sid: number, tree = new Tree()): Replica {
  return new Replica({ sid: makeSid(sid), tree, dataBytesMax: DATA_BYTES_MAX, tickMs: TICK_MS })
}

/** Makes the groups of a leader's log. */
export class Log {
  point: LogPoint = LOG_START
  /** Where the next transaction of the reign stands: after this. */
  last = makeZxid(makeEpoch(0), 0)

  newEpoch(epoch: number): void {
    this.last = makeZxid(makeEpoch(epoch), 0)
  }

  add({ payload, count }: PreparedGroup): Group {
    const first = advanceZxid(this.last, 1)
    this.last = advanceZxid(this.last, count)
    const group = makeGroup(this.point, first, this.last, payload, crc32(payload))
    this.point = { zxid: group.last, chain: group.chain }
    return group
  }
}

/** A single peer that leads. Groups are applied when the test says so. */
export class Solo {
  readonly replica: Replica
  readonly log = new Log()
  readonly clients = new Map<number, Client>()
  /** Proposed, not applied. */
  readonly proposed: Group[] = []
  readonly closed: number[] = []
  nowMs = 1_700_000_000_000
  #connections = 0

  constructor(tree?: Tree, sid = 1, epoch = 1) {
    this.replica = newReplica(sid, tree)
    if (tree !== undefined) this.log.point = { zxid: tree.zxid, chain: 0 }
    this.log.newEpoch(epoch)
    this.replica.lead(this.log.last)
  }

  connect(): Client {
    const client = new Client(this, ++this.#connections)
    this.clients.set(client.connection, client)
    this.replica.connect(client.connection)
    return client
  }

  /** A client with a session. */
  join(timeoutMs = 10_000): Client {
    const client = this.connect()
    client.send({ kind: 'open', timeoutMs, password: PASSWORD })
    this.settle()
    assert.notEqual(client.sessionId, 0, 'welcomed')
    client.inbox.length = 0
    return client
  }

  /** Prepares and proposes what clients asked for. */
  propose(): void {
    const submissions = this.replica.takeSubmissions()
    if (submissions !== undefined) this.replica.prepare(submissions, this.nowMs++)
    for (const prepared of this.replica.takeGroups()) this.proposed.push(this.log.add(prepared))
  }

  /** Applies the oldest groups and delivers the frames. */
  apply(groups = this.proposed.length): void {
    for (const group of this.proposed.splice(0, groups)) this.replica.apply(group)
    this.deliver()
  }

  deliver(): void {
    for (const { connection, frame } of this.replica.takeFrames()) {
      this.clients.get(connection)?.receive(frame)
    }
    this.closed.push(...this.replica.takeClosings())
  }

  /** Until nothing moves. */
  settle(): void {
    do {
      this.propose()
      this.apply()
      // An answer may let further submissions go, but only resubmission or joining makes some.
      this.propose()
    } while (this.proposed.length > 0)
  }
}

export class Client {
  readonly solo: Solo
  readonly connection: number
  readonly inbox: PeerMessage[] = []
  sessionId = 0 as SessionId
  xid = 0
  cxid = 0

  constructor(solo: Solo, connection: number) {
    this.solo = solo
    this.connection = connection
  }

  send(...messages: ClientMessage[]): void {
    this.solo.replica.receive(this.connection, encodeMessages(messages))
  }

  /** The message of the session's next write. */
  nextWrite(request: WriteRequest, unanswered = 1): ClientMessage {
    return { kind: 'write', xid: ++this.xid, cxid: ++this.cxid, unanswered, request }
  }

  write(request: WriteRequest, unanswered = 1): void {
    this.send(this.nextWrite(request, unanswered))
  }

  read(kind: ReadRequest['kind'], at: string, watch = false): void {
    const request: ReadRequest = { kind, path: path(at), watch }
    this.send({ kind: 'read', xid: ++this.xid, request })
  }

  /** Does a write to its end. */
  call(request: WriteRequest): Reply {
    this.write(request)
    this.solo.settle()
    return this.lastReply()
  }

  receive(frame: Uint8Array): void {
    for (const message of decodeFrame(frame)) {
      this.inbox.push(message)
      if (message.kind === 'welcome') this.sessionId = message.sessionId
    }
  }

  lastReply(): Reply {
    const message = this.inbox.at(-1)
    assert(message?.kind === 'reply', `a reply, not ${JSON.stringify(message)}`)
    return message.reply
  }

  /** What came since the last call, told shortly: `reply 3 NO_NODE`, `event created /a`. */
  takeStory(): string[] {
    return this.inbox.splice(0).map(message => {
      switch (message.kind) {
        case 'reply':
          return `reply ${message.reply.xid}${message.reply.code ? ` ${message.reply.code}` : ''}`
        case 'event':
          return storyOf(message.event)
        case 'welcome':
          return 'welcome'
        default:
          return `goodbye ${message.code}`
      }
    })
  }
}

function storyOf({ type, path: at }: WatchEvent): string {
  return `event ${type} ${at}`
}

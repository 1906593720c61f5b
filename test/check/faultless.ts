/**
 * A correct ensemble that lives in one function: it takes calls of several sessions in whatever order chance likes, and
 * writes down a history that keeps every promise. Its tree is the simulator's book, not one of the models that the
 * history is checked with. Calls overlap, peers lag, calls are given up, sessions expire, watches are told.
 */

import { parentOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import { NO_SESSION, type SessionId, type Zxid } from '../../lib/base/zxid.ts'
import type { ErrorCode } from '../../lib/index.ts'
import { Book, type NodeState } from '../sim/book.ts'
import type { Prng } from '../support/prng.ts'
import {
  type Call,
  type Create,
  type Event,
  type History,
  isRead,
  type Operation,
  type Read,
  type Result,
  type Session,
} from './history.ts'
import { Operations } from './operations.ts'

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

interface Pending {
  readonly call: Mutable<Call>
  /** How the write ended, once it is done. */
  outcome: Result | undefined
  givenUp: boolean
}

interface Watch {
  readonly index: number
  readonly kind: 'node' | 'child'
  readonly path: ZPath
  readonly since: Zxid
}

interface Member {
  readonly session: Mutable<Session>
  readonly operations: Operations
  readonly line: Pending[]
  watches: Watch[]
  /** What its peer has applied. */
  home: Zxid
  made: number
  told: number
}

export interface FaultlessOptions {
  readonly sessions: number
  readonly calls: number
  readonly window: number
  /** Whether replies carry the zxid, as inside, or only what the public API shows. */
  readonly zxids: boolean
}

export class Faultless {
  readonly #prng: Prng
  readonly #options: FaultlessOptions
  readonly #book = new Book()
  readonly #sessions: Session[] = []
  readonly #calls: Call[] = []
  readonly #events: Event[] = []
  #members: Member[] = []
  #time = 0
  #zxid = 0 as Zxid

  constructor(prng: Prng, options: FaultlessOptions) {
    this.#prng = prng
    this.#options = options
  }

  run(): History {
    const { sessions, calls } = this.#options
    for (let i = 0; i < sessions; i++) this.#open()
    while (this.#calls.length < calls) this.#act(this.#prng.pick(this.#members), true)
    while (this.#members.some(({ line }) => line.length > 0)) {
      this.#act(this.#prng.pick(this.#members), false)
    }
    return { sessions: this.#sessions, calls: this.#calls, events: this.#events }
  }

  #open(): void {
    const name = `s${this.#sessions.length}`
    const opened = ++this.#time
    const id = ++this.#zxid
    const session = { name, id, opened, steady: true }
    const operations = new Operations(this.#prng, '/check', 2, name)
    this.#sessions.push(session)
    const home = this.#zxid
    this.#members.push({ session, operations, line: [], watches: [], home, made: 0, told: 0 })
  }

  #act(member: Member, mayAsk: boolean): void {
    const prng = this.#prng
    const chance = prng.unit()
    if (mayAsk && chance < 0.3 && member.line.length < this.#options.window) this.#ask(member)
    else if (chance < 0.6) this.#commitNext(member)
    else if (chance < 0.97) this.#answerNext(member)
    else if (chance < 0.995) this.#giveUp(member)
    else if (mayAsk) this.#expire(member)
  }

  #ask(member: Member): void {
    const drawn = member.operations.next()
    // The book knows no access rights.
    const operation = 'permissions' in drawn ? { ...drawn, permissions: 31 } : drawn
    const start = ++this.#time
    const call = { session: member.session.name, index: member.made++, start, operation }
    this.#calls.push(call)
    member.line.push({ call, outcome: undefined, givenUp: false })
  }

  #commitNext({ session, line }: Member): void {
    const pending = line.find(({ call, outcome }) => !outcome && !isRead(call.operation))
    if (pending === undefined) return
    const zxid = ++this.#zxid as Zxid
    const { operation } = pending.call
    pending.outcome = { ...this.#resolve(operation, session.id as SessionId, zxid), zxid }
  }

  #answerNext(member: Member): void {
    const [pending] = member.line
    if (pending === undefined) return
    const { call, outcome, givenUp } = pending
    const read = isRead(call.operation)
    if (!read && outcome === undefined) return
    const zxid = outcome?.zxid ?? this.#prng.between(member.home, this.#zxid)
    if (zxid > member.home) this.#advance(member, zxid as Zxid)
    member.line.shift()
    if (givenUp) return
    const result = read ? this.#read(call.operation as Read, member.home) : outcome!
    this.#settle(member, call, this.#options.zxids ? result : withoutZxid(call.operation, result))
    member.operations.learn(call.operation, result)
    if (read) this.#leaveWatch(member, call, result)
  }

  #settle(member: Member, call: Mutable<Call>, result: Result): void {
    call.end = ++this.#time
    call.answered = member.told++
    call.result = result
  }

  /** The client waits no longer; what it asked for may still be done. A read is then nobody's. */
  #giveUp(member: Member): void {
    const pending = member.line.find(({ givenUp }) => !givenUp)
    if (pending === undefined) return
    pending.givenUp = true
    this.#settle(member, pending.call, { code: 'OPERATION_TIMEOUT' })
  }

  #expire(member: Member): void {
    const { session, line } = member
    const zxid = ++this.#zxid as Zxid
    for (const path of this.#book.ephemeralsOf(session.id as SessionId)) {
      this.#book.delete(path, zxid)
    }
    for (const { call, givenUp } of line) {
      if (!givenUp) this.#settle(member, call, { code: 'SESSION_EXPIRED' })
    }
    session.expired = ++this.#time
    this.#members = this.#members.filter(other => other !== member)
    this.#open()
  }

  /** The session's peer applies up to here, and tells. */
  #advance(member: Member, to: Zxid): void {
    member.home = to
    const due = member.watches.flatMap(watch => {
      const change = this.#book.firstChange(watch.kind, watch.path, watch.since)
      return change === undefined || change > to ? [] : [{ watch, change }]
    })
    due.sort((a, b) => a.change - b.change)
    for (const { watch, change } of due) {
      const { index, path } = watch
      member.watches = member.watches.filter(other => other !== watch)
      this.#events.push({
        session: member.session.name,
        watch: index,
        time: ++this.#time,
        told: member.told++,
        type: this.#typeOf(watch, change),
        path,
        zxid: change,
      })
    }
  }

  #typeOf({ kind, path }: Watch, change: Zxid): Event['type'] {
    const node = this.#book.at(path, change)
    if (node === undefined) return 'deleted'
    if (kind === 'child') return 'childrenChanged'
    return node.stat.czxid === change ? 'created' : 'dataChanged'
  }

  #leaveWatch(member: Member, { index, operation }: Call, { code }: Result): void {
    if (!isRead(operation) || !operation.watch) return
    if (code !== undefined && operation.kind !== 'exists') return
    const kind = operation.kind === 'children' ? 'child' : 'node'
    const since = member.home
    member.watches.push({ index, kind, path: operation.path as ZPath, since })
  }

  #read({ kind, path }: Read, zxid: Zxid): Result {
    const node = this.#book.at(path as ZPath, zxid)
    if (node === undefined) return { code: 'NO_NODE', zxid }
    const data = kind === 'get' ? Buffer.from(node.data).toString() : undefined
    const names = kind === 'children' ? node.names : undefined
    return { stat: node.stat, data, names, zxid }
  }

  #resolve(operation: Operation, session: SessionId, zxid: Zxid): Result {
    switch (operation.kind) {
      case 'create':
        return this.#create(operation, session, zxid)
      case 'set':
      case 'delete': {
        const path = operation.path as ZPath
        const node = this.#book.now(path)
        const code = refusal(node, operation)
        if (code !== undefined) return { code }
        if (operation.kind === 'set') {
          const data = Buffer.from(operation.data!)
          return { stat: this.#book.set(path, data, zxid, this.#time).stat }
        }
        this.#book.delete(path, zxid)
        return {}
      }
      default:
        return {}
    }
  }

  #create(create: Create, session: SessionId, zxid: Zxid): Result {
    const book = this.#book
    const missing: ZPath[] = []
    let above = parentOf(create.path as ZPath)
    for (; book.now(above) === undefined; above = parentOf(above)) missing.unshift(above)
    if (missing.length > 0 && !create.parents) return { code: 'NO_NODE' }
    const ancestor = book.now(above)!
    const creates = missing.length > 0 ? 0 : ancestor.creates
    const given = create.path as ZPath
    const path = create.sequential ? book.sequential(given, creates) : given
    if (book.now(path) !== undefined) return { code: 'NODE_EXISTS' }
    if (ancestor.stat.ephemeralOwner !== NO_SESSION) return { code: 'NO_CHILDREN_FOR_EPHEMERALS' }
    for (const at of missing) book.create(at, new Uint8Array(0), NO_SESSION, zxid, this.#time)
    const owner = create.ephemeral ? session : NO_SESSION
    const { stat } = book.create(path, Buffer.from(create.data), owner, zxid, this.#time)
    return { path, stat }
  }
}

function refusal(
  node: NodeState | undefined,
  { kind, path, version }: Extract<Operation, { kind: 'set' | 'delete' }>,
): ErrorCode | undefined {
  if (kind === 'delete' && path === ROOT) return 'BAD_ARGUMENTS'
  if (node === undefined) return 'NO_NODE'
  if (version !== -1 && version !== node.stat.version) return 'BAD_VERSION'
  return kind === 'delete' && node.names.length > 0 ? 'NOT_EMPTY' : undefined
}

/** What the public API tells of it. */
function withoutZxid({ kind }: Operation, { zxid: _, stat, ...result }: Result): Result {
  return kind === 'create' || kind === 'children' ? result : { ...result, stat }
}

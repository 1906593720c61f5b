/**
 * A second, naive tree: plain maps, and a digest summed up anew after every step. It makes the transactions for the
 * tests, as a leader would, and what it holds afterwards is what the real tree has to hold.
 */

import { OPEN_ACL } from '../../lib/base/acl.ts'
import { parentOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import type { Txn, TxnBody } from '../../lib/base/txn.ts'
import {
  advanceZxid,
  makeEpoch,
  makeZxid,
  NO_SESSION,
  type SessionId,
  type Zxid,
} from '../../lib/base/zxid.ts'
import {
  addDigest,
  hashAcl,
  hashData,
  hashPath,
  type NodeFacts,
  nodeDigest,
  type SessionFacts,
  sessionDigest,
} from '../../lib/tree/digest.ts'
import { type Applied, Tree } from '../../lib/tree/tree.ts'

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] }

export type ModelNode = Mutable<NodeFacts> & { children: number }
export type ModelSession = Mutable<SessionFacts> & { ephemerals: Set<ZPath> }

/** One step of a history, as it would stand in the log. */
export interface Step {
  readonly txn: Txn
  readonly zxid: Zxid
  readonly time: number
}

const START_TIME = 1_700_000_000_000

export class Model {
  readonly nodes = new Map<ZPath, ModelNode>()
  readonly sessions = new Map<SessionId, ModelSession>()
  #zxid = makeZxid(makeEpoch(3), 0)
  #time = START_TIME

  constructor() {
    this.nodes.set(ROOT, bornNode(ROOT, new Uint8Array(0), 0 as Zxid, 0, NO_SESSION))
  }

  get digest(): number {
    let total = 0
    for (const node of this.nodes.values()) total = addDigest(total, nodeDigest(node))
    for (const session of this.sessions.values()) total = addDigest(total, sessionDigest(session))
    return total
  }

  get nextZxid(): Zxid {
    return advanceZxid(this.#zxid, 1)
  }

  /** Does the step to itself and returns the transaction that does it to a tree. */
  step(body: TxnBody, sessionId: SessionId = NO_SESSION, unanswered = 1): Step {
    this.#zxid = this.nextZxid
    this.#time += 7
    const id = body.type === 'open' ? (this.#zxid as number as SessionId) : sessionId
    this.#change(body, id)
    const cxid = this.#countWrite(body, id)
    const header = { sessionId: id, cxid, unanswered: cxid > 0 ? unanswered : 0 }
    return { txn: { ...header, digest: this.digest, body }, zxid: this.#zxid, time: this.#time }
  }

  #countWrite(body: TxnBody, id: SessionId): number {
    const session = this.sessions.get(id)
    if (session === undefined || ['open', 'attach', 'close'].includes(body.type)) return 0
    session.lastCxid++
    return session.lastCxid
  }

  #change(body: TxnBody, id: SessionId): void {
    switch (body.type) {
      case 'create': {
        const owner = body.ephemeral ? id : NO_SESSION
        const missing: ZPath[] = []
        for (let path = body.path; missing.length < body.parents; ) {
          path = parentOf(path)
          missing.unshift(path)
        }
        for (const path of missing) this.#insert(path, new Uint8Array(0), NO_SESSION)
        this.#insert(body.path, body.data, owner)
        this.nodes.get(body.path)!.aclHash = hashAcl(body.acl)
        return
      }
      case 'delete':
        this.#remove(body.path)
        return
      case 'set': {
        const node = this.nodes.get(body.path)!
        node.dataHash = hashData(body.data)
        node.version = body.version
        node.mzxid = this.#zxid
        node.mtime = this.#time
        return
      }
      case 'open': {
        const { timeoutMs, owner, connection } = body
        const ephemerals = new Set<ZPath>()
        this.sessions.set(id, { id, timeoutMs, owner, connection, lastCxid: 0, ephemerals })
        return
      }
      case 'attach': {
        const session = this.sessions.get(id)
        if (!body.granted || session === undefined) return
        session.owner = body.owner
        session.connection = body.connection
        return
      }
      case 'close':
        for (const path of body.ephemerals) this.#remove(path)
        this.sessions.delete(id)
        return
      case 'sync':
      case 'error':
    }
  }

  #insert(path: ZPath, data: Uint8Array, owner: SessionId): void {
    const parent = this.nodes.get(parentOf(path))!
    parent.creates++
    parent.children++
    parent.pzxid = this.#zxid
    this.nodes.set(path, bornNode(path, data, this.#zxid, this.#time, owner))
    this.sessions.get(owner)?.ephemerals.add(path)
  }

  #remove(path: ZPath): void {
    const parent = this.nodes.get(parentOf(path))!
    parent.children--
    parent.pzxid = this.#zxid
    this.sessions.get(this.nodes.get(path)!.ephemeralOwner)?.ephemerals.delete(path)
    this.nodes.delete(path)
  }
}

function bornNode(
  path: ZPath,
  data: Uint8Array,
  zxid: Zxid,
  time: number,
  owner: SessionId,
): ModelNode {
  return {
    pathHash: hashPath(path),
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: time,
    mtime: time,
    version: 0,
    creates: 0,
    aversion: 0,
    ephemeralOwner: owner,
    dataHash: hashData(data),
    aclHash: hashAcl(OPEN_ACL),
    children: 0,
  }
}

/** A tree and its model, kept in step. */
export class Driver {
  readonly model = new Model()
  readonly tree: Tree = new Tree()
  readonly log: Step[] = []

  run(body: TxnBody, sessionId?: SessionId, unanswered?: number): Applied {
    const step = this.model.step(body, sessionId, unanswered)
    this.log.push(step)
    return this.tree.apply(step.txn, step.zxid, step.time)
  }

  open(timeoutMs = 10_000): SessionId {
    const { outcome } = this.run({ ...openBody(), timeoutMs })
    return outcome.zxid as number as SessionId
  }

  create(path: string, data = '', sessionId?: SessionId): Applied {
    return this.run(createBody(path, data, sessionId !== undefined), sessionId)
  }
}

export function openBody(): Extract<TxnBody, { type: 'open' }> {
  const password = Uint8Array.of(1, 2, 3)
  return { type: 'open', owner: 1 as never, connection: 5, timeoutMs: 10_000, password }
}

export function createBody(
  path: string,
  data = '',
  ephemeral = false,
  parents = 0,
): Extract<TxnBody, { type: 'create' }> {
  const bytes = Buffer.from(data)
  return { type: 'create', path: path as ZPath, data: bytes, acl: OPEN_ACL, ephemeral, parents }
}

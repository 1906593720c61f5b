/**
 * The state written down naively: a map of paths, copied for every transaction, and the rules of ZooKeeper in their
 * plainest form. It is fed with what clients asked for, in the order in which the log has it, and knows every past
 * state, so that any reply and any event can be checked.
 */

import assert from 'node:assert/strict'
import type { EventType } from '../../lib/base/reply.ts'
import type { CreateRequest, WriteRequest } from '../../lib/base/request.ts'

export interface ModelNode {
  readonly data: string
  readonly version: number
  readonly creates: number
  readonly owner: number
  readonly czxid: number
  readonly mzxid: number
  readonly pzxid: number
}

export type State = ReadonlyMap<string, ModelNode>

export interface ModelChange {
  readonly type: EventType
  readonly path: string
  readonly zxid: number
}

export interface ModelOutcome {
  readonly zxid: number
  readonly code?: string
  readonly path?: string
}

const NEW = { version: 0, creates: 0 }

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

export function childrenOf(state: State, path: string): string[] {
  return [...state.keys()].filter(at => at !== '/' && parent(at) === path)
}

export class Model {
  /** By zxid, ascending. */
  readonly #states: { zxid: number; state: State }[] = [
    {
      zxid: 0,
      state: new Map([['/', { ...NEW, data: '', owner: 0, czxid: 0, mzxid: 0, pzxid: 0 }]]),
    },
  ]
  readonly #changes: ModelChange[] = []
  readonly #outcomes = new Map<string, ModelOutcome>()
  readonly #lastCxids = new Map<number, number>()
  /** Of the transaction at work. */
  #draft = new Map<string, ModelNode>()

  get state(): State {
    return this.#states.at(-1)!.state
  }

  /** The state after a transaction. */
  stateAt(zxid: number): State {
    const found = this.#states.findLast(at => at.zxid <= zxid)
    assert(found !== undefined)
    return found.state
  }

  get sessions(): ReadonlySet<number> {
    return new Set(this.#lastCxids.keys())
  }

  outcome(sessionId: number, cxid: number): ModelOutcome | undefined {
    return this.#outcomes.get(`${sessionId}:${cxid}`)
  }

  /** Changes after one transaction and up to another that fire a watch, in order. */
  firing(kind: 'node' | 'child', path: string, after: number, upTo: number): ModelChange[] {
    return this.#changes.filter(
      change =>
        change.path === path &&
        change.zxid > after &&
        change.zxid <= upTo &&
        (change.type === 'deleted' || (kind === 'child') === (change.type === 'childrenChanged')),
    )
  }

  open(sessionId: number): void {
    this.#lastCxids.set(sessionId, 0)
  }

  close(sessionId: number, zxid: number): void {
    assert(this.#lastCxids.delete(sessionId), 'a session is closed once')
    this.#draft = new Map(this.state)
    for (const [path, { owner }] of this.state) if (owner === sessionId) this.#remove(path, zxid)
    this.#commit(zxid)
  }

  /** A client's write. The order of its session's writes, each once, is checked here. */
  write(sessionId: number, cxid: number, request: WriteRequest, zxid: number): ModelOutcome {
    assert.equal(cxid, this.#lastCxids.get(sessionId)! + 1, `write ${cxid} of session ${sessionId}`)
    this.#lastCxids.set(sessionId, cxid)
    this.#draft = new Map(this.state)
    const result = this.#execute(sessionId, request, zxid)
    const outcome = { zxid, ...result }
    this.#outcomes.set(`${sessionId}:${cxid}`, outcome)
    if (request.kind === 'closeSession') this.close(sessionId, zxid)
    else this.#commit(zxid)
    return outcome
  }

  #commit(zxid: number): void {
    this.#states.push({ zxid, state: this.#draft })
  }

  #execute(
    sessionId: number,
    request: WriteRequest,
    zxid: number,
  ): { code?: string; path?: string } {
    const state = this.#draft
    switch (request.kind) {
      case 'create':
        return this.#create(sessionId, request, zxid)
      case 'delete': {
        const node = state.get(request.path)
        if (node === undefined) return { code: 'NO_NODE' }
        if (request.version !== -1 && request.version !== node.version)
          return { code: 'BAD_VERSION' }
        if (childrenOf(state, request.path).length > 0) return { code: 'NOT_EMPTY' }
        this.#remove(request.path, zxid)
        return {}
      }
      case 'set': {
        const node = state.get(request.path)
        if (node === undefined) return { code: 'NO_NODE' }
        if (request.version !== -1 && request.version !== node.version)
          return { code: 'BAD_VERSION' }
        const data = Buffer.from(request.data).toString()
        state.set(request.path, { ...node, data, version: node.version + 1, mzxid: zxid })
        this.#changes.push({ type: 'dataChanged', path: request.path, zxid })
        return {}
      }
      default:
        return {}
    }
  }

  #create(
    sessionId: number,
    request: CreateRequest,
    zxid: number,
  ): { code?: string; path?: string } {
    const state = this.#draft
    const under = parent(request.path)
    const missing: string[] = []
    let nearest = under
    for (; !state.has(nearest); nearest = parent(nearest)) missing.unshift(nearest)
    if (missing.length > 0 && !request.parents) return { code: 'NO_NODE' }
    const creates = missing.length > 0 ? 0 : state.get(under)!.creates
    const path = request.sequential
      ? `${request.path}${String(creates).padStart(10, '0')}`
      : request.path
    if (state.has(path)) return { code: 'NODE_EXISTS' }
    if (state.get(nearest)!.owner !== 0) return { code: 'NO_CHILDREN_FOR_EPHEMERALS' }
    for (const at of missing) this.#insert(at, '', 0, zxid)
    const data = Buffer.from(request.data).toString()
    this.#insert(path, data, request.ephemeral ? sessionId : 0, zxid)
    return { path }
  }

  #insert(path: string, data: string, owner: number, zxid: number): void {
    const above = this.#draft.get(parent(path))!
    this.#draft.set(parent(path), { ...above, creates: above.creates + 1, pzxid: zxid })
    this.#draft.set(path, { ...NEW, data, owner, czxid: zxid, mzxid: zxid, pzxid: zxid })
    this.#changes.push({ type: 'created', path, zxid })
    this.#changes.push({ type: 'childrenChanged', path: parent(path), zxid })
  }

  #remove(path: string, zxid: number): void {
    const above = this.#draft.get(parent(path))!
    this.#draft.delete(path)
    this.#draft.set(parent(path), { ...above, pzxid: zxid })
    this.#changes.push({ type: 'deleted', path, zxid })
    this.#changes.push({ type: 'childrenChanged', path: parent(path), zxid })
  }
}

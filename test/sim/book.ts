/**
 * The tree as the committed transactions make it, at every zxid: an implementation of the semantics apart from `lib`,
 * slow and plain, which remembers every state of every path. What clients are told is compared with it.
 */

import { type Acl, OPEN_ACL } from '../../lib/base/acl.ts'
import { formatSequence, parentOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import type { Stat } from '../../lib/base/stat.ts'
import { NO_SESSION, type SessionId, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'

/** A node from one zxid on, until its next state. */
export interface NodeState {
  readonly from: Zxid
  readonly data: Uint8Array
  readonly acl: Acl
  readonly stat: Stat
  readonly names: readonly string[]
  /** Children ever created: the next sequence number. */
  readonly creates: number
}

interface Absence {
  readonly from: Zxid
  readonly stat?: undefined
}

type State = NodeState | Absence

interface PathHistory {
  /** Oldest first. */
  readonly states: State[]
  /** Zxids at which a watch on the node fires, and at which one on its children does. */
  readonly nodeChanges: Zxid[]
  readonly childChanges: Zxid[]
}

const NO_DATA = new Uint8Array(0)

export function isThere(state: State | undefined): state is NodeState {
  return state?.stat !== undefined
}

export class Book {
  readonly #paths = new Map<ZPath, PathHistory>()

  constructor() {
    this.#put(ROOT, freshState(NO_DATA, OPEN_ACL, ZXID_ZERO, 0, NO_SESSION), false)
  }

  /** The node as it was when `zxid` was applied. */
  at(path: ZPath, zxid: Zxid): NodeState | undefined {
    const states = this.#paths.get(path)?.states
    if (states === undefined) return undefined
    for (let index = states.length - 1; index >= 0; index--) {
      const state = states[index]!
      if (state.from <= zxid) return isThere(state) ? state : undefined
    }
    return undefined
  }

  now(path: ZPath): NodeState | undefined {
    const state = this.#paths.get(path)?.states.at(-1)
    return isThere(state) ? state : undefined
  }

  /** The first change after `zxid` that fires a watch of this kind. */
  firstChange(kind: 'node' | 'child', path: ZPath, zxid: Zxid): Zxid | undefined {
    const history = this.#paths.get(path)
    const changes = kind === 'node' ? history?.nodeChanges : history?.childChanges
    return changes === undefined ? undefined : firstAfter(changes, zxid)
  }

  /** The first zxid after `zxid` at which the node was deleted. */
  firstAbsence(path: ZPath, zxid: Zxid): Zxid | undefined {
    const states = this.#paths.get(path)?.states
    return states?.find(state => state.from > zxid && !isThere(state))?.from
  }

  /** The first zxid, from `zxid` on, at which there is a node that is such. */
  firstSuch(path: ZPath, zxid: Zxid, isSuch: (node: NodeState) => boolean): Zxid | undefined {
    const now = this.at(path, zxid)
    if (now !== undefined && isSuch(now)) return zxid
    const states = this.#paths.get(path)?.states
    return states?.find(state => state.from > zxid && isThere(state) && isSuch(state))?.from
  }

  /** Paths of the nodes a session owns now. */
  ephemeralsOf(id: SessionId): ZPath[] {
    return [...this.#paths.keys()].filter(path => this.now(path)?.stat.ephemeralOwner === id)
  }

  create(
    path: ZPath,
    data: Uint8Array,
    owner: SessionId,
    zxid: Zxid,
    time: number,
    acl: Acl = OPEN_ACL,
  ): NodeState {
    const parent = this.now(parentOf(path))!
    const names = [...parent.names, path.slice(path.lastIndexOf('/') + 1)]
    this.#putParent(path, { ...parent, names, creates: parent.creates + 1 }, zxid)
    const state = freshState(data, acl, zxid, time, owner)
    this.#put(path, state, true)
    return state
  }

  delete(path: ZPath, zxid: Zxid): void {
    const parent = this.now(parentOf(path))!
    const name = path.slice(path.lastIndexOf('/') + 1)
    this.#putParent(path, { ...parent, names: parent.names.filter(other => other !== name) }, zxid)
    this.#put(path, { from: zxid }, true)
    this.#paths.get(path)?.childChanges.push(zxid)
  }

  set(path: ZPath, data: Uint8Array, zxid: Zxid, mtime: number): NodeState {
    const node = this.now(path)!
    const version = node.stat.version + 1
    const stat = { ...node.stat, version, mzxid: zxid, mtime, dataLength: data.length }
    const state = { ...node, from: zxid, data, stat }
    this.#put(path, state, true)
    return state
  }

  /** The path a sequential create under this prefix gets now. */
  sequential(prefix: ZPath, creates: number): ZPath {
    return `${prefix}${formatSequence(creates)}` as ZPath
  }

  #putParent(child: ZPath, parent: NodeState, pzxid: Zxid): void {
    const path = parentOf(child)
    const numChildren = parent.names.length
    const cversion = 2 * parent.creates - numChildren
    const stat = { ...parent.stat, pzxid, numChildren, cversion }
    this.#put(path, { ...parent, from: pzxid, stat }, false)
    this.#paths.get(path)?.childChanges.push(pzxid)
  }

  #put(path: ZPath, state: State, firesNode: boolean): void {
    let history = this.#paths.get(path)
    if (history === undefined) {
      history = { states: [], nodeChanges: [], childChanges: [] }
      this.#paths.set(path, history)
    }
    history.states.push(state)
    if (firesNode) history.nodeChanges.push(state.from)
  }
}

/** The first of ascending zxids that is larger than `zxid`. */
function firstAfter(zxids: readonly Zxid[], zxid: Zxid): Zxid | undefined {
  let low = 0
  let high = zxids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (zxids[middle]! <= zxid) low = middle + 1
    else high = middle
  }
  return zxids[low]
}

/** Whether anyone may do this to the node; `permission` is one of the bits of an ACL. */
export function isAllowed({ acl }: NodeState, permission: number): boolean {
  return acl.some(({ permissions }) => (permissions & permission) !== 0)
}

function freshState(
  data: Uint8Array,
  acl: Acl,
  zxid: Zxid,
  time: number,
  owner: SessionId,
): NodeState {
  const stat: Stat = {
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: time,
    mtime: time,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: owner,
    dataLength: data.length,
    numChildren: 0,
  }
  return { from: zxid, data, acl, stat, names: [], creates: 0 }
}

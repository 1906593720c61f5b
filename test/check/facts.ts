/**
 * What the answers of a history tell of the order of transactions: which zxids were seen, by when, and at which zxids
 * a path is known to have changed. They come from stats, from watch events and, where the history has them, from
 * replies.
 */

import { PERMISSIONS, type Stat } from '../../lib/index.ts'
import {
  answerOf,
  type Call,
  type Event,
  type History,
  isRead,
  parentPath,
  type Session,
  zxidOf,
} from './history.ts'

/** Values that only grow from each to the next, with a search. */
export class Ascending {
  readonly #keys: number[] = []
  readonly #values: number[] = []

  /** Pairs of key and value; a value smaller than that of an earlier key counts as that one. */
  constructor(pairs: readonly (readonly [number, number])[]) {
    let largest = 0
    for (const [key, value] of [...pairs].sort(([a], [b]) => a - b)) {
      largest = Math.max(largest, value)
      this.#keys.push(key)
      this.#values.push(largest)
    }
  }

  /** The largest value of a key below this one; 0 without any. */
  before(key: number): number {
    return this.#values[this.#countBelow(key) - 1] ?? 0
  }

  /** The smallest key whose value is at least this. */
  keyReaching(value: number): number | undefined {
    let low = 0
    let high = this.#values.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#values[middle]! < value) low = middle + 1
      else high = middle
    }
    return this.#keys[low]
  }

  #countBelow(key: number): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** One session, as its client lived it. */
export interface Tale {
  readonly session: Session
  /** Answered calls in the order of their answers. */
  readonly answers: readonly Call[]
  /** Events in the order they were told. */
  readonly events: readonly Event[]
  /** By place among all that the session was told: the largest zxid seen by then. */
  readonly seen: Ascending
}

export type ChangeKind = 'node' | 'child'

/** The largest transaction an answer gives proof of. */
export function shownBy({ result, operation }: Call): number {
  if (result === undefined) return 0
  const { stat, zxid = 0 } = result
  if (stat === undefined) return zxid
  const { czxid, mzxid, pzxid } = stat
  return isRead(operation) || result.zxid !== undefined
    ? Math.max(zxid, czxid, mzxid, pzxid)
    : Math.max(czxid, mzxid, pzxid)
}

/** Transactions of creates whose answers do not name them: those of the nodes that hold what nobody else wrote. */
function transactionsOfCreates(calls: readonly Call[]): Map<Call, number> {
  const writers = new Map<string, Call | undefined>()
  for (const call of calls) {
    const { operation } = call
    if (!('data' in operation) || !operation.data) continue
    writers.set(operation.data, writers.has(operation.data) ? undefined : call)
  }
  const transactions = new Map<Call, number>()
  for (const { operation, result } of calls) {
    if (operation.kind !== 'get' || result?.stat?.version !== 0) continue
    const writer = writers.get(result.data ?? '')
    if (writer === undefined || writer.operation.kind !== 'create') continue
    const made = answerOf(writer)?.path
    if (made === operation.path && !transactions.has(writer) && zxidOf(writer) === undefined) {
      transactions.set(writer, result.stat.mzxid)
    }
  }
  return transactions
}

export class Facts {
  readonly tales: readonly Tale[]
  /** By time: the largest zxid that anybody had seen. */
  readonly known: Ascending
  /** By zxid: the latest time at which a write that was done by then was asked for. */
  readonly begun: Ascending
  /** Writes whose transaction is known. */
  readonly byZxid = new Map<number, Call>()
  /** Writes that claim a transaction that another one has. */
  readonly twins: (readonly [Call, Call])[] = []
  readonly #changes = {
    node: new Map<string, Set<number>>(),
    child: new Map<string, Set<number>>(),
  }
  readonly #sorted = new Map<string, readonly number[]>()
  readonly #deletable = new Set<string>()
  readonly #hidden = new Set<string>()
  readonly #created: ReadonlyMap<Call, number>

  constructor(history: History) {
    const { calls, events } = history
    this.#created = transactionsOfCreates(calls)
    const provedBy = (call: Call) => Math.max(shownBy(call), this.#created.get(call) ?? 0)
    this.tales = talesOf(history, provedBy)
    const shown = calls
      .filter(call => call.end !== undefined)
      .map(call => [call.end!, provedBy(call)] as const)
    const told = events.map(({ time, zxid }) => [time, zxid] as const)
    this.known = new Ascending([...shown, ...told])
    for (const call of calls) this.#learn(call)
    this.begun = new Ascending([...this.byZxid].map(([zxid, { start }]) => [zxid, start]))
  }

  /** The transaction a write is known to have become, from its answer or from a read. */
  zxidOf(call: Call): number | undefined {
    return zxidOf(call) ?? this.#created.get(call)
  }

  /** Zxids at which the node, or its list of children, is known to have changed; the smallest first. */
  changesOf(kind: ChangeKind, path: string): readonly number[] {
    const name = `${kind}${path}`
    let sorted = this.#sorted.get(name)
    if (sorted === undefined) {
      sorted = [...(this.#changes[kind].get(path) ?? [])].sort((a, b) => a - b)
      this.#sorted.set(name, sorted)
    }
    return sorted
  }

  /** The last known change up to this zxid; 0 without any. */
  lastChange(kind: ChangeKind, path: string, upTo: number): number {
    const changes = this.changesOf(kind, path)
    let low = 0
    let high = changes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (changes[middle]! <= upTo) low = middle + 1
      else high = middle
    }
    return changes[low - 1] ?? 0
  }

  /** Whether the node may have been deleted at some time, by a delete or with its session. */
  mayHaveGone(path: string): boolean {
    return this.#deletable.has(path)
  }

  /** Whether there may have been a node here that nobody may read, and so nobody is told of. */
  mayHaveHidden(path: string): boolean {
    return this.#hidden.has(path)
  }

  #learn(call: Call): void {
    const { operation, result } = call
    const answer = answerOf(call)
    if (operation.kind === 'delete' && answer?.code === undefined) {
      this.#deletable.add(operation.path)
    }
    if (operation.kind === 'create') {
      const { ephemeral, permissions = PERMISSIONS.ALL } = operation
      const made = result?.path ?? operation.path
      if (ephemeral) this.#deletable.add(made)
      if ((permissions & PERMISSIONS.READ) === 0) this.#hidden.add(made)
    }
    if (answer === undefined) return
    const path = answer.path ?? ('path' in operation ? operation.path : undefined)
    if (path !== undefined && answer.stat !== undefined) this.#learnStat(path, answer.stat)
    const zxid = this.zxidOf(call)
    if (zxid === undefined) return
    const other = this.byZxid.get(zxid)
    if (other !== undefined) this.twins.push([other, call])
    this.byZxid.set(zxid, call)
    if (path === undefined || answer.code !== undefined || operation.kind === 'sync') return
    this.#note('node', path, zxid)
    if (operation.kind !== 'set') this.#note('child', parentPath(path), zxid)
  }

  #learnStat(path: string, { czxid, mzxid, pzxid }: Stat): void {
    this.#note('node', path, czxid)
    this.#note('node', path, mzxid)
    // A node's list of children is new with the node, which is no change of it.
    if (pzxid !== czxid) this.#note('child', path, pzxid)
    if (path !== '/') this.#note('child', parentPath(path), czxid)
  }

  #note(kind: ChangeKind, path: string, zxid: number): void {
    if (zxid === 0) return
    const known = this.#changes[kind].get(path)
    if (known === undefined) this.#changes[kind].set(path, new Set([zxid]))
    else known.add(zxid)
  }
}

function talesOf({ sessions, calls, events }: History, provedBy: (call: Call) => number): Tale[] {
  const answers = groupBySession(calls.filter(call => call.answered !== undefined))
  const told = groupBySession(events)
  return sessions.map(session => {
    const own = (answers.get(session.name) ?? []).sort((a, b) => a.answered! - b.answered!)
    const heard = (told.get(session.name) ?? []).sort((a, b) => a.told - b.told)
    const seen = new Ascending([
      ...own.map(call => [call.answered!, provedBy(call)] as const),
      ...heard.map(event => [event.told, event.zxid] as const),
    ])
    return { session, answers: own, events: heard, seen }
  })
}

function groupBySession<T extends { readonly session: string }>(items: readonly T[]) {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.session)
    if (group === undefined) groups.set(item.session, [item])
    else group.push(item)
  }
  return groups
}

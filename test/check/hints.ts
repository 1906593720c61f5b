/**
 * Guesses at the place of each write in the order of transactions, from whatever answers and events give away: writes
 * are tried in this order first. A wrong guess costs time and nothing else.
 */

import { Ascending } from './facts.ts'
import {
  answerOf,
  type Call,
  type Create,
  type History,
  parentPath,
  type Session,
  zxidOf,
} from './history.ts'

const NEVER = Number.POSITIVE_INFINITY
/** For what happened some time after a transaction, before the next one that is known. */
const AFTER = 0.5

/** Zxids by path, in ascending order once they are asked for. */
class Moments {
  readonly #sets = new Map<string, Set<number>>()
  readonly #sorted = new Map<string, number[]>()

  add(path: string, zxid: number): void {
    const known = this.#sets.get(path)
    if (known === undefined) this.#sets.set(path, new Set([zxid]))
    else known.add(zxid)
  }

  firstAfter(path: string, zxid: number): number | undefined {
    let sorted = this.#sorted.get(path)
    if (sorted === undefined) {
      sorted = [...(this.#sets.get(path) ?? [])].sort((a, b) => a - b)
      this.#sorted.set(path, sorted)
    }
    return sorted.find(moment => moment > zxid)
  }
}

export class Hints {
  /** Transactions that made a datum what it is, by path and datum. */
  readonly #written = new Map<string, number>()
  readonly #created = new Moments()
  readonly #deleted = new Moments()
  /** By the ends of calls whose transaction is known: the largest one by then. */
  readonly #known: Ascending

  constructor({ calls, events }: History) {
    for (const call of calls) this.#learn(call)
    for (const { type, path, zxid } of events) if (type === 'deleted') this.#deleted.add(path, zxid)
    const ended = calls.filter(call => call.end !== undefined && zxidOf(call) !== undefined)
    this.#known = new Ascending(ended.map(call => [call.end!, zxidOf(call)!]))
  }

  of(call: Call): number {
    const known = zxidOf(call) ?? call.guess ?? this.#seen(call)
    if (known !== undefined) return known
    return answerOf(call) === undefined ? NEVER : this.#knownBy(call.end!) + AFTER
  }

  ofEnd({ expired, endGuess }: Session): number {
    if (endGuess !== undefined) return endGuess
    return expired === undefined ? NEVER : this.#knownBy(expired) + AFTER
  }

  #learn({ operation, result }: Call): void {
    if (!('path' in operation) || result?.stat === undefined) return
    const { czxid, mzxid } = result.stat
    const path = result.path ?? operation.path
    this.#created.add(path, czxid)
    if (result.data) this.#written.set(`${path}\n${result.data}`, mzxid)
  }

  /** What others saw of it. */
  #seen(call: Call): number | undefined {
    const { operation, result, start } = call
    switch (operation.kind) {
      case 'create':
        return this.#seenCreate(operation, result?.path ?? operation.path, start)
      case 'set':
        return this.#written.get(`${operation.path}\n${operation.data}`)
      case 'delete':
        return answerOf(call)?.code === undefined && result?.code === undefined
          ? this.#deleted.firstAfter(operation.path, this.#knownBy(start))
          : undefined
      default:
        return undefined
    }
  }

  #seenCreate({ data, parents }: Create, path: string, start: number): number | undefined {
    const written = this.#written.get(`${path}\n${data}`)
    if (written !== undefined) return written
    const after = this.#knownBy(start)
    const created = this.#created.firstAfter(path, after)
    if (created !== undefined || !parents) return created
    return this.#created.firstAfter(parentPath(path), after)
  }

  #knownBy(time: number): number {
    return this.#known.before(time + 1)
  }
}

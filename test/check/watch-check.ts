/**
 * What a session's watches told, against what it asked and was answered. The names are those of etcd's watch promises,
 * the rules ZooKeeper's:
 *
 * - Unique: a watch is told once at most.
 * - True: of what it was left for, and of a change that was made, after the answer that left it.
 * - Ordered: in the order of transactions. What is told on arrival at another peer has no promised order in itself, but
 *   comes before the next answer.
 * - Atomic: what one transaction did is told without an answer in between.
 * - BeforeData: before any answer of the session that proves the change.
 * - Reliable: a change that is proved by an answer is told. The one exception is a watch left on a missing node, which
 *   may have come and gone while the session had no peer.
 *
 * Changes are those that some answer of the history proves; a history with zxids in its replies proves more of them.
 */

import type { EventType } from '../../lib/index.ts'
import type { ChangeKind, Facts, Tale } from './facts.ts'
import { type Call, describeCall, type Event, isRead, type ReadKind } from './history.ts'
import type { Finding, Promised } from './verdict.ts'

const TYPES: Readonly<Record<ReadKind, readonly EventType[]>> = {
  get: ['dataChanged', 'deleted'],
  exists: ['created', 'dataChanged', 'deleted'],
  children: ['childrenChanged', 'deleted'],
}

interface Left {
  readonly call: Call
  readonly kind: ReadKind
  readonly path: string
  readonly missing: boolean
  fired: Event | undefined
}

export function checkWatches(facts: Facts): Finding[] {
  return facts.tales.flatMap(tale => new WatchCheck(facts, tale).run())
}

class WatchCheck {
  readonly #facts: Facts
  readonly #tale: Tale
  readonly #findings: Finding[] = []
  readonly #left = new Map<number, Left>()

  constructor(facts: Facts, tale: Tale) {
    this.#facts = facts
    this.#tale = tale
  }

  run(): Finding[] {
    for (const call of this.#tale.answers) {
      const { operation, result } = call
      if (!isRead(operation) || !operation.watch) continue
      const { kind, path } = operation
      const missing = result?.code === 'NO_NODE'
      if (missing ? kind !== 'exists' : result?.code !== undefined) continue
      this.#left.set(call.index, { call, kind, path, missing, fired: undefined })
    }
    for (const event of this.#tale.events) this.#checkEvent(event)
    this.#checkOrder()
    for (const watch of this.#left.values()) this.#checkTold(watch)
    return this.#findings
  }

  #hold(condition: boolean, promise: Promised, about: Event | Call, why: string): void {
    if (condition) return
    const shown = 'told' in about ? JSON.stringify(about) : describeCall(about)
    this.#findings.push({ promise, message: `${why}: ${shown}` })
  }

  #checkEvent(event: Event): void {
    const watch = this.#left.get(event.watch)
    this.#hold(watch !== undefined, 'WatchTrue', event, 'no such watch was left')
    if (watch === undefined) return
    this.#hold(watch.fired === undefined, 'WatchUnique', event, 'told before')
    watch.fired ??= event
    const fits = event.path === watch.path && TYPES[watch.kind].includes(event.type)
    this.#hold(fits, 'WatchTrue', event, `the watch was left by ${describeCall(watch.call)}`)
    const later = event.told > watch.call.answered!
    this.#hold(later, 'WatchTrue', event, 'told before the answer that left it')
    const since = sinceOf(watch) ?? 0
    this.#hold(event.zxid > since, 'WatchTrue', event, `nothing has changed since ${since}`)
    this.#hold(this.#mayBeBy(event), 'WatchTrue', event, 'its transaction did something else')
  }

  /** Whether the transaction named may have done what is told. */
  #mayBeBy({ type, path, zxid }: Event): boolean {
    const call = this.#facts.byZxid.get(zxid)
    if (call === undefined || call.operation.kind === 'close') return true
    const { operation, result } = call
    // What was found gone on arrival at another peer is told with that peer's last transaction.
    if (type === 'deleted' && this.#tale.session.steady !== true) return true
    if (!('path' in operation) || isRead(operation) || result?.code !== undefined) return false
    const at = result?.path ?? operation.path
    const below = path === '/' || at.startsWith(`${path}/`)
    switch (type) {
      case 'deleted':
        return operation.kind === 'delete' && at === path
      case 'created':
        return operation.kind === 'create' && (at === path || below)
      case 'dataChanged':
        return at === path ? operation.kind !== 'delete' : operation.kind === 'create' && below
      case 'childrenChanged':
        return operation.kind !== 'set' && (below || at === path)
    }
  }

  #checkOrder(): void {
    const { answers, events, session } = this.#tale
    let answered = 0
    /** Largest zxid told, and the largest before the last answer. */
    let told = 0
    let toldBefore = 0
    let previous: Event | undefined
    const lastOf = new Map<number, number>()
    for (const event of events) {
      const places = answered
      while (answered < answers.length && answers[answered]!.answered! < event.told) answered++
      if (answered > places) toldBefore = told
      const bound = session.steady ? told : toldBefore
      this.#hold(event.zxid >= bound, 'WatchOrdered', event, `${bound} was told before`)
      const last = lastOf.get(event.zxid)
      const whole = last === undefined || last === answered
      this.#hold(whole, 'WatchAtomic', event, 'an answer came between it and its transaction')
      const together = !session.steady || last === undefined || previous?.zxid === event.zxid
      this.#hold(together, 'WatchAtomic', event, 'another transaction came in between')
      lastOf.set(event.zxid, answered)
      told = Math.max(told, event.zxid)
      previous = event
    }
  }

  #checkTold(watch: Left): void {
    const { call, fired } = watch
    const change = this.#firstChange(watch)
    if (change === undefined) return
    const proved = this.#provedAt(change, call.answered!)
    if (proved === undefined || (fired !== undefined && fired.told < proved)) return
    if (this.#isExcused(watch)) return
    const promise = fired === undefined ? 'WatchReliable' : 'WatchBeforeData'
    this.#hold(
      false,
      promise,
      call,
      `changed at ${change}, proved at place ${proved}, by its watch`,
    )
  }

  #isExcused({ missing, path }: Left): boolean {
    // What may not be read is not told of: the watch waits for what may.
    if (this.#facts.mayHaveHidden(path)) return true
    return missing && this.#tale.session.steady !== true && this.#facts.mayHaveGone(path)
  }

  /** The first known change that is surely after the answer that left the watch. */
  #firstChange({ call, kind, path, missing }: Left): number | undefined {
    const about: ChangeKind = kind === 'children' ? 'child' : 'node'
    const since = sinceOf({ call, kind, missing })
    return this.#facts.changesOf(about, path).find(zxid => {
      if (since !== undefined) return zxid > since
      const start = this.#facts.byZxid.get(zxid)?.start
      return start !== undefined && start > call.end!
    })
  }

  /** Place of the first answer after `after` by which the session's peer is proved to be past `zxid`. */
  #provedAt(zxid: number, after: number): number | undefined {
    const { answers, seen } = this.#tale
    const from = Math.max(seen.keyReaching(zxid) ?? Number.POSITIVE_INFINITY, after + 1)
    let low = 0
    let high = answers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (answers[middle]!.answered! < from) low = middle + 1
      else high = middle
    }
    return answers[low]?.answered
  }
}

/** Up to where the answer that left a watch shows all there was to tell, if it says so. */
function sinceOf({ call, kind, missing }: Pick<Left, 'call' | 'kind' | 'missing'>) {
  const { zxid, stat } = call.result!
  if (zxid !== undefined) return zxid
  if (missing || stat === undefined) return undefined
  return kind === 'children' ? stat.pzxid : stat.mzxid
}

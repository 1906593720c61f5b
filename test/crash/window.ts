/**
 * What must be there after a power cut when writes are not synced: the tree as it was at some time before, no matter
 * when. So of each session a beginning of its writes is there, of the lives after one that lost something nothing, and
 * nothing besides. What one cut has taken may be back after the next: a peer that still had it was brought in line by
 * writes that were not synced either.
 */

import { type Expectation, findDifference } from './expectation.ts'
import type { Acknowledged, Observed } from './messages.ts'

type Write = Extract<Acknowledged, { readonly kind: 'set' | 'create' }>

/** The writes of one life by session, in the order of their acknowledgement. */
type Life = ReadonlyMap<string, readonly Write[]>

/** A history as it was before a cut, and what of it is there now. */
interface Match {
  readonly kept: readonly Life[]
  readonly lost: number
  /** Why it cannot be this history. */
  readonly findings: readonly string[]
}

export class Window implements Expectation {
  /** Each history that was written to its end and then cut, the latest last. */
  readonly #histories: (readonly Life[])[] = []
  /** Of the latest history: what was there when the present life began. */
  #past: readonly Life[] = []
  #present = new Map<string, Write[]>()
  /** All nodes whose creation was acknowledged, in any history. */
  readonly #created = new Set<string>()
  #acknowledged = 0
  #lostWrites = 0
  #returned = 0
  #checked = 0
  readonly #findings: string[] = []

  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Acknowledged writes that were not there any more. */
  get lostWrites(): number {
    return this.#lostWrites
  }

  /** How often an earlier history came back. */
  get returned(): number {
    return this.#returned
  }

  get checked(): number {
    return this.#checked
  }

  get findings(): readonly string[] {
    return this.#findings
  }

  /** None: a node that is missing could not be told from one whose end was lost. */
  chooseDeletions(): readonly string[] {
    return []
  }

  begin(): void {
    if (this.#present.size > 0) this.#past = [...this.#past, this.#present]
    this.#present = new Map()
  }

  acknowledge(write: Acknowledged, session: string): void {
    if (write.kind !== 'set' && write.kind !== 'create') {
      throw new Error(`a ${write.kind} cannot be checked after a loss`)
    }
    this.#acknowledged++
    if (write.kind === 'create') this.#created.add(write.path)
    const writes = this.#present.get(session)
    if (writes === undefined) this.#present.set(session, [write])
    else writes.push(write)
  }

  verify(observed: Observed): void {
    const difference = findDifference(observed.digests)
    if (difference !== undefined) this.find(difference)
    this.#histories.push(this.#past)
    const matches = this.#histories.toReversed().map(history => this.#match(history, observed))
    const at = matches.findIndex(({ findings }) => findings.length === 0)
    const match = matches[at] ?? matches[0]!
    for (const finding of match.findings) this.find(finding)
    if (at > 0) this.#returned++
    this.#lostWrites += match.lost
    this.#past = match.kept
  }

  restart(): void {
    this.#histories.length = 0
    this.#past = []
    this.#present = new Map()
    this.#created.clear()
  }

  find(what: string): void {
    this.#findings.push(what)
  }

  #match(history: readonly Life[], { registers, created }: Observed): Match {
    const nodes = new Set(created)
    const isThere = (write: Write): boolean =>
      write.kind === 'set' ? (registers[write.path] ?? -1) >= write.value : nodes.has(write.path)
    const kept: Life[] = []
    const findings: string[] = []
    let lost = 0
    let missing: Write | undefined
    for (const life of history) {
      const cut = cutLife(life, missing !== undefined, isThere)
      missing ??= cut.missing
      for (const write of cut.misplaced) {
        nodes.delete(pathOf(write))
        findings.push(`${nameOf(write)} is there, ${nameOf(missing!)} is not`)
      }
      lost += cut.lost
      if (cut.kept.size > 0) kept.push(cut.kept)
      for (const write of [...cut.kept.values()].flat()) nodes.delete(pathOf(write))
    }
    this.#checked += created.length + Object.keys(registers).length
    for (const path of nodes) {
      if (this.#created.has(path)) findings.push(`${path} is there and belongs to another history`)
    }
    return { kept, lost, findings }
  }
}

interface Cut {
  readonly kept: Life
  readonly lost: number
  /** The first that is not there. */
  readonly missing: Write | undefined
  /** There although one before is not. */
  readonly misplaced: readonly Write[]
}

/** @param mustBeGone an earlier life lost something */
function cutLife(life: Life, mustBeGone: boolean, isThere: (write: Write) => boolean): Cut {
  const kept = new Map<string, readonly Write[]>()
  const misplaced: Write[] = []
  let lost = 0
  let missing: Write | undefined
  for (const [session, writes] of life) {
    const end = mustBeGone ? 0 : writes.findIndex(write => !isThere(write))
    const count = end < 0 ? writes.length : end
    if (count > 0) kept.set(session, writes.slice(0, count))
    misplaced.push(...writes.slice(count).filter(isThere))
    lost += writes.length - count
    missing ??= writes[count]
  }
  return { kept, lost, missing, misplaced }
}

function nameOf(write: Write): string {
  return write.kind === 'set' ? `${write.path} = ${write.value}` : write.path
}

function pathOf(write: Write): string {
  return write.kind === 'create' ? write.path : ''
}

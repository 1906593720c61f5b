/**
 * What must be there after a crash. Kept by the process that is never killed: every acknowledged write, and what was
 * asked for but not acknowledged, which may be there or not. Each finding is one sentence; no findings, no loss.
 */

import { type Expectation, findDifference } from './expectation.ts'
import { type Acknowledged, CREATED, type Observed, SEQUENTIAL } from './messages.ts'

/** `present` and `absent` are acknowledged; `either` was to be deleted, and nobody knows whether it was. */
type Presence = 'present' | 'absent' | 'either'

export class Journal implements Expectation {
  readonly #registers = new Map<string, number>()
  readonly #nodes = new Map<string, Presence>()
  /** Highest sequence number known to be used. */
  #sequence = -1
  #acknowledged = 0
  #checked = 0
  readonly #findings: string[] = []

  get acknowledged(): number {
    return this.#acknowledged
  }

  get checked(): number {
    return this.#checked
  }

  get findings(): readonly string[] {
    return this.#findings
  }

  /** Nodes to delete in the next cycle: from now on they may be there or not. */
  chooseDeletions(choose: (paths: readonly string[]) => readonly string[]): readonly string[] {
    const present = [...this.#nodes].filter(([, presence]) => presence === 'present')
    const chosen = choose(present.map(([path]) => path))
    for (const path of chosen) this.#nodes.set(path, 'either')
    return chosen
  }

  /** What is known does not depend on which life it is known from. */
  begin(): void {}

  acknowledge(write: Acknowledged): void {
    this.#acknowledged++
    switch (write.kind) {
      case 'set':
        this.#registers.set(write.path, write.value)
        return
      case 'create':
        this.#nodes.set(write.path, 'present')
        return
      case 'sequential':
        this.#acknowledgeSequential(write.path)
        return
      case 'delete':
        this.#nodes.set(write.path, 'absent')
    }
  }

  /** Compares, and goes on from what is there: what was not known before is known now. */
  verify(observed: Observed): void {
    this.#verifyDigests(observed.digests)
    this.#verifyRegisters(observed.registers)
    this.#verifyNodes(CREATED, observed.created)
    this.#verifyNodes(SEQUENTIAL, observed.sequential)
    for (const path of observed.sequential) {
      this.#sequence = Math.max(this.#sequence, sequenceOf(path))
    }
  }

  restart(): void {
    this.#registers.clear()
    this.#nodes.clear()
    this.#sequence = -1
  }

  find(what: string): void {
    this.#findings.push(what)
  }

  /** Two sessions share the parent, so acknowledgements need not come in order; a number must be new all the same. */
  #acknowledgeSequential(path: string): void {
    if (this.#nodes.has(path)) this.find(`${path} was created twice`)
    if (sequenceOf(path) <= this.#sequence) this.find(`${path} has a number that was used before`)
    this.#nodes.set(path, 'present')
  }

  #verifyDigests(digests: Observed['digests']): void {
    this.#checked++
    const difference = findDifference(digests)
    if (difference !== undefined) this.find(difference)
  }

  #verifyRegisters(observed: Observed['registers']): void {
    for (const [path, value] of this.#registers) {
      this.#checked++
      const found = observed[path]
      if (found === undefined) this.find(`${path} is missing, ${value} was acknowledged`)
      // Not a number is a loss, too.
      else if (!(found >= value)) this.find(`${path} is ${found}, ${value} was acknowledged`)
    }
    for (const [path, value] of Object.entries(observed)) this.#registers.set(path, value)
  }

  #verifyNodes(parent: string, observed: readonly string[]): void {
    const found = new Set(observed)
    for (const [path, presence] of this.#nodes) {
      if (!path.startsWith(parent)) continue
      this.#checked++
      const isThere = found.has(path)
      if (presence === 'present' && !isThere) this.find(`${path} is missing, it was acknowledged`)
      if (presence === 'absent' && isThere) this.find(`${path} is back, its end was acknowledged`)
    }
    // The absent are remembered: neither they nor their numbers may ever come back.
    for (const [path, presence] of this.#nodes) {
      if (path.startsWith(parent) && presence === 'either') this.#nodes.set(path, 'absent')
    }
    for (const path of found) this.#nodes.set(path, 'present')
  }
}

function sequenceOf(path: string): number {
  return Number(path.slice(-10))
}

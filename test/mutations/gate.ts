/**
 * The gate: makes every mistake of a catalogue in turn and demands that a killer notices it. A killer has a say only
 * after it was green on the sources as they are, which is tried once for each.
 */

import { runKiller, type Verdict } from './killer.ts'
import { describeKiller, type Killer, type Mutation } from './mutation.ts'
import { MisfitError, Workbench } from './workbench.ts'

export type Fate =
  | { readonly kind: 'killed'; readonly killer: Killer; readonly by: string }
  | { readonly kind: 'survived' }
  /** The patch does not fit, or a killer broke down or is red without any mistake. */
  | { readonly kind: 'void'; readonly why: string }

export interface Result {
  readonly mutation: Mutation
  readonly fate: Fate
  readonly ms: number
}

export interface GateOptions {
  readonly mutations: readonly Mutation[]
  readonly jobs: number
  readonly onResult: (result: Result) => void
}

/** Killers on the sources as they are. */
class Controls {
  readonly #clean = new Workbench()
  readonly #campaigns: Killer[]
  readonly #verdicts = new Map<string, Promise<Verdict>>()

  constructor(mutations: readonly Mutation[]) {
    this.#campaigns = mutations
      .flatMap(({ killers }) => killers)
      .filter(killer => killer.kind === 'campaign')
      .sort((a, b) => b.seeds - a.seeds)
  }

  /** What speaks against this killer, if anything does. */
  async objection(killer: Killer): Promise<string | undefined> {
    const control = this.#controlOf(killer)
    const key = describeKiller(control)
    let verdict = this.#verdicts.get(key)
    if (verdict === undefined) {
      verdict = runKiller(control, this.#clean.directory)
      this.#verdicts.set(key, verdict)
    }
    const found = await verdict
    if (found.kind === 'red') return `${key} is red without any mutation: ${found.by}`
    if (found.kind === 'broken') return `${key} broke down without any mutation: ${found.why}`
    return found.passed === 0 ? `${key} tests nothing` : undefined
  }

  dispose(): void {
    this.#clean.dispose()
  }

  /** The longest campaign that holds all seeds of this one speaks for it too. */
  #controlOf(killer: Killer): Killer {
    if (killer.kind !== 'campaign') return killer
    const covers = (other: Killer) =>
      other.kind === 'campaign' &&
      other.from <= killer.from &&
      other.from + other.seeds >= killer.from + killer.seeds
    return this.#campaigns.find(covers) ?? killer
  }
}

async function judge(mutation: Mutation, bench: Workbench, controls: Controls): Promise<Fate> {
  try {
    bench.apply(mutation.patches)
  } catch (error) {
    if (!(error instanceof MisfitError)) throw error
    return { kind: 'void', why: error.message }
  }
  try {
    for (const killer of mutation.killers) {
      const verdict = await runKiller(killer, bench.directory)
      if (verdict.kind === 'broken')
        return { kind: 'void', why: `${describeKiller(killer)}: ${verdict.why}` }
      if (verdict.kind === 'green') continue
      const objection = await controls.objection(killer)
      if (objection !== undefined) return { kind: 'void', why: objection }
      return { kind: 'killed', killer, by: verdict.by }
    }
    return { kind: 'survived' }
  } finally {
    bench.restore()
  }
}

export async function runGate({ mutations, jobs, onResult }: GateOptions): Promise<Result[]> {
  const controls = new Controls(mutations)
  const results: Result[] = []
  const queue = [...mutations]
  const work = async (): Promise<void> => {
    const bench = new Workbench()
    try {
      for (let mutation = queue.shift(); mutation !== undefined; mutation = queue.shift()) {
        const begun = performance.now()
        const fate = await judge(mutation, bench, controls)
        const result = { mutation, fate, ms: performance.now() - begun }
        results.push(result)
        onResult(result)
      }
    } finally {
      bench.dispose()
    }
  }
  try {
    await Promise.all(Array.from({ length: jobs }, work))
  } finally {
    controls.dispose()
  }
  return results
}

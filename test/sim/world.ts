/** What all parts of a run share: its clock, its knobs, and how long things take. */

import { setVerifying } from '../../lib/base/assert.ts'
import type { Prng } from '../support/prng.ts'
import { Agenda } from './agenda.ts'
import { Counters } from './counters.ts'
import { drawKnobs, type Knobs, type Profile, within } from './knobs.ts'
import { type Mutation, type MutationName, mutationOf } from './mutations.ts'
import { type OnEvent, Trace } from './trace.ts'

setVerifying(true)

const WALL_START_MS = 1_700_000_000_000
/** How long frames and writes take at most when all is well. */
const CALM_US = 300

export interface WorldOptions {
  readonly seed: number
  /** How long the run is, and how much happens in it. */
  readonly profile?: Profile | undefined
  /** In place of those the seed draws. */
  readonly knobs?: Partial<Knobs> | undefined
  readonly mutation?: MutationName | undefined
  /** Ordinals of faults that the nemesis leaves out. */
  readonly skippedFaults?: ReadonlySet<number> | undefined
  /** Lines of trace to keep. */
  readonly traceLines?: number | undefined
  /** Told of everything that happens. */
  readonly onEvent?: OnEvent | undefined
}

export class World {
  readonly seed: number
  readonly agenda = new Agenda()
  readonly knobs: Knobs
  readonly trace: Trace
  readonly counters = new Counters()
  readonly mutation: Mutation
  readonly skippedFaults: ReadonlySet<number>
  #skewMs = 0
  #calm = false

  constructor(options: WorldOptions) {
    const { seed, knobs, mutation = 'none', skippedFaults = new Set(), traceLines = 0 } = options
    this.seed = seed
    this.skippedFaults = skippedFaults
    this.knobs = { ...drawKnobs(seed, options.profile), ...knobs }
    this.mutation = mutationOf(mutation)
    this.trace = new Trace(traceLines, () => this.agenda.now, options.onEvent)
  }

  /** From now on nothing is slow. */
  calm(): void {
    this.#calm = true
  }

  /** The clock on the wall, which stamps transactions. */
  wallMs(): number {
    return WALL_START_MS + this.#skewMs + Math.floor(this.agenda.now / 1000)
  }

  /** Somebody sets the clock on the wall. */
  jumpClock(byMs: number): void {
    this.#skewMs += byMs
  }

  /** The first moment from `time` on at which things happen in this world; what is due together is taken together. */
  onGrid(time: number): number {
    const { grainUs } = this.knobs
    return grainUs === 1 || this.#calm ? time : Math.ceil(time / grainUs) * grainUs
  }

  /** Time a frame is on its way. */
  linkUs(prng: Prng): number {
    return this.#fromNow(within(prng, this.knobs.linkUs))
  }

  /** Time a frame of a feed is on its way. */
  feedUs(prng: Prng): number {
    const { linkUs, feedLagUs } = this.knobs
    return this.#fromNow(within(prng, linkUs) + within(prng, feedLagUs))
  }

  /** Time a call of a disk takes. */
  diskUs(prng: Prng): number {
    return this.#fromNow(within(prng, this.knobs.diskUs))
  }

  /** Time it takes to open a disk and read it. */
  openUs(prng: Prng): number {
    return this.#fromNow(4 * within(prng, this.knobs.diskUs))
  }

  /** Time a turn of a peer takes. */
  turnUs(prng: Prng): number {
    return this.#limit(within(prng, this.knobs.turnUs))
  }

  #fromNow(time: number): number {
    const { now } = this.agenda
    return this.onGrid(now + this.#limit(time)) - now
  }

  #limit(time: number): number {
    return this.#calm ? Math.min(time, CALM_US) : time
  }
}

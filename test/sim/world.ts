/** What all parts of a run share. */

import type { Agenda } from './agenda.ts'
import type { Counters } from './counters.ts'
import type { Knobs } from './knobs.ts'
import type { Mutation } from './mutations.ts'
import type { Trace } from './trace.ts'

export interface World {
  readonly seed: number
  readonly agenda: Agenda
  readonly knobs: Knobs
  readonly trace: Trace
  readonly counters: Counters
  readonly mutation: Mutation
  /** The clock on the wall: it stamps transactions, and may jump. */
  wallMs(): number
}

/** What one room of the growth measurements hands back: a table for people, and the figures for the JSON. */

import type { Lines } from '../util/table.ts'

export interface Chapter {
  readonly title: string
  readonly lines: Lines
  /** What has to be said beside it: how it was measured, what was left out. */
  readonly notes: readonly string[]
  readonly figures: object
}

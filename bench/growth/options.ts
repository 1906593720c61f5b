/** What the rooms of the growth measurements are told; travels as JSON to the process of each. */

import type { RunOptions } from '../util/run-options.ts'

export const ROOMS = ['nodes', 'sessions', 'peers', 'payload', 'threads'] as const
export type RoomName = (typeof ROOMS)[number]

export interface GrowthOptions extends RunOptions {
  readonly nodes: number
  readonly sessions: number
  /** Whether ZooKeeper is measured beside us. */
  readonly beside: boolean
}

/** The order of events that each of ZooKeeper's bugs had, as a mistake in our sources: its scenario must turn red. */

import type { Mutation } from '../mutations/mutation.ts'
import { STATE_MUTATIONS } from './mutations-state.ts'
import { SYNC_MUTATIONS } from './mutations-sync.ts'

export const SCENARIO_MUTATIONS: readonly Mutation[] = [...SYNC_MUTATIONS, ...STATE_MUTATIONS]

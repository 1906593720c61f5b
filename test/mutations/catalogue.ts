/** All mutations: what the gate must see killed. */

import type { Mutation } from './mutation.ts'
import { ZAB_MUTATIONS } from './zab.ts'

export const CATALOGUE: readonly Mutation[] = [...ZAB_MUTATIONS]

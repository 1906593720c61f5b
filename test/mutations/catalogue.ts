/** All mutations: what the gate must see killed. */

import { SCENARIO_MUTATIONS } from '../scenarios/mutations.ts'
import { BROADCAST_MUTATIONS } from './broadcast.ts'
import { ELECTION_MUTATIONS } from './elections.ts'
import { JOURNALING_MUTATIONS } from './journaling.ts'
import { LOCAL_READ_MUTATIONS } from './local-reads.ts'
import type { Mutation } from './mutation.ts'
import { OWN_SNAPSHOTS_MUTATIONS } from './own-snapshots.ts'
import { RECOVERING_MUTATIONS } from './recovering.ts'
import { REQUEST_MUTATIONS } from './requests.ts'
import { SESSION_MUTATIONS } from './sessions.ts'
import { STORING_MUTATIONS } from './storing.ts'
import { SURROUNDINGS_MUTATIONS } from './surroundings.ts'
import { SYNCHRONISATION_MUTATIONS } from './synchronisation.ts'
import { TABLE_MUTATIONS } from './tables.ts'

export const CATALOGUE: readonly Mutation[] = [
  ...ELECTION_MUTATIONS,
  ...SYNCHRONISATION_MUTATIONS,
  ...BROADCAST_MUTATIONS,
  ...STORING_MUTATIONS,
  ...JOURNALING_MUTATIONS,
  ...OWN_SNAPSHOTS_MUTATIONS,
  ...RECOVERING_MUTATIONS,
  ...REQUEST_MUTATIONS,
  ...TABLE_MUTATIONS,
  ...SESSION_MUTATIONS,
  ...LOCAL_READ_MUTATIONS,
  ...SURROUNDINGS_MUTATIONS,
  ...SCENARIO_MUTATIONS,
]

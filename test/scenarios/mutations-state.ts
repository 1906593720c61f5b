/** Mistakes with what peers keep: disks, snapshots, sessions and watches. */

import type { Mutation } from '../mutations/mutation.ts'

export const STATE_MUTATIONS: readonly Mutation[] = []

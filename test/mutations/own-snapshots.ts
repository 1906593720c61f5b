/** Mistakes in when a peer takes a snapshot of its own tree, of what, and when it shows it. */

import { type Mutation, patch, testFile } from './mutation.ts'

const CORE_SNAPSHOTS = 'lib/peer/core-snapshots.ts'

export const OWN_SNAPSHOTS_MUTATIONS: readonly Mutation[] = [
  {
    name: 'snapshot-ahead-of-log',
    says: 'A snapshot is taken of groups whose log is not durable yet.',
    patches: [
      patch(
        CORE_SNAPSHOTS,
        "if (this.#own === 'complete' && zab.durableZxid >= this.#ownZxid) {",
        "if (this.#own === 'complete') {",
      ),
    ],
    killers: [testFile('test/peer/snapshots.test.ts')],
  },
  {
    name: 'snapshots-at-one-time',
    says: 'All peers take their snapshots at the same point of the log.',
    patches: [
      patch(
        CORE_SNAPSHOTS,
        'this.#firstLogBytes = snapshotLogBytes * shareOf(sid)',
        'this.#firstLogBytes = snapshotLogBytes',
      ),
    ],
    killers: [testFile('test/peer/snapshots.test.ts')],
  },
  {
    name: 'image-of-what-only-grows',
    says: 'A tree that only grows is written as a whole again and again.',
    patches: [patch(CORE_SNAPSHOTS, '2 * Math.max(imageBytes, tree.imageBytes)', '2 * imageBytes')],
    killers: [testFile('test/peer/snapshots.test.ts')],
  },
]

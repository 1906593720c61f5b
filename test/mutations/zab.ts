/** Mistakes in agreement. */

import { campaign, type Mutation, testFile } from './mutation.ts'

export const ZAB_MUTATIONS: readonly Mutation[] = [
  {
    name: 'follower-acks-on-arrival',
    says: 'A follower acknowledges a proposal when it arrives, not when it is durable.',
    patches: [
      {
        file: 'lib/zab/learner.ts',
        find: `      this.#desk.append(group)
    } else {`,
        replace: `      this.#desk.append(group)
      if (this.votes && this.serving) this.#acknowledge(group.last)
    } else {`,
      },
    ],
    killers: [campaign(100)],
  },
  {
    name: 'forget-promise-of-voter-without-log',
    says: 'An observer that promised a later epoch is dismissed instead of making the leader begin a new reign.',
    patches: [
      {
        file: 'lib/zab/leader.ts',
        find: `      this.#end('a learner promised a later epoch')`,
        replace: '',
      },
    ],
    killers: [testFile('test/zab/promises.test.ts')],
  },
]

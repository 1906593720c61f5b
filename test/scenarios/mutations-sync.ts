/** Mistakes in elections and in the synchronisation of followers. */

import { type Mutation, testFile } from '../mutations/mutation.ts'

const LEARNER = 'lib/zab/learner.ts'

export const SYNC_MUTATIONS: readonly Mutation[] = [
  {
    name: 'zookeeper-3911',
    says: 'A follower acknowledges NEWLEADER when it comes, before its log is on disk.',
    patches: [
      {
        file: LEARNER,
        find: `    this.#phase = { kind: 'entering', zxid, writeId: writes.enter(epoch) }`,
        replace: `    writes.enter(epoch)
    this.#phase = { kind: 'entered' }
    this.#acknowledge(zxid)
    this.#commitKnown()`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3911.test.ts')],
  },
  {
    name: 'zookeeper-3023',
    says: 'A follower logs the proposals of its synchronisation after it has acknowledged NEWLEADER.',
    patches: [
      {
        file: LEARNER,
        find: `  #distrusted = false\n`,
        replace: `  #distrusted = false\n  #later: Group[] = []\n`,
      },
      {
        file: LEARNER,
        find: `    for (const group of plan.groups) this.#desk.append(group)`,
        replace: `    this.#later = plan.groups`,
      },
      {
        file: LEARNER,
        find: `      this.#commitKnown()
    } else if`,
        replace: `      for (const group of this.#later.splice(0)) this.#desk.append(group)
      this.#commitKnown()
    } else if`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4394.test.ts')],
  },
  {
    name: 'zookeeper-4394',
    says: 'A follower has no place for the COMMIT that comes between NEWLEADER and UPTODATE.',
    patches: [
      {
        file: LEARNER,
        find: `    if (zxid > this.#commitZxid) this.#commitZxid = zxid`,
        replace: `    if (this.#phase.kind === 'entering' || this.#phase.kind === 'entered') return
    if (zxid > this.#commitZxid) this.#commitZxid = zxid`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4394.test.ts')],
  },
  {
    name: 'zookeeper-4643',
    says: 'The epoch goes to disk in a write before the one with the log it vouches for.',
    patches: [
      {
        file: 'lib/zab/writes.ts',
        find: `      groups: this.#groups,
      committed,
    }`,
        replace: `      groups: this.#epochs === this.#told ? this.#groups : [],
      committed,
    }
    const isEpochOnly = this.#epochs !== this.#told && this.#groups.length > 0
    this.#told = this.#epochs`,
      },
      {
        file: 'lib/zab/writes.ts',
        find: `    this.#groups = []
    this.#truncateAfter = undefined`,
        replace: `    if (!isEpochOnly) this.#groups = []
    this.#truncateAfter = undefined`,
      },
      {
        file: 'lib/zab/writes.ts',
        find: `    this.#dirty = false
    return persist`,
        replace: `    this.#dirty = isEpochOnly
    return persist`,
      },
      {
        file: 'lib/zab/writes.ts',
        find: `  #epochs: Epochs\n`,
        replace: `  #epochs: Epochs\n  #told: Epochs | undefined\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4643.test.ts')],
  },
  {
    name: 'zookeeper-4685',
    says: 'A leader takes a first acknowledgement that is not of NEWLEADER alone for an error.',
    patches: [
      {
        file: 'lib/zab/learner-link.ts',
        find: `    this.#acked = zxid\n`,
        replace: `    if (this.#phase === 'forwarding' && zxid !== newLeader) return false
    this.#acked = zxid\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4685.test.ts')],
  },
]

/** Mistakes in elections and in the synchronisation of followers. */

import { type Mutation, testFile } from '../mutations/mutation.ts'

const LEARNER = 'lib/zab/learner.ts'
const LINK = 'lib/zab/learner-link.ts'
const ZAB = 'lib/zab/zab.ts'

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
    killers: [testFile('test/scenarios/zookeeper-4685.test.ts', 'frame by frame')],
  },
  {
    name: 'zookeeper-4712',
    says: 'A peer votes although a write of the last reign is still under way.',
    patches: [
      {
        file: ZAB,
        find: `    if (!this.#desk.writes.idle || this.#pausing) return`,
        replace: `    if (this.#pausing) return`,
      },
      {
        file: ZAB,
        find: `    assert(writes.durableZxid === history.last.zxid, 'a vote claims only what is durable')\n`,
        replace: '',
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4712.test.ts', 'no vote is cast')],
  },
  {
    name: 'zookeeper-4712-late-completion',
    says: 'Any completion counts for the write that is under way.',
    patches: [
      {
        file: 'lib/zab/writes.ts',
        find: `    if (inFlight?.persist.writeId !== writeId) return undefined`,
        replace: `    if (inFlight === undefined) return undefined`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4712.test.ts', 'a completion')],
  },
  {
    name: 'zookeeper-4785',
    says: 'Of a DIFF only what is known to be committed is part of the write that NEWLEADER waits for.',
    patches: [
      {
        file: LEARNER,
        find: `  #distrusted = false\n`,
        replace: `  #distrusted = false\n  #later: Group[] = []\n`,
      },
      {
        file: LEARNER,
        find: `    for (const group of plan.groups) this.#desk.append(group)`,
        replace: `    this.#later = plan.groups.filter(({ last }) => last > this.#commitZxid)
    for (const group of plan.groups) {
      if (group.last <= this.#commitZxid) this.#desk.append(group)
    }`,
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
    killers: [testFile('test/scenarios/zookeeper-4785.test.ts')],
  },
  {
    name: 'zookeeper-4925',
    says: 'A follower takes a proposal that does not follow the one before it.',
    patches: [
      {
        file: LEARNER,
        find: `      if (!follows(plan.tail, group)) return this.#end('a gap in the proposals')\n`,
        replace: '',
      },
      {
        file: LEARNER,
        find: `      if (!follows(this.#desk.history.last, group)) return this.#end('a gap in the proposals')\n`,
        replace: '',
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4925.test.ts')],
  },
  {
    name: 'zookeeper-3642',
    says: 'A follower replaces its log in memory when a SNAP begins.',
    patches: [
      {
        file: LEARNER,
        find: `    this.#desk.stage({ kind: 'begin', head })`,
        replace: `    this.#desk.history.install(head)
    this.#desk.stage({ kind: 'begin', head })`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3642.test.ts', 'SNAP')],
  },
  {
    name: 'zookeeper-5094',
    says: 'A follower cuts its log in memory when a TRUNC comes.',
    patches: [
      {
        file: LEARNER,
        find: `    phase.plan = {
      install: undefined,`,
        replace: `    if (cut) history.truncateAfter(join)
    phase.plan = {
      install: undefined,`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3642.test.ts', 'TRUNC')],
  },
  {
    name: 'zookeeper-2832',
    says: 'A follower whose last zxid is in the range of the leader is taken to have a part of its log.',
    patches: [
      {
        file: LINK,
        find: `    const join = joinPoint(history.epochEnds, state.epochEnds)`,
        replace: `    const isInRange = state.last.zxid <= history.last.zxid
    const join = isInRange ? state.last : joinPoint(history.epochEnds, state.epochEnds)`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2832.test.ts')],
  },
  {
    name: 'zookeeper-3104',
    says: 'NEWLEADER is sent right after the snapshot, before the proposals that follow it.',
    patches: [
      {
        file: LINK,
        find: `    this.#sendGroups(groups)
    const epoch = this.#epoch!`,
        replace: `    const epoch = this.#epoch!
    this.send({ kind: 'newLeader', zxid: makeZxid(epoch, 0) })
    this.#sendGroups(groups)`,
      },
      {
        file: LINK,
        find: `    this.send({ kind: 'newLeader', zxid: makeZxid(epoch, 0) })
    this.#phase = 'forwarding'`,
        replace: `    this.#phase = 'forwarding'`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3104.test.ts')],
  },
  {
    name: 'zookeeper-3526',
    says: 'A leader forgets where the epochs end that are in its snapshot only.',
    patches: [
      {
        file: 'lib/zab/history.ts',
        find: `    this.#epochEnds = [...recovered.epochEnds]`,
        replace: `    this.#epochEnds = recovered.epochEnds.filter(({ zxid }) => zxid > recovered.base.zxid)`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3526.test.ts')],
  },
  {
    name: 'zookeeper-3109',
    says: 'A leader that does not serve yet goes on waiting when it has lost its quorum.',
    patches: [
      {
        file: 'lib/zab/leader.ts',
        find: `    if (this.#epoch === undefined || this.#over !== undefined) return\n`,
        replace: `    if (!this.serving || this.#over !== undefined) return\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3109.test.ts', 'just a quorum of 3')],
  },
  {
    name: 'zookeeper-1818',
    says: 'A leader is joined only if all who follow it name the same zxid and epoch.',
    patches: [
      {
        file: 'lib/zab/election.ts',
        find: `    const followed = (voter: Sid) => this.#settled.get(voter)?.vote.leader === leader\n`,
        replace: `    const followed = (voter: Sid) => {
      const settled = this.#settled.get(voter)
      return settled?.vote.zxid === heard.vote.zxid && settled.vote.leader === leader
    }\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3109.test.ts', 'who comes back')],
  },
]

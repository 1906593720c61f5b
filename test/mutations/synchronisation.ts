/** Mistakes in bringing a learner up to date: DIFF, TRUNC, SNAP, NEWLEADER, UPTODATE. */

import { campaign, type Mutation, patch, testFile } from './mutation.ts'

const HISTORY = 'lib/zab/history.ts'
const LEADER = 'lib/zab/leader.ts'
const LINK = 'lib/zab/learner-link.ts'
const LEARNER = 'lib/zab/learner.ts'
const WRITES = 'lib/zab/writes.ts'

export const SYNCHRONISATION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'history-in-memory-that-is-used',
    says: 'The memory of recent groups is used again while some of them are still kept.',
    patches: [
      patch(
        'lib/zab/kept-payloads.ts',
        '(this.#counts.get(buffer) ?? 0) + 1',
        'Math.min(2, (this.#counts.get(buffer) ?? 0) + 1)',
      ),
    ],
    killers: [testFile('test/zab/history.test.ts', 'payloads stay as they are')],
  },
  {
    name: 'history-sent-from-where-it-is-kept',
    says: 'What a learner is to be sent is written over before it is sent.',
    patches: [
      patch(
        'lib/zab/learner-link.ts',
        '({ ...group, payload: Buffer.from(group.payload) })',
        '({ ...group })',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts', 'what a learner is sent stays')],
  },
  {
    name: 'newleader-acknowledged-at-once',
    says: 'A follower acknowledges NEWLEADER before the log it was sent is durable.',
    patches: [
      patch(
        LEARNER,
        `    this.#phase = { kind: 'entering', zxid, writeId: writes.enter(epoch) }`,
        `    writes.enter(epoch)
    this.#phase = { kind: 'entered' }
    this.#acknowledge(zxid)
    this.#commitKnown()`,
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'epoch-before-log',
    says: 'The epoch that a follower enters is written before the log that it vouches for.',
    patches: [
      patch(
        WRITES,
        `    const persist: Persist = {
      writeId: this.#nextId++,`,
        `    const late = this.#entering ? this.#groups : []
    if (this.#entering) this.#groups = []
    this.#entering = false
    const persist: Persist = {
      writeId: this.#nextId++,`,
      ),
      patch(
        WRITES,
        `    this.#groups = []
    this.#truncateAfter = undefined
    this.#install = undefined
    this.#dirty = false`,
        `    this.#groups = late
    this.#truncateAfter = undefined
    this.#install = undefined
    this.#dirty = late.length > 0`,
      ),
      patch(WRITES, '  #dirty = false\n', '  #dirty = false\n  #entering = false\n'),
      patch(
        WRITES,
        '    this.#epochs = { ...this.#epochs, currentEpoch: epoch }\n',
        '    this.#epochs = { ...this.#epochs, currentEpoch: epoch }\n    this.#entering = true\n',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'log-before-epoch',
    says: 'A follower logs what it is sent while it synchronises, before it enters the epoch.',
    patches: [
      patch(
        WRITES,
        '    this.#epochs = { ...this.#epochs, currentEpoch: epoch }\n    return this.#stage()',
        '    this.#next = epoch\n    return this.#stage() + 1',
      ),
      patch(WRITES, '  #dirty = false\n', '  #dirty = false\n  #next: Epoch | undefined\n'),
      patch(
        WRITES,
        `    this.#install = undefined
    this.#dirty = false`,
        `    this.#install = undefined
    this.#dirty = this.#next !== undefined
    if (this.#next !== undefined) this.#epochs = { ...this.#epochs, currentEpoch: this.#next }
    this.#next = undefined`,
      ),
      patch(
        WRITES,
        `    assert(epochOf(last) <= persist.epochs.currentEpoch, 'currentEpoch >= epoch of the log')\n`,
        '',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'trunc-forgotten',
    says: 'A follower that is told to cut its log goes on without cutting it.',
    patches: [patch(LEARNER, 'truncateTo: cut ? join : undefined,', 'truncateTo: undefined,')],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'trunc-in-memory-only',
    says: 'A follower cuts its log in memory, but not on disk.',
    patches: [patch(LEARNER, '      writes.truncateAfter(plan.truncateTo)\n', '')],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'trunc-one-group-short',
    says: 'A follower is told to keep one group of its own that the leader does not have.',
    patches: [
      patch(
        HISTORY,
        'return ours.zxid < theirs.zxid ? ours : theirs',
        'return ours.zxid < theirs.zxid ? theirs : ours',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts'), testFile('test/zab/failover.test.ts')],
  },
  {
    name: 'join-at-the-shorter-log',
    says: 'Two logs are joined at the end of the shorter one, whatever epochs they consist of.',
    patches: [
      patch(
        HISTORY,
        '    if (epochOf(ours.zxid) === epochOf(theirs.zxid)) return',
        '    if (ours.zxid > 0) return',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'join-before-last-epoch',
    says: 'Two logs are joined where the last epoch before that of their common one ends.',
    patches: [
      patch(
        HISTORY,
        '    if (epochOf(ours.zxid) === epochOf(theirs.zxid)) return',
        `    const same = epochOf(ours.zxid) === epochOf(theirs.zxid)
    if (same && at > 0) return leader[at - 1]!
    if (same) return`,
      ),
    ],
    killers: [campaign(60)],
  },
  {
    name: 'diff-without-proof',
    says: 'A leader continues a log without comparing the hash chains where the two meet.',
    patches: [
      patch(
        LINK,
        'const differs = known !== undefined && known.chain !== join.chain',
        'const differs = false',
      ),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'learner-joins-blindly',
    says: 'A follower takes DIFF or TRUNC without comparing the hash chains where the two logs meet.',
    patches: [
      patch(
        LEARNER,
        'if (ours?.zxid !== join.zxid || ours.chain !== join.chain || join.zxid < history.committed) {',
        'if (join.zxid < history.committed) {',
      ),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'damaged-log-is-continued',
    says: 'A learner whose log is damaged gets a DIFF instead of a snapshot.',
    patches: [patch(LINK, 'if (state.needsSnapshot || differs ||', 'if (differs ||')],
    killers: [testFile('test/zab/promises.test.ts')],
  },
  {
    name: 'snapshot-forgets-epochs',
    says: 'A snapshot does not tell where the epochs before its own ended.',
    patches: [
      patch(
        HISTORY,
        'epochEnds: point.zxid === 0 ? [] : [...before, point]',
        'epochEnds: point.zxid === 0 ? [] : before.slice(0, 0).concat(point)',
      ),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'observer-gets-proposals',
    says: 'An observer that is synchronised gets groups that are not committed.',
    patches: [
      patch(
        LINK,
        'const limit = isVoter ? history.lastZxid : history.committed',
        'const limit = history.lastZxid',
      ),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'voter-without-a-vote-gets-committed-only',
    says: 'A voter that lost its data enters an epoch without all that it began with.',
    patches: [
      patch(
        LINK,
        'const isVoter = config.quorum.voters.includes(this.sid)',
        'const isVoter = this.votes && config.quorum.voters.length > 0',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'proposals-lost-while-synchronising',
    says: 'A learner is not sent what is proposed before it acknowledges NEWLEADER.',
    patches: [
      patch(LINK, `return this.#phase === 'forwarding' || this.entered`, 'return this.entered'),
    ],
    killers: [testFile('test/zab/election.test.ts')],
  },
  {
    name: 'serve-before-uptodate',
    says: 'A follower serves clients as soon as it has acknowledged NEWLEADER.',
    patches: [
      patch(
        LEARNER,
        `return this.#phase.kind === 'broadcast'`,
        `return this.#phase.kind === 'broadcast' || this.#phase.kind === 'entered'`,
      ),
    ],
    killers: [campaign(60)],
  },
  {
    name: 'uptodate-before-the-reign',
    says: 'A follower is told UPTODATE when it has entered a reign that has no quorum yet.',
    patches: [
      patch(
        LEADER,
        `    if (this.#phase.kind === 'synchronizing') this.#checkEntered()
    else if`,
        `    if (this.#phase.kind === 'synchronizing') {
      link.activate()
      this.#checkEntered()
    } else if`,
      ),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'uptodate-without-commit',
    says: 'UPTODATE does not say how far the log is committed.',
    patches: [
      patch(
        LINK,
        `    this.send({ kind: 'commit', zxid: this.#desk.history.committed })
    this.send({ kind: 'upToDate' })`,
        `    this.send({ kind: 'upToDate' })`,
      ),
      patch(
        LINK,
        `    this.send({ kind: 'commit', zxid: commitWithin(history.committed, this.#sent.zxid) })\n`,
        '',
      ),
    ],
    killers: [testFile('test/zab/election.test.ts')],
  },
  {
    name: 'staged-chunks-are-kept',
    says: 'Chunks of a snapshot that was cut off stay and become part of the next one.',
    patches: [patch(LEARNER, `      this.#desk.stage({ kind: 'abort' })\n`, '')],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'too-far-behind-for-a-diff',
    says: 'A learner that is older than the log gets a DIFF all the same.',
    patches: [
      patch(
        LINK,
        'if (state.needsSnapshot || differs || join.zxid < history.logStart.zxid) {',
        'if (state.needsSnapshot || differs) {',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
]

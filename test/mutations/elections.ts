/** Mistakes in elections and in what peers promise each other before there is a leader. */

import { campaign, type Mutation, patch, testFile } from './mutation.ts'

const ELECTION = 'lib/zab/election.ts'
const LEADER = 'lib/zab/leader.ts'
const LEARNER = 'lib/zab/learner.ts'
const ZAB = 'lib/zab/zab.ts'

export const ELECTION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'vote-by-zxid-before-epoch',
    says: 'A vote with the longer log beats one with the later epoch.',
    patches: [
      patch(
        ELECTION,
        `  if (a.epoch !== b.epoch) return a.epoch > b.epoch
  if (a.zxid !== b.zxid) return a.zxid > b.zxid`,
        `  if (a.zxid !== b.zxid) return a.zxid > b.zxid
  if (a.epoch !== b.epoch) return a.epoch > b.epoch`,
      ),
    ],
    killers: [testFile('test/zab/election.test.ts')],
  },
  {
    name: 'vote-by-server-id-only',
    says: 'The highest server id is elected, whatever its log.',
    patches: [
      patch(
        ELECTION,
        `  if (a.epoch !== b.epoch) return a.epoch > b.epoch
  if (a.zxid !== b.zxid) return a.zxid > b.zxid`,
        '',
      ),
    ],
    killers: [testFile('test/zab/election.test.ts')],
  },
  {
    name: 'vote-ahead-of-disk',
    says: 'A peer votes with the log in its memory while a write is still on its way to disk.',
    patches: [
      patch(
        ZAB,
        'if (!this.#desk.writes.idle || this.#pausing) return',
        'if (this.#pausing) return',
      ),
      patch(
        ZAB,
        `    assert(writes.durableZxid === history.last.zxid, 'a vote claims only what is durable')\n`,
        '',
      ),
    ],
    killers: [testFile('test/zab/election.test.ts')],
  },
  {
    name: 'vote-of-an-earlier-round-counts',
    says: 'A vote of an earlier round counts in this one.',
    patches: [patch(ELECTION, 'if (heard.round < this.#round) {', 'if (heard.round < 0) {')],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'leader-from-hearsay',
    says: 'A peer joins a leader that others say they follow, without a word from that leader.',
    patches: [
      patch(ELECTION, `    if (this.#settled.get(leader)?.role !== 'leading') return\n`, ''),
    ],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'the-gone-keep-their-say',
    says: 'What a peer said before its link went down still counts in the election.',
    patches: [
      patch(
        ELECTION,
        `    this.#received.delete(sid)
    this.#settled.delete(sid)
`,
        '',
      ),
    ],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'any-vote-is-agreement',
    says: 'A quorum of votes ends an election, whomever they are for.',
    patches: [
      patch(
        ELECTION,
        'return heard !== undefined && agreesWith(heard, proposed)',
        'return heard !== undefined',
      ),
    ],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'candidate-from-hearsay',
    says: 'A candidate is voted for on the word of others, whether or not it stands itself.',
    patches: [
      patch(
        ELECTION,
        'const stands = vote.leader === sid && this.#config.reachable.has(sid)',
        'const stands = this.#config.reachable.has(vote.leader)',
      ),
    ],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'round-without-end',
    says: 'A round goes on for ever, and with it what was said by those who are cut off by now.',
    patches: [patch(ELECTION, '++this.#roundTicks > ROUND_TICKS_MAX', '++this.#roundTicks < 0')],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'followers-not-counted',
    says: 'Who is followed by a quorum waits on for a candidate that it prefers.',
    patches: [
      patch(ELECTION, 'if (this.#own !== undefined && quorum.reached(follows))', 'if (!follows)'),
    ],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'follower-no-longer-agrees',
    says: 'A vote no longer counts when its voter follows already and names the end of its own log.',
    patches: [
      patch(
        ELECTION,
        `role === 'looking' ? sameVote(vote, proposed) : vote.leader === proposed.leader`,
        'sameVote(vote, proposed)',
      ),
    ],
    killers: [testFile('test/zab/votes.test.ts')],
  },
  {
    name: 'untrusted-peer-votes',
    says: 'A voter that lost its log votes at once, before a leader has synchronised it.',
    patches: [
      patch(
        ZAB,
        '      this.#isVoter && this.#trusted\n        ? {',
        '      this.#isVoter\n        ? {',
      ),
    ],
    killers: [testFile('test/zab/distrust.test.ts')],
  },
  {
    name: 'untrusted-peer-acknowledges',
    says: 'The acknowledgements and promises of a voter that lost its log count while it is synchronised.',
    patches: [
      patch(ZAB, 'const votes = this.#isVoter && this.#trusted', 'const votes = this.#isVoter'),
    ],
    killers: [testFile('test/zab/distrust.test.ts')],
  },
  {
    name: 'untrusted-peer-is-any-peer',
    says: 'A voter that lost its log votes and promises: each of two defences hides that the other is gone.',
    patches: [
      patch(
        ZAB,
        '      this.#isVoter && this.#trusted\n        ? {',
        '      this.#isVoter\n        ? {',
      ),
      patch(ZAB, 'const votes = this.#isVoter && this.#trusted', 'const votes = this.#isVoter'),
    ],
    killers: [campaign(300)],
  },
  {
    name: 'promise-before-durable',
    says: 'A follower answers LEADERINFO before its promise is on disk.',
    patches: [
      patch(
        LEARNER,
        `    this.#phase = { kind: 'accepting', epoch, promised, writeId: writes.accept(epoch) }`,
        `    writes.accept(epoch)
    this.#phase = { kind: 'synchronizing', epoch, plan: undefined }
    const { history } = this.#desk
    this.#send({
      kind: 'ackEpoch',
      promised,
      currentEpoch: writes.epochs.currentEpoch,
      last: history.last,
      epochEnds: history.epochEnds,
      needsSnapshot: this.#needsSnapshot,
    })`,
      ),
    ],
    killers: [testFile('test/zab/distrust.test.ts')],
  },
  {
    name: 'promise-counted-again',
    says: 'A promise that was made to an earlier leader of the same epoch is made again to the next one.',
    patches: [
      patch(
        LEARNER,
        'const promised = epoch > writes.epochs.acceptedEpoch',
        'const promised = true',
      ),
    ],
    killers: [campaign(60)],
  },
  {
    name: 'promise-taken-back',
    says: 'A follower accepts an epoch that is earlier than one it promised.',
    patches: [
      patch(
        LEARNER,
        `    if (epoch < writes.epochs.acceptedEpoch) return this.#end('a later epoch was promised')\n`,
        '',
      ),
      patch(
        'lib/zab/writes.ts',
        `    assert(epoch >= this.#epochs.acceptedEpoch, 'a promise is never taken back')\n`,
        '',
      ),
    ],
    killers: [testFile('test/zab/distrust.test.ts')],
  },
  {
    name: 'leader-promises-before-durable',
    says: `The leader counts its own promise before it is on disk.`,
    patches: [
      patch(
        LEADER,
        `    this.#phase = { kind: 'promising', writeId: this.#desk.writes.accept(next) }`,
        `    this.#phase = { kind: 'promising', writeId: this.#desk.writes.accept(next) }
    this.#promised.add(this.#desk.config.sid)`,
      ),
    ],
    killers: [testFile('test/zab/distrust.test.ts')],
  },
  {
    name: 'next-epoch-from-own-memory',
    says: 'A new leader takes the epoch after the one it knows, not after all that a quorum has promised.',
    patches: [
      patch(
        LEADER,
        'makeEpoch(Math.max(...this.#accepted.values()) + 1)',
        'makeEpoch(this.#desk.writes.epochs.acceptedEpoch + 1)',
      ),
    ],
    killers: [testFile('test/zab/distrust.test.ts')],
  },
  {
    name: 'later-promise-ignored',
    says: 'A learner that promised a later epoch is told the present one instead of ending the reign.',
    patches: [
      patch(
        LEADER,
        'if (info.acceptedEpoch <= this.#epoch) return',
        'if (info.votes || true) return',
      ),
    ],
    killers: [testFile('test/zab/promises.test.ts')],
  },
  {
    name: 'voter-ahead-is-cut',
    says: 'A leader synchronises a voter whose log is ahead of its own, and so cuts what may be committed.',
    patches: [
      patch(
        LEADER,
        'if (isAhead(state, writes.epochs.currentEpoch, history.last.zxid)) {',
        'if (isAhead(state, writes.epochs.currentEpoch, history.last.zxid) && !link.votes) {',
      ),
    ],
    killers: [testFile('test/zab/distrust.test.ts')],
  },
  {
    name: 'election-without-waiting',
    says: 'A quorum of votes ends an election although a voter that can be reached has not voted.',
    patches: [
      patch(
        ELECTION,
        'voter => voter === sid || !reachable.has(voter) || this.#received.has(voter),',
        'voter => voter === sid || !reachable.has(voter) || this.#received.size > 0,',
      ),
    ],
    killers: [testFile('test/zab/votes.test.ts')],
  },
]

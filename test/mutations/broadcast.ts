/** Mistakes in ordering, acknowledging and committing, and in what keeps a leader its place. */

import { campaign, type Mutation, patch, testFile } from './mutation.ts'

const LEADER = 'lib/zab/leader.ts'
const LINK = 'lib/zab/learner-link.ts'
const LEARNER = 'lib/zab/learner.ts'
const HISTORY = 'lib/zab/history.ts'
const STANDBYS = 'lib/zab/standbys.ts'
const QUORUM = 'lib/zab/quorum.ts'
const WRITES = 'lib/zab/writes.ts'

export const BROADCAST_MUTATIONS: readonly Mutation[] = [
  {
    name: 'ack-on-arrival',
    says: 'A follower acknowledges a proposal when it arrives, not when it is durable.',
    patches: [
      patch(
        LEARNER,
        `      this.#desk.append(group)
    } else {`,
        `      this.#desk.append(group)
      if (this.votes && this.serving) this.#acknowledge(group.last)
    } else {`,
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'ack-of-the-next-write',
    says: 'A finished write counts for the groups that came while it was under way.',
    patches: [
      patch(
        WRITES,
        'this.#durableZxid = inFlight.last',
        'this.#durableZxid = this.#groups.at(-1)?.last ?? inFlight.last',
      ),
    ],
    killers: [campaign(60)],
  },
  {
    name: 'leader-counts-itself-before-durable',
    says: 'The leader counts itself among those that have a group before its own write is durable.',
    patches: [
      patch(
        LEADER,
        'voter === config.sid ? writes.durableZxid',
        'voter === config.sid ? history.last.zxid',
      ),
    ],
    killers: [campaign(60)],
  },
  {
    name: 'quorum-minus-one',
    says: 'One voter less than a majority may act for all.',
    patches: [
      patch(
        QUORUM,
        'return count * 2 > this.voters.length',
        'return (count + 1) * 2 > this.voters.length',
      ),
    ],
    killers: [testFile('test/zab/election.test.ts')],
  },
  {
    name: 'commit-one-ack-short',
    says: 'A group is committed when one voter less than a majority has it.',
    patches: [
      patch(
        QUORUM,
        'descending[Math.floor(descending.length / 2)]',
        'descending[Math.max(0, Math.floor(descending.length / 2) - 1)]',
      ),
    ],
    killers: [testFile('test/zab/election.test.ts')],
  },
  {
    name: 'quorum-counts-observers',
    says: 'Observers count towards the quorum.',
    patches: [
      patch(
        'lib/peer/life.ts',
        'quorum: new Majority(boot.voters)',
        'quorum: new Majority([...boot.voters, ...boot.observers])',
      ),
    ],
    killers: [testFile('test/peer/life.test.ts')],
  },
  {
    name: 'commit-on-proposal',
    says: 'A follower takes a proposal for a commit.',
    patches: [
      patch(
        LEARNER,
        `      this.#desk.append(group)
    } else {`,
        `      this.#desk.append(group)
      if (this.serving) this.#desk.commit(group.last)
    } else {`,
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'commit-skips-groups',
    says: 'A commit delivers the group it names, and not those before it.',
    patches: [
      patch(
        HISTORY,
        'return this.#groups.slice(from, to)',
        'return this.#groups.slice(to - 1, to)',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts'), testFile('test/zab/failover.test.ts')],
  },
  {
    name: 'commit-with-the-promises',
    says: 'What a new leader has in its log is committed by a quorum of promises, before a quorum has that log.',
    patches: [
      patch(
        LEADER,
        `    const writeId = this.#desk.writes.enter(this.#epoch!)
`,
        `    const writeId = this.#desk.writes.enter(this.#epoch!)
    this.#commit(this.#desk.history.last.zxid)
`,
      ),
    ],
    killers: [campaign(60)],
  },
  {
    name: 'reign-without-quorum',
    says: 'A reign begins when the leader itself has entered it, not when a quorum has.',
    patches: [
      patch(LEADER, 'if (!config.quorum.reached(entered)) return', 'if (!this.#entered) return'),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'leader-enters-before-durable',
    says: 'The leader counts itself among those that entered its reign before that is durable.',
    patches: [
      patch(LEADER, 'voter === config.sid ? this.#entered :', 'voter === config.sid ? true :'),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'gap-in-proposals',
    says: 'A follower appends a proposal that does not follow the last one.',
    patches: [
      patch(
        LEARNER,
        `      if (!follows(this.#desk.history.last, group)) return this.#end('a gap in the proposals')\n`,
        '',
      ),
      patch(HISTORY, '    assert(follows(this.last, group),', '    assert(group.first > 0,'),
      patch(HISTORY, `    verify(() => this.contiguous(), 'the log has no hole')\n`, ''),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'gap-in-synchronisation',
    says: 'A follower that is synchronised takes groups that do not follow each other.',
    patches: [
      patch(
        LEARNER,
        `      if (!follows(plan.tail, group)) return this.#end('a gap in the proposals')\n`,
        '',
      ),
      patch(HISTORY, '    assert(follows(this.last, group),', '    assert(group.first > 0,'),
      patch(HISTORY, `    verify(() => this.contiguous(), 'the log has no hole')\n`, ''),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'stale-leader-serves',
    says: 'A leader that hears of no quorum any more goes on serving.',
    patches: [
      patch(
        LEADER,
        'if (!quorum.reached(lives)) this.#end',
        'if (!this.serving && !quorum.reached(lives)) this.#end',
      ),
    ],
    killers: [testFile('test/zab/promises.test.ts')],
  },
  {
    name: 'silent-leader-is-kept',
    says: 'A follower stays with a leader that has fallen silent.',
    patches: [
      patch(
        LEARNER,
        `if (this.#silentTicks > syncLimitTicks) this.#end('the leader is silent')`,
        '',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'message-of-an-earlier-connection',
    says: 'A follower takes in what its leader said on an earlier connection.',
    patches: [
      patch(
        LEARNER,
        'if (connection !== this.#connection || this.#over !== undefined) return',
        'if (connection < 0 || this.#over !== undefined) return',
      ),
    ],
    killers: [campaign(60, 100)],
  },
  {
    name: 'ack-never-checked',
    says: 'A leader takes the acknowledgement of a group it never sent.',
    patches: [
      patch(
        LINK,
        'if (zxid < newLeader || zxid > sent || zxid < this.#acked) return false',
        'if (zxid < newLeader || zxid < this.#acked) return false',
      ),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'counter-wraps',
    says: 'The counter of a zxid runs over its 32 bits into the next epoch.',
    patches: [
      patch(
        LEADER,
        'if (counter + count > this.#counterMax) {',
        'if (counter > this.#counterMax) {',
      ),
      patch('lib/base/zxid.ts', '  assert(counter <= COUNTER_MAX,', '  assert(counter >= 0,'),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'last-zxid-of-an-epoch-is-the-end',
    says: 'A leader whose counter is used up stays, and orders nothing any more.',
    patches: [
      patch(
        LEADER,
        'if (epochOf(zxid) === this.#epoch && counterOf(zxid) === this.#counterMax) {',
        'if (epochOf(zxid) === this.#epoch && counterOf(zxid) > this.#counterMax) {',
      ),
    ],
    killers: [testFile('test/zab/sync.test.ts')],
  },
  {
    name: 'chain-without-content',
    says: 'The chain of hashes proves the places of groups, but not what is in them.',
    patches: [
      patch(
        'lib/base/group.ts',
        'let hash = mix(previous | 0, crc)',
        'let hash = mix(previous | 0, crc * 0)',
      ),
    ],
    killers: [testFile('test/zab/joining.test.ts')],
  },
  {
    name: 'history-trimmed-beyond-the-disk',
    says: 'A leader forgets groups that are committed, although its own disk does not have them yet.',
    patches: [
      patch(
        HISTORY,
        'const dispensable = Math.min(durable, this.#committed)',
        'const dispensable = Math.max(durable, this.#committed)',
      ),
    ],
    killers: [testFile('test/zab/learners.test.ts')],
  },
  {
    name: 'stuck-disk-is-waited-for',
    says: 'A leader whose disk hangs stays in its place.',
    patches: [
      patch(
        'lib/zab/zab.ts',
        `if (this.#role !== 'looking' && waitTicks > patienceTicks) {`,
        `if (this.#role === 'following' && waitTicks > patienceTicks) {`,
      ),
    ],
    killers: [testFile('test/zab/failover.test.ts')],
  },
  {
    name: 'disk-stuck-for-ever',
    says: 'A disk that was stuck once is taken for stuck until there is something else to write.',
    patches: [
      patch(
        'lib/zab/writes.ts',
        '    this.#inFlight = undefined\n    this.#inFlightTicks = 0\n',
        '    this.#inFlight = undefined\n',
      ),
    ],
    killers: [testFile('test/zab/failover.test.ts')],
  },
  {
    name: 'standby-with-clients',
    says: 'A voter stands by although clients of it are alive.',
    patches: [
      patch(
        LINK,
        'return this.active && this.#clientlessPongs > CLIENTLESS_PONGS',
        'return this.active',
      ),
    ],
    killers: [testFile('test/zab/standbys.test.ts')],
  },
  {
    name: 'commit-ahead-of-what-is-held',
    says: 'A voter that stands by is told of the commit of what it was not sent.',
    patches: [
      patch(
        LINK,
        `      if (this.#held.length >= HELD_GROUPS_MAX) this.release()
      return`,
        '      if (this.#held.length >= HELD_GROUPS_MAX) this.release()',
      ),
    ],
    killers: [testFile('test/zab/standbys.test.ts'), campaign(60)],
  },
  {
    name: 'held-is-overtaken',
    says: 'A voter is told of a proposal before those that were held back.',
    patches: [
      patch(
        LINK,
        `    this.release()
    this.#sendProposal(group)`,
        '    this.#sendProposal(group)',
      ),
    ],
    killers: [testFile('test/zab/standbys.test.ts')],
  },
  {
    name: 'late-voter-is-counted-on',
    says: 'A leader counts on a voter that has not acknowledged what it was sent before.',
    patches: [
      patch(
        STANDBYS,
        'if (this.#ackedBy(sid, links) >= last) counted.push(sid)',
        'counted.push(sid)',
      ),
    ],
    killers: [testFile('test/zab/standbys.test.ts')],
  },
  {
    name: 'late-voter-is-counted-on-again',
    says: 'A leader counts on a voter that was late, once that has caught up.',
    patches: [patch(STANDBYS, 'this.#lateAt.set(sid, ++this.#lates)', 'this.#lateAt.delete(sid)')],
    killers: [testFile('test/zab/standbys.test.ts')],
  },
  {
    name: 'held-without-a-quorum',
    says: 'Voters stand by though the others are no quorum.',
    patches: [patch(STANDBYS, 'if (!isQuorum()) return NOBODY', 'isQuorum()')],
    killers: [testFile('test/zab/standbys.test.ts')],
  },
  {
    name: 'held-though-one-is-gone',
    says: 'When a voter that was counted on is gone, the others are not told before the next tick.',
    patches: [
      patch(
        LEADER,
        `    for (const other of this.#links.values()) other.release()
`,
        '',
      ),
    ],
    killers: [testFile('test/zab/standbys.test.ts')],
  },
  {
    name: 'held-for-a-long-tick',
    says: 'Voters stand by however long a tick is.',
    patches: [
      patch('lib/peer/core.ts', 'standbys: config.tickMs <= HELD_MS_MAX', 'standbys: true'),
    ],
    killers: [testFile('test/peer/standbys.test.ts')],
  },
]

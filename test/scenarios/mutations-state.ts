/** Mistakes with what peers keep: disks, snapshots, sessions and watches. */

import { type Mutation, testFile } from '../mutations/mutation.ts'

const LEVEL_STORE = 'lib/storage/level-store.ts'
const RUNNER = 'lib/peer/store-runner.ts'

const STORAGE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'zookeeper-4646',
    says: 'NEWLEADER is acknowledged when its write is handed to the disk.',
    patches: [
      {
        file: 'lib/zab/writes.ts',
        find: `    return writeId <= this.#doneId`,
        replace: `    return writeId <= (this.#inFlight?.persist.writeId ?? this.#doneId)`,
      },
      {
        file: 'lib/zab/zab.ts',
        find: `    return this.#desk.writes.take(this.#desk.history.committed)`,
        replace: `    const persist = this.#desk.writes.take(this.#desk.history.committed)
    if (persist !== undefined) this.#learner?.onDurable()
    return persist`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4646.test.ts')],
  },
  {
    name: 'zookeeper-2872',
    says: 'A snapshot of a leader is made visible in a write before the one that replaces the log.',
    patches: [
      {
        file: LEVEL_STORE,
        find: `    if (install !== undefined) await this.#snapshots.arrive()\n`,
        replace: `    if (install !== undefined) {
      await this.#snapshots.arrive()
      await this.#commit(() => this.#snapshots.install(install))
    }\n`,
      },
      {
        file: LEVEL_STORE,
        find: `const heads = install === undefined ? [] : this.#snapshots.install(install)\n`,
        replace: `const heads: Operation[] = []\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2872.test.ts', 'whatever prefix')],
  },
  {
    name: 'zookeeper-2325',
    says: 'A snapshot whose chunks are missing is taken for an empty one.',
    patches: [
      {
        file: 'lib/storage/recovery.ts',
        find: `  return count === chunks ? undefined : `,
        replace: `  return chunks >= count ? undefined : `,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2872.test.ts', 'a log without')],
  },
  {
    name: 'zookeeper-3231',
    says: 'A purge counts snapshots that nobody can read.',
    patches: [
      {
        file: 'lib/storage/snapshots.ts',
        find: `    const kept = this.#restorable().slice(`,
        replace: `    const all = this.#snapshots.map(({ id }) => chainOf(id, this.#snapshots, () => true)!)
    const kept = all.reverse().slice(`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2872.test.ts', 'a purge')],
  },
  {
    name: 'zookeeper-1154',
    says: 'A cut of the log forgets to remove what was behind it.',
    patches: [
      {
        file: LEVEL_STORE,
        find: `cut === undefined ? [] : await this.#segments.keysAfter(cut.zxid)`,
        replace: `cut === undefined ? [] : (await this.#segments.keysAfter(cut.zxid)).slice(0, 0)`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3701.test.ts', 'a crash')],
  },
  {
    name: 'zookeeper-1156',
    says: 'A cut of the log takes the group it is to be made after.',
    patches: [
      {
        file: LEVEL_STORE,
        find: `this.#segments.keysAfter(cut.zxid)`,
        replace: `this.#segments.keysAfter(Math.max(cut.zxid - 1, 0) as typeof cut.zxid)`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3701.test.ts', 'a crash')],
  },
  {
    name: 'zookeeper-3701',
    says: 'A cut that the disk refuses is taken for done.',
    patches: [
      {
        file: RUNNER,
        find: `        await store.write(task.persist)`,
        replace: `        await store.write(task.persist).catch(() => undefined)`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3701.test.ts', 'a follower')],
  },
  {
    name: 'zookeeper-4882',
    says: 'After a write that failed a peer and its store go on.',
    patches: [
      {
        file: RUNNER,
        find: `        await store.write(task.persist)`,
        replace: `        await store.write(task.persist).catch(() => undefined)`,
      },
      {
        file: 'lib/storage/disk.ts',
        find: `    if (!(failure instanceof InvariantError)) this.#refuseAll(failure)\n`,
        replace: '',
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-4882.test.ts', 'fails once')],
  },
  {
    name: 'zookeeper-2307',
    says: 'The epochs are written before the log that depends on them, each by itself.',
    patches: [
      {
        file: LEVEL_STORE,
        find: `const meta = this.#metaChanges(batch, tail)\n`,
        replace: `const meta: Operation[] = []\n`,
      },
      {
        file: LEVEL_STORE,
        find: `    if (install !== undefined) await this.#snapshots.arrive()\n`,
        replace: `    if (install !== undefined) await this.#snapshots.arrive()
    await this.#commit(() => this.#metaChanges(batch, this.#tail))\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2307.test.ts', 'whatever prefix')],
  },
  {
    name: 'zookeeper-596',
    says: 'The sums of records are not compared.',
    patches: [
      {
        file: 'lib/storage/records.ts',
        find: `  if (sum !== checksum(value.subarray(SUM_BYTES, end))) throw new MalformedError('bad checksum')\n`,
        replace: `  if (sum < 0) throw new MalformedError('bad checksum')\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-596.test.ts', 'whichever byte')],
  },
]

const TREE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'zookeeper-2845',
    says: 'A peer that looks for a leader applies its log to the end, committed or not.',
    patches: [
      {
        file: 'lib/zab/zab.ts',
        find: `    this.#lastReason = reason\n`,
        replace: `    this.#lastReason = reason
    this.#desk.commit(this.#desk.history.last.zxid)\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2845.test.ts', 'in memory')],
  },
  {
    name: 'zookeeper-3127',
    says: 'A snapshot claims to hold what is proposed, not only what is committed.',
    patches: [
      {
        file: 'lib/zab/history.ts',
        find: `    const point = this.pointAt(this.#committed)
    assert(point`,
        replace: `    const point = this.pointAt(this.last.zxid)
    assert(point`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3127.test.ts', 'while much is proposed')],
  },
  {
    name: 'zookeeper-3144',
    says: 'A snapshot holds sessions as they are when it comes to them, not as they were at its cut.',
    patches: [
      {
        file: 'lib/tree/tree.ts',
        find: `    this.#images.sessions.beforeRemoval(session, session.id)\n`,
        replace: '',
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3127.test.ts', 'as things come')],
  },
  {
    name: 'zookeeper-3249',
    says: 'A transaction can be applied to a tree that has it already.',
    patches: [
      {
        file: 'lib/tree/tree.ts',
        find: `    return zxid === this.#zxid + 1 || (zxid > this.#zxid && counterOf(zxid) === 1)`,
        replace: `    return zxid <= this.#zxid + 1 || counterOf(zxid) === 1`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-3127.test.ts', 'no transaction')],
  },
  {
    name: 'zookeeper-1277',
    says: 'A reign goes on when its counter is used up.',
    patches: [
      {
        file: 'lib/zab/leader.ts',
        find: `    if (counter + count > this.#counterMax) {`,
        replace: `    if (counter + count > COUNTER_MAX) {`,
      },
      {
        file: 'lib/zab/leader.ts',
        find: `counterOf(zxid) === this.#counterMax) {`,
        replace: `counterOf(zxid) === COUNTER_MAX) {`,
      },
      {
        file: 'lib/replica/prepare.ts',
        find: `makeZxid(epochOf(last), counterMax)`,
        replace: `makeZxid(epochOf(last), Math.max(counterMax, COUNTER_MAX))`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-1277.test.ts', 'reigns of 3')],
  },
  {
    name: 'zookeeper-2201',
    says: 'A leader never gives up a follower that is silent.',
    patches: [
      {
        file: 'lib/zab/leader.ts',
        find: `      if (link.silentTicks > (link.active ? syncLimitTicks : initLimitTicks)) this.#dismiss(link)`,
        replace: `      if (link.silentTicks > initLimitTicks * syncLimitTicks) this.#dismiss(link)`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2201.test.ts', 'delays nobody')],
  },
  {
    name: 'zookeeper-2201-waits',
    says: 'A leader waits for every voter that it is connected to.',
    patches: [
      {
        file: 'lib/zab/quorum.ts',
        find: `descending[Math.floor(descending.length / 2)]`,
        replace: `descending[descending.length - 1]`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-2201.test.ts', 'delays nobody')],
  },
]

const SESSION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'zookeeper-1208',
    says: 'A session takes requests until its close is applied.',
    patches: [
      {
        file: 'lib/replica/pending.ts',
        find: `    const entry = this.#sessions.get(id)
    if (entry !== undefined) return entry.present ? entry : undefined`,
        replace: `    const entry = this.#sessions.get(id)
    if (entry !== undefined) return entry`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-1208.test.ts', 'a create that comes after')],
  },
  {
    name: 'zookeeper-1367',
    says: 'A new leader has no clocks for the sessions that were there before it.',
    patches: [
      {
        file: 'lib/replica/prepare.ts',
        find: `    for (const session of tree.sessions()) this.#clocks.add(session.id, session.timeoutMs)\n`,
        replace: '',
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-1208.test.ts', 'it was with')],
  },
  {
    name: 'zookeeper-3471',
    says: 'A close does not see the ephemeral nodes that are only proposed.',
    patches: [
      {
        file: 'lib/replica/pending.ts',
        find: `    for (const path of session.created ?? []) candidates.add(path)\n`,
        replace: '',
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-1208.test.ts', 'only proposed so far')],
  },
  {
    name: 'zookeeper-1667',
    says: 'Whether a watched node changed meanwhile is told by when it was created.',
    patches: [
      {
        file: 'lib/replica/reads.ts',
        find: `    else if (node.mzxid > held.since`,
        replace: `    else if (node.czxid > held.since`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-1667.test.ts', 'there: set, set')],
  },
  {
    name: 'zookeeper-1412',
    says: 'A watch on a missing node that is there by now is set on the node instead of fired.',
    patches: [
      {
        file: 'lib/replica/reads.ts',
        find: `    if (node !== undefined && mayRead(node)) {
      events.push({ type: 'created'`,
        replace: `    if (node !== undefined && node.czxid <= held.since && mayRead(node)) {
      events.push({ type: 'created'`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-1667.test.ts', 'missing: create, set')],
  },
  {
    name: 'watch-told-after-answer',
    says: 'A home answers a write before it tells its own client of what the write changed.',
    patches: [
      {
        file: 'lib/replica/home.ts',
        find: `    this.#answers.fire(changes, zxid)
    const { body, sessionId, cxid } = txn`,
        replace: `    const { body, sessionId, cxid } = txn
    const late = this.#served.get(sessionId)
    if (late !== undefined && cxid > 0 && body.type !== 'close') {
      this.#answers.outcome(late, cxid, outcome)
      this.#answers.fire(changes, zxid)
      return
    }
    this.#answers.fire(changes, zxid)`,
      },
    ],
    killers: [
      testFile('test/scenarios/zookeeper-1667.test.ts', 'there: set, by the watcher itself'),
    ],
  },
]

export const STATE_MUTATIONS: readonly Mutation[] = [
  ...STORAGE_MUTATIONS,
  ...TREE_MUTATIONS,
  ...SESSION_MUTATIONS,
]

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
      await this.#disk.commit('log', () => this.#snapshots.install(install))
    }\n`,
      },
      {
        file: LEVEL_STORE,
        find: `      if (install !== undefined) operations.push(...this.#snapshots.install(install))\n`,
        replace: '',
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
        find: `    for await (const keys of this.#disk.keys(logAfter(cut.zxid), 'log')) doomed.push(...keys)\n`,
        replace: '',
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
        find: `this.#disk.keys(logAfter(cut.zxid), 'log')`,
        replace: `this.#disk.keys(logAfter(Math.max(cut.zxid - 1, 0) as typeof cut.zxid), 'log')`,
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
        find: `      operations.push(...this.#metaChanges(batch, tail))\n`,
        replace: '',
      },
      {
        file: LEVEL_STORE,
        find: `    if (install !== undefined) await this.#snapshots.arrive()\n`,
        replace: `    if (install !== undefined) await this.#snapshots.arrive()
    await this.#disk.commit('log', () => this.#metaChanges(batch, this.#tail))\n`,
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
        find: `  if (sum !== crc32(value.subarray(SUM_BYTES, end))) throw new MalformedError('bad checksum')\n`,
        replace: `  if (sum < 0) throw new MalformedError('bad checksum')\n`,
      },
    ],
    killers: [testFile('test/scenarios/zookeeper-596.test.ts', 'whichever byte')],
  },
]

export const STATE_MUTATIONS: readonly Mutation[] = [...STORAGE_MUTATIONS]

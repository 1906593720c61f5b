/** Mistakes in reading back what a peer had, and in what it may do after a loss. */

import { type Mutation, patch, testFile } from './mutation.ts'

const LEVEL_STORE = 'lib/storage/level-store.ts'
const OPEN = 'lib/storage/open.ts'
const RECORDS = 'lib/storage/records.ts'
const RECOVERY = 'lib/storage/recovery.ts'
const PEER_RECOVERY = 'lib/peer/recovery.ts'

export const RECOVERING_MUTATIONS: readonly Mutation[] = [
  {
    name: 'header-sum-ignored',
    says: 'A record whose checksum is wrong is taken for good.',
    patches: [
      patch(
        RECORDS,
        `  if (sum !== checksum(value.subarray(SUM_BYTES, end))) throw new MalformedError('bad checksum')`,
        `  if (sum < 0) throw new MalformedError('bad checksum')`,
      ),
    ],
    killers: [testFile('test/storage/records.test.ts')],
  },
  {
    name: 'payload-sum-ignored',
    says: 'A group whose transactions do not have their checksum is taken for good.',
    patches: [patch(RECORDS, 'if (!from.done || checksum(payload) !== crc)', 'if (!from.done)')],
    killers: [testFile('test/storage/records.test.ts')],
  },
  {
    name: 'unopened-log-is-believed',
    says: 'What cannot be read from LevelDB’s log without LevelDB is given up, although LevelDB may know it.',
    patches: [patch(RECOVERY, 'if (log !== undefined) {', 'if (log === "none") {')],
    killers: [testFile('test/storage/unopened-log.test.ts')],
  },
  {
    name: 'image-goes-on-after-a-fault',
    says: 'A snapshot is read again upon what was read of it before.',
    patches: [
      patch(
        RECOVERY,
        `        image.restart()
        return restore`,
        '        return restore',
      ),
    ],
    killers: [testFile('test/storage/unopened-log.test.ts')],
  },
  {
    name: 'chunk-of-another-snapshot',
    says: 'A chunk is taken for the one it stands in the place of.',
    patches: [
      patch(
        RECORDS,
        `  if (from.u32() !== snapshotId || from.u32() !== at) throw new MalformedError('misplaced chunk')`,
        `  if (from.u32() === 0 || from.u32() < 0) throw new MalformedError('misplaced chunk')`,
      ),
    ],
    killers: [testFile('test/storage/records.test.ts')],
  },
  {
    name: 'hole-in-the-log-ignored',
    says: 'Recovery goes on behind a hole in the log.',
    patches: [
      patch(
        RECOVERY,
        '        if (!follows(point, group)) {',
        '        if (group.first <= point.zxid) {',
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'a group missing in the middle')],
  },
  {
    name: 'log-ends-at-the-hole',
    says: 'Recovery takes a hole in the log for its end, so that the peer votes with what is before it.',
    patches: [
      patch(
        RECOVERY,
        'const next = formatZxid(group.first)\n          return end(`',
        'const next = formatZxid(group.first)\n          return end() ?? end(`',
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'a group missing in the middle')],
  },
  {
    name: 'log-ends-at-the-unreadable',
    says: 'Recovery takes a group that cannot be read for the end of the log.',
    patches: [
      patch(
        RECOVERY,
        'return end(`the group of the log ',
        'return end() ?? end(`the group of the log ',
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'a flipped byte anywhere in a group')],
  },
  {
    name: 'stale-meta-accepted',
    says: 'A record of epochs that is older than the log is believed.',
    patches: [
      patch(
        RECOVERY,
        'log.metaRevision > meta.revision || epochOf(tail.zxid) > meta.epochs.currentEpoch',
        'log.metaRevision < 0 || epochOf(tail.zxid) > 0x7fffffff',
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'an older record of epochs')],
  },
  {
    name: 'lost-log-unnoticed',
    says: 'A log that ends before the point where it should begin is taken for an empty one.',
    patches: [
      patch(
        RECOVERY,
        'logStart !== undefined && start.zxid < logStart.zxid',
        'logStart !== undefined && start.zxid < 0',
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'all snapshots and the log after them')],
  },
  {
    name: 'lost-snapshot-unnoticed',
    says: 'A snapshot that cannot be used is passed over although the log does not reach as far.',
    patches: [patch(RECOVERY, '    findUnreached(heads, base, tail) ??\n', '')],
    killers: [testFile('test/storage/damage.test.ts', 'a spoilt snapshot is damage when')],
  },
  {
    name: 'missing-chunk-unnoticed',
    says: 'A snapshot is restored although chunks of it are missing.',
    patches: [
      patch(
        RECOVERY,
        'return count === chunks ? undefined :',
        'return count <= chunks ? undefined :',
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'a missing chunk')],
  },
  {
    name: 'damaged-delta-skipped',
    says: 'A snapshot is restored without one of its deltas that cannot be read.',
    patches: [
      patch(
        RECOVERY,
        "    if (chain === undefined || !(await restore(chain, 'unopened'))) continue\n    base = chain",
        "    if (chain === undefined) continue\n    await restore(chain, 'unopened')\n    base = chain.filter(isGood)",
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'a spoilt snapshot gives way')],
  },
  {
    name: 'spoilt-snapshot-mixed-in',
    says: 'What was read of a snapshot that cannot be used stays, and the next one is put on top of it.',
    patches: [patch(RECOVERY, '      image.restart()\n      return false', '      return false')],
    killers: [testFile('test/storage/damage.test.ts')],
  },
  {
    name: 'spoilt-snapshot-in-the-tree',
    says: 'A peer goes on with the tree that it began to build from a snapshot that cannot be used.',
    patches: [
      patch(
        PEER_RECOVERY,
        '    this.#loader = new TreeLoader()\n    this.#fault',
        '    this.#fault',
      ),
    ],
    killers: [testFile('test/peer/recovery.test.ts')],
  },
  {
    name: 'damage-forgotten-by-the-next-start',
    says: 'The next start of a damaged peer does not know any more that it was damaged.',
    patches: [
      patch(
        LEVEL_STORE,
        'const damaged = before.damaged && install === undefined',
        'const damaged = false',
      ),
    ],
    killers: [testFile('test/storage/open.test.ts')],
  },
  {
    name: 'rest-of-a-damaged-log-stays',
    says: 'What lies behind the damage in a log stays there when the log is continued.',
    patches: [patch(LEVEL_STORE, '?? (this.#doubtful ? this.#tail : undefined)', '?? undefined')],
    killers: [testFile('test/storage/damage.test.ts', 'damage is remembered')],
  },
  {
    name: 'damaged-peer-votes',
    says: 'A peer that found damage in its log votes with what is left of it.',
    patches: [
      patch(
        PEER_RECOVERY,
        `if (damage !== undefined || typeof tree === 'string' || !mayVote) {`,
        `if (typeof tree === 'string' || !mayVote) {`,
      ),
    ],
    killers: [testFile('test/peer/recovery.test.ts')],
  },
  {
    name: 'wiped-peer-votes',
    says: 'A voter that comes back without its data votes at once.',
    patches: [
      patch(
        PEER_RECOVERY,
        'const mayVote = founding || recovered.epochs.currentEpoch > 0',
        'const mayVote = founding || recovered.epochs.currentEpoch >= 0',
      ),
    ],
    killers: [testFile('test/peer/recovery.test.ts')],
  },
  {
    name: 'damaged-peer-forgets-its-promises',
    says: 'A peer with a damaged log forgets what it promised, too.',
    patches: [
      patch(
        PEER_RECOVERY,
        '  return { epochs, history, committed: ZXID_ZERO, trusted: false }',
        `  const forgotten = { acceptedEpoch: epochs.currentEpoch, currentEpoch: epochs.currentEpoch }
  return { epochs: forgotten, history, committed: ZXID_ZERO, trusted: false }`,
      ),
    ],
    killers: [testFile('test/peer/recovery.test.ts')],
  },
  {
    name: 'snapshot-without-its-digest',
    says: 'A snapshot that does not have the digest of its head is taken for the tree.',
    patches: [
      patch('lib/tree/loader.ts', 'if (this.#digest !== digest) {', 'if (this.#digest < 0) {'),
    ],
    killers: [testFile('test/tree/image.test.ts')],
  },
  {
    name: 'lost-record-of-epochs',
    says: 'A directory that was in use and has lost its record of epochs is begun anew.',
    patches: [
      patch(
        OPEN,
        '    return { meta: blankMeta(sid, true), metaFault }',
        '    return { meta: blankMeta(sid, false), metaFault: value && metaFault }',
      ),
    ],
    killers: [testFile('test/storage/damage.test.ts', 'epochs are not forgotten')],
  },
  {
    name: 'commit-point-beyond-the-log',
    says: 'The commit point that a lost part of the log knew of is applied to what is left.',
    patches: [patch(RECOVERY, 'return Math.min(known, tail.zxid) as Zxid', 'return known as Zxid')],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'lost-end-unnoticed',
    says: 'A log that ends before its noted end is taken for whole.',
    patches: [
      patch(
        RECOVERY,
        '(findStaleMeta(meta, log, tail) ?? findLostEnd(meta, mark, tail))',
        'findStaleMeta(meta, log, tail)',
      ),
    ],
    killers: [testFile('test/storage/tail-mark.test.ts', 'after a close, whatever')],
  },
]

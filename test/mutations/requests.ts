/** Mistakes in turning requests into transactions and transactions into the tree. */

import { type Mutation, patch, testFile } from './mutation.ts'

const LEDGER = 'lib/tree/ledger.ts'
const PENDING = 'lib/replica/pending.ts'
const PREPARE = 'lib/replica/prepare.ts'
const RESOLVE = 'lib/replica/resolve.ts'
const TREE = 'lib/tree/tree.ts'

export const REQUEST_MUTATIONS: readonly Mutation[] = [
  {
    name: 'ancestors-without-an-end',
    says: 'One create makes as many ancestors as its path names, and a turn takes as long as that.',
    patches: [patch(RESOLVE, '    if (missing.length === missingMax) return undefined\n', '')],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'version-of-what-is-applied',
    says: 'The version that a set expects is checked against the tree, not against what is proposed.',
    patches: [
      patch(
        RESOLVE,
        '  if (request.version !== ANY_VERSION && request.version !== node.version) {',
        `  const applied = view.appliedVersion(path) ?? node.version
  if (request.version !== ANY_VERSION && request.version !== applied) {`,
      ),
      patch(
        PENDING,
        '  node(path: ZPath): PendingNode | undefined {',
        `  appliedVersion(path: ZPath): number | undefined {
    return this.#tree.node(path)?.version
  }

  node(path: ZPath): PendingNode | undefined {`,
      ),
    ],
    killers: [testFile('test/replica/world.test.ts')],
  },
  {
    name: 'version-never-checked',
    says: 'A delete does not look at the version that it expects.',
    patches: [
      patch(
        RESOLVE,
        `  if (version !== ANY_VERSION && version !== node.version) return refused('BAD_VERSION')\n`,
        '',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'acl-not-checked',
    says: 'A set does not ask the ACL.',
    patches: [
      patch(
        RESOLVE,
        `  if (!permits(node.acl, PERMISSIONS.WRITE)) return refused('NO_AUTH')\n`,
        '',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'data-size-not-checked',
    says: 'The leader takes data of any size.',
    patches: [
      patch(
        RESOLVE,
        `  if (data.length > scene.dataBytesMax) return refused('DATA_TOO_LARGE')
  const node =`,
        '  const node =',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'parent-deleted-with-children',
    says: 'A node is deleted although a child of it is proposed.',
    patches: [
      patch(
        RESOLVE,
        `  if (node.numChildren > 0) return refused('NOT_EMPTY')\n`,
        `  if (view.appliedChildren(path) > 0) return refused('NOT_EMPTY')\n`,
      ),
      patch(
        PENDING,
        '  node(path: ZPath): PendingNode | undefined {',
        `  appliedChildren(path: ZPath): number {
    return this.#tree.node(path)?.numChildren ?? 0
  }

  node(path: ZPath): PendingNode | undefined {`,
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'sequence-number-again',
    says: 'Sequence numbers count the children there are, so that a number comes again after a delete.',
    patches: [
      patch(
        RESOLVE,
        'const sequence = missing.length > 0 ? 0 : ancestor.creates',
        'const sequence = missing.length > 0 ? 0 : ancestor.numChildren',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'create-after-close',
    says: 'An ephemeral node is created for a session whose close is proposed already.',
    patches: [
      patch(
        PENDING,
        `    const entry = this.#sessions.get(id)
    if (entry !== undefined) return entry.present ? entry : undefined`,
        `    const entry = this.#sessions.get(id)
    if (entry?.present) return entry`,
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'ephemerals-of-pending-creates-stay',
    says: 'The close of a session overlooks ephemeral nodes whose creation is not applied yet.',
    patches: [
      patch(PENDING, '    for (const path of session.created ?? []) candidates.add(path)\n', ''),
      patch(
        TREE,
        `    assert(session.ephemerals.size === 0, 'a close names every ephemeral node of its session')\n`,
        '',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'ephemerals-stay',
    says: 'The ephemeral nodes of a closed session stay.',
    patches: [
      patch(
        PENDING,
        '    for (const path of candidates) {',
        '    for (const path of candidates.size > 0 ? [] : candidates) {',
      ),
      patch(
        TREE,
        `    assert(session.ephemerals.size === 0, 'a close names every ephemeral node of its session')\n`,
        '',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'pzxid-not-updated',
    says: 'A delete leaves no trace in its parent, so that a watch on the children misses it over a fail-over.',
    patches: [
      patch(
        PENDING,
        `    parent.numChildren--
    parent.pzxid = zxid`,
        '    parent.numChildren--',
      ),
      patch(
        TREE,
        `    this.#nodes.remove(slot, path)
    parent.pzxid = zxid`,
        '    this.#nodes.remove(slot, path)',
      ),
    ],
    killers: [testFile('test/replica/world.test.ts')],
  },
  {
    name: 'cversion-counts-children',
    says: 'The cversion of a node counts the children that were created, and not those that were deleted.',
    patches: [
      patch(
        'lib/tree/znode.ts',
        'return (2 * this.creates - this.numChildren) | 0',
        'return this.creates | 0',
      ),
    ],
    killers: [testFile('test/tree/tree.test.ts')],
  },
  {
    name: 'digest-ignored',
    says: `A peer whose tree does not have the leader's digest goes on.`,
    patches: [patch(TREE, 'if (this.#digest !== txn.digest) {', 'if (this.#digest < 0) {')],
    killers: [testFile('test/tree/tree.test.ts')],
  },
  {
    name: 'refused-write-is-forgotten',
    says: 'A write that is refused becomes no transaction, so it has no place in the order and no answer.',
    patches: [
      patch(
        PREPARE,
        `    this.#add(sessionId, cxid, unanswered, resolveWrite(this.#scene, session, request))`,
        `    const body = resolveWrite(this.#scene, session, request)
    if (body.type !== 'error') this.#add(sessionId, cxid, unanswered, body)`,
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'write-done-twice',
    says: 'A write that is submitted again after a fail-over is done again under the next number.',
    patches: [
      patch(
        PREPARE,
        'if (session === undefined || cxid !== session.lastCxid + 1) return',
        'if (session === undefined || cxid > session.lastCxid + 1) return',
      ),
      patch(
        PREPARE,
        '    this.#view.countWrite(session, cxid, this.#at.zxid)\n',
        `    this.#view.countWrite(session, session.lastCxid + 1, this.#at.zxid)\n`,
      ),
      patch(
        PREPARE,
        `    this.#add(sessionId, cxid, unanswered, resolveWrite(this.#scene, session, request))`,
        `    this.#add(sessionId, session.lastCxid, unanswered, resolveWrite(this.#scene, session, request))`,
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'write-after-a-gap',
    says: 'A write is taken although the one before it in its session was never seen.',
    patches: [
      patch(
        PREPARE,
        'if (session === undefined || cxid !== session.lastCxid + 1) return',
        'if (session === undefined || cxid <= session.lastCxid) return',
      ),
      patch(
        PENDING,
        `    assert(cxid === session.lastCxid + 1, 'writes of a session are proposed in order, each once')\n`,
        '',
      ),
      patch(
        'lib/tree/sessions.ts',
        `    assert(cxid === this.lastCxid + 1, 'writes of a session are applied in order, each once')\n`,
        '',
      ),
      patch(
        'lib/replica/answers.ts',
        `    assert(cxid === line.appliedCxid + 1, 'a home sees every write of its sessions')\n`,
        '',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'outcomes-not-kept',
    says: 'Only the outcome of the last write of a session is kept for a client that did not get its answers.',
    patches: [
      patch('lib/tree/sessions.ts', 'forgetBefore(cxid - unanswered + 1)', 'forgetBefore(cxid)'),
    ],
    killers: [testFile('test/tree/sessions.test.ts')],
  },
  {
    name: 'outcomes-not-in-snapshots',
    says: 'A snapshot does not hold the outcomes that a session keeps.',
    patches: [
      patch(
        'lib/tree/image-codec.ts',
        `  out.u32(session.resultCount)
  for (const outcome of session.results()) writeOutcome(out, outcome)`,
        `  out.u32(session.resultCount * 0)
  for (const outcome of [...session.results()].slice(session.resultCount)) writeOutcome(out, outcome)`,
      ),
    ],
    killers: [testFile('test/tree/image.test.ts')],
  },
  {
    name: 'image-of-a-later-state',
    says: 'A node that changes while a snapshot is written is written as it is then.',
    patches: [
      patch(
        LEDGER,
        `    if (mark > this.#written) return
    if (this.#owes(mark)) this.#records.write(this.#out, item)
`,
        `    if (mark > this.#written || this.#owes(mark)) return
`,
      ),
    ],
    killers: [testFile('test/tree/image.test.ts')],
  },
  {
    name: 'image-misses-the-removed',
    says: 'A node that is deleted while a snapshot is written is missing from it.',
    patches: [
      patch(
        LEDGER,
        `    if (this.#owes(this.#records.markOf(item))) this.#records.write(this.#out, item)
    this.#records.setMark(item, GONE)`,
        '    this.#records.setMark(item, GONE)',
      ),
    ],
    killers: [testFile('test/tree/image.test.ts')],
  },
  {
    name: 'delta-misses-the-removed',
    says: 'A delta does not tell which nodes were deleted.',
    patches: [
      patch(
        LEDGER,
        `    if (this.#records.bornAt(item) <= this.#cut || this.#removed.has(name)) {
      this.#removed.set(name, false)
    }
`,
        '',
      ),
    ],
    killers: [testFile('test/tree/image.test.ts')],
  },
  {
    name: 'delta-misses-the-changed',
    says: 'A delta does not hold the nodes that were changed since the image before it.',
    patches: [
      patch(
        LEDGER,
        'if (this.#cut !== undefined) this.#changed.push(item)',
        'if (this.#cut === undefined) this.#changed.push(item)',
      ),
    ],
    killers: [testFile('test/tree/image.test.ts')],
  },
  {
    name: 'digest-without-pzxid',
    says: 'The digest does not cover when the children of a node last changed.',
    patches: [patch('lib/tree/digest.ts', 'putWide(10, node.pzxid)', 'putWide(10, node.czxid)')],
    killers: [testFile('test/tree/digest.test.ts')],
  },
  {
    name: 'prepared-beyond-the-epoch',
    says: 'Requests are prepared for places that the epoch does not have.',
    patches: [patch(PREPARE, '    if (this.#last === this.#lastOfEpoch) return\n', '')],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'full-frames-forgotten',
    says: 'Full frames that nobody took amid the turn are not handed out at its end.',
    patches: [
      patch(
        'lib/replica/outbox.ts',
        'const frames = this.takeFull()',
        'const frames: Frame[] = []',
      ),
    ],
    killers: [testFile('test/replica/outbox.test.ts')],
  },
]

/** What a peer begins with: everything its store kept, or nothing but its promises. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_START } from '../../lib/base/group.ts'
import { ZXID_ZERO } from '../../lib/base/zxid.ts'
import { type Beginning, recoverPeer } from '../../lib/peer/recovery.ts'
import { MemoryStore } from '../../lib/storage/memory-store.ts'
import type { ImageSink, Recovered } from '../../lib/storage/store.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { SnapshotHead } from '../../lib/zab/types.ts'
import { create, Solo } from '../replica/support.ts'
import { epochs, LogMaker } from '../storage/support.ts'

/** Recovers what it is told to have kept. */
class ToldStore extends MemoryStore {
  readonly #recovered: Recovered
  readonly #chunks: readonly Uint8Array[]
  readonly #void: readonly Uint8Array[]

  /** `unusable`: chunks of a snapshot that turns out to be spoilt. */
  constructor(
    recovered: Recovered,
    chunks: readonly Uint8Array[] = [],
    unusable: readonly Uint8Array[] = [],
  ) {
    super({ snapshotsKept: 3 })
    this.#recovered = recovered
    this.#chunks = chunks
    this.#void = unusable
  }

  override async recover(image: ImageSink): Promise<Recovered> {
    for (const bytes of this.#void) image.chunk(bytes)
    if (this.#void.length > 0) image.restart()
    for (const bytes of this.#chunks) image.chunk(bytes)
    return this.#recovered
  }
}

const log = new LogMaker()
const EPOCHS = epochs(3, 1)

/** A log of two groups, of which the first is known to be committed. */
const LOGGED: Recovered = {
  epochs: EPOCHS,
  snapshot: undefined,
  groups: log.many(2),
  committed: log.made[0]!.last,
  logStart: LOG_START,
  epochEnds: [log.point],
  damage: undefined,
  fresh: false,
  findings: [],
}

const UNTOUCHED: Recovered = {
  ...LOGGED,
  epochs: epochs(0),
  groups: [],
  committed: ZXID_ZERO,
  epochEnds: [],
  fresh: true,
}

interface Image {
  readonly tree: Tree
  readonly chunk: Uint8Array
  /** A store that kept the tree as a snapshot. */
  readonly recovered: Recovered
}

function imageOfTree(): Image {
  const solo = new Solo()
  solo.join().call(create('/a'))
  const { tree } = solo.replica
  const { zxid, digest } = tree.beginImage('full')
  const chunk = tree.nextImageChunk(1 << 16)
  assert.ok(chunk !== undefined)
  tree.abandonImage()
  const point = { zxid, chain: 1 }
  const snapshot: SnapshotHead = { point, digest, epochEnds: [point] }
  const at = { groups: [], committed: zxid, logStart: point, epochEnds: [point] }
  return { tree, chunk, recovered: { ...LOGGED, ...at, snapshot } }
}

function assertPromisesOnly({ peer, tree }: Beginning, kept = EPOCHS): void {
  assert.deepEqual(peer, {
    epochs: kept,
    history: { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] },
    committed: ZXID_ZERO,
    trusted: false,
  })
  assert.equal(tree.digest, new Tree().digest)
  assert.equal(tree.zxid, ZXID_ZERO)
}

test('a whole log is begun with', async () => {
  const { peer, damage } = await recoverPeer(new ToldStore(LOGGED), false)
  assert.equal(damage, undefined)
  assert.ok(peer.trusted)
  assert.deepEqual(peer.epochs, EPOCHS)
  assert.deepEqual(peer.history.groups, log.made)
  assert.equal(peer.committed, LOGGED.committed)
})

test('a whole snapshot is begun with', async () => {
  const { tree, chunk, recovered } = imageOfTree()
  const beginning = await recoverPeer(new ToldStore(recovered, [chunk]), false)
  assert.equal(beginning.damage, undefined)
  assert.ok(beginning.peer.trusted)
  assert.equal(beginning.tree.digest, tree.digest)
  assert.deepEqual(beginning.peer.history.base, recovered.snapshot?.point)
})

test('of a snapshot that turned out to be spoilt nothing is begun with', async () => {
  const { tree, chunk, recovered } = imageOfTree()
  const unusable = [chunk, chunk.slice(0, -1)]
  for (const { kept, chunks, digest } of [
    { kept: recovered, chunks: [chunk], digest: tree.digest },
    { kept: LOGGED, chunks: [], digest: new Tree().digest },
  ]) {
    const beginning = await recoverPeer(new ToldStore(kept, chunks, unusable), false)
    assert.equal(beginning.damage, undefined)
    assert.ok(beginning.peer.trusted)
    assert.equal(beginning.tree.digest, digest)
  }
})

for (const founding of [true, false]) {
  const when = founding ? 'while the ensemble is founded' : 'of an ensemble that served'

  test(`damage leaves the promises only, ${when}`, async () => {
    const store = new ToldStore({ ...LOGGED, damage: 'a hole' })
    const beginning = await recoverPeer(store, founding)
    assert.equal(beginning.damage, 'a hole')
    assertPromisesOnly(beginning)
  })

  test(`a snapshot with a malformed chunk leaves the promises only, ${when}`, async () => {
    const { chunk, recovered } = imageOfTree()
    const store = new ToldStore(recovered, [chunk.slice(0, -1), chunk])
    const beginning = await recoverPeer(store, founding)
    assert.match(beginning.damage ?? '', /^the snapshot is not a tree: /)
    assertPromisesOnly(beginning)
  })

  test(`a snapshot of another tree leaves the promises only, ${when}`, async () => {
    const { chunk, recovered } = imageOfTree()
    const snapshot = { ...recovered.snapshot!, digest: recovered.snapshot!.digest + 1 }
    const beginning = await recoverPeer(
      new ToldStore({ ...recovered, snapshot }, [chunk]),
      founding,
    )
    assert.match(beginning.damage ?? '', /^the snapshot is not a tree: /)
    assertPromisesOnly(beginning)
  })
}

test('who has nothing votes where an ensemble is founded, not where others served', async () => {
  const founder = await recoverPeer(new ToldStore(UNTOUCHED), true)
  assert.ok(founder.peer.trusted)
  const latecomer = await recoverPeer(new ToldStore(UNTOUCHED), false)
  assert.equal(latecomer.damage, undefined, 'nothing is broken')
  assertPromisesOnly(latecomer, UNTOUCHED.epochs)
})

test('what is no matter of damage is not taken for it', async () => {
  class BrokenStore extends MemoryStore {
    override recover(): Promise<Recovered> {
      return Promise.reject(new RangeError('no such thing'))
    }
  }
  await assert.rejects(recoverPeer(new BrokenStore({ snapshotsKept: 3 }), true), RangeError)
})

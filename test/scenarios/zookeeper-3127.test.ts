/**
 * ZOOKEEPER-3127: the zxid up to which a snapshot claimed to reach moved on with the first part of a transaction that
 * had several; a snapshot written at that moment lost the others. ZOOKEEPER-3144, 3145 and 3249: a snapshot that was
 * written while transactions went on held sessions and nodes of different moments; replaying the log over it closed a
 * session twice, took its parent's pzxid back, and a watch on the children missed the change.
 *
 * Here a snapshot is a cut between two groups, whatever is applied while it is written, and the log is replayed from
 * there, each transaction once. After every step of a busy ensemble, every disk is started from: it comes to a tree
 * that was there at that zxid, down to the digest, and the rest of its log leads on exactly as it did.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvariantError } from '../../lib/base/assert.ts'
import type { Zxid } from '../../lib/base/zxid.ts'
import { create, remove, set } from '../replica/support.ts'
import { decodePayload } from '../support/payload.ts'
import { Chronicle } from './chronicle.ts'
import type { HandClient } from './hand-client.ts'
import { HandEnsemble, type HandPeer } from './hand-ensemble.ts'

const SLOW_STEPS = 30

/** Starts from a disk: what it begins with, and what its log makes of that. Returns how many groups were replayed. */
function restart({ disk, core }: HandPeer, chronicle: Chronicle): number {
  const { peer, tree } = disk.recover()
  if (tree.zxid > 0) chronicle.check(tree)
  let replayed = 0
  for (const group of peer.history.groups) {
    // What was never committed is nothing to compare with.
    if (group.last > core.tree.zxid) break
    const { time, txns } = decodePayload(group.payload)
    for (const [at, txn] of txns.entries()) tree.apply(txn, (group.first + at) as Zxid, time)
    assert.equal(tree.zxid, group.last, 'a group is whole')
    replayed++
  }
  return replayed
}

function ask(client: HandClient, ...requests: readonly Parameters<HandClient['ask']>[0][]): void {
  for (const request of requests) client.ask(request)
  client.pump()
}

/** Sessions with ephemeral nodes come and go while nodes change, several in a group. */
function* businessOf(ensemble: HandEnsemble): Generator<void> {
  const steady = ensemble.join('steady', 3)
  ask(steady, create('/p'), create('/q'), create('/q/r'))
  yield
  for (let round = 0; round < 3; round++) {
    const guests = [1, 2].map(sid => ensemble.join(`guest ${round} ${sid}`, sid))
    yield
    for (const guest of guests) {
      ask(guest, ...['a', 'b'].map(at => create(`/p/${guest.name}${at}`, { ephemeral: true })))
    }
    ask(steady, set('/q', `${round}`), remove('/q/r'), create('/q/r'), create(`/p/${round}`))
    yield
    const [closing, dying] = guests
    ask(closing!, { kind: 'closeSession' })
    ask(steady, set('/q', 'while it closes'), set('/p', 'while it closes'))
    yield
    ensemble.kill(dying!)
    yield
  }
}

for (const slow of [[], [1, 2]]) {
  const when = slow.length > 0 ? 'while much is proposed and not committed' : 'as things come'
  test(`every disk leads to a tree that was there, ${when}`, () => {
    const options = { snapshotLogBytes: 150, snapshotChunkBytes: 40, historyGroupsMax: 2 }
    const ensemble = new HandEnsemble(options)
    ensemble.tick(2)
    const chronicle = new Chronicle()
    ensemble.onTurn = peer => chronicle.note(peer)
    let steps = 0
    let replayed = 0
    const heads = new Set<Zxid>()
    const look = () => {
      for (const peer of ensemble.peers.values()) {
        replayed += restart(peer, chronicle)
        const head = peer.disk.snapshot?.head
        if (head !== undefined) heads.add(head.point.zxid)
      }
    }
    for (const _ of businessOf(ensemble)) {
      // For a while the disks of the followers do nothing, so that proposals pile up.
      for (const sid of slow) ensemble.slowDisks.add(sid)
      for (let left = SLOW_STEPS; ; left--) {
        if (left === 0) ensemble.slowDisks.clear()
        if (ensemble.advance()) {
          steps++
          look()
        } else if (left > 0) {
          ensemble.slowDisks.clear()
          left = 0
        } else {
          break
        }
      }
    }
    assert.ok(steps > 300 && replayed > 300, `${steps} steps, ${replayed} groups`)
    assert.ok(heads.size > 5, `${heads.size} snapshots`)
  })
}

test('no transaction can be replayed over a tree that has it', () => {
  const ensemble = new HandEnsemble()
  const client = ensemble.join('client', 3)
  ask(client, create('/p'), create('/p/e', { ephemeral: true }), { kind: 'closeSession' })
  ensemble.findTogether()
  const { tree, zab } = ensemble.peer(1).core
  const { digest } = tree
  for (const group of zab.history.groupsAfter(0 as Zxid) ?? []) {
    const { time, txns } = decodePayload(group.payload)
    txns.forEach((txn, at) => {
      assert.throws(() => tree.apply(txn, (group.first + at) as Zxid, time), InvariantError)
    })
  }
  assert.equal(tree.digest, digest)
})

/**
 * One peer as its thread runs it, on a real store: the core, and the runner that carries its tasks to the store. Its
 * leader is a script. What the store reports makes a turn at once, and what it fails with ends the peer.
 */

import assert from 'node:assert/strict'
import { ByteReader } from '../../lib/base/bytes.ts'
import { crc32 } from '../../lib/base/crc32.ts'
import { makeSid, type Zxid } from '../../lib/base/zxid.ts'
import { PeerCore } from '../../lib/peer/core.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import { recoverPeer } from '../../lib/peer/recovery.ts'
import { StoreRunner } from '../../lib/peer/store-runner.ts'
import type { Store } from '../../lib/storage/store.ts'
import { decodePeerMessage, FramePacker } from '../../lib/zab/codec.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import type { LeaderMessage, PeerMessage } from '../../lib/zab/types.ts'

const SELF = makeSid(1)
const LEADER = makeSid(2)
const VOTERS = [SELF, LEADER]

export class StoredFollower {
  readonly core: PeerCore
  readonly sent: PeerMessage[] = []
  /** Why the peer is dead. */
  failure: unknown
  readonly #runner: StoreRunner
  readonly #packer = new FramePacker()
  #wake: () => void = () => {}

  private constructor(core: PeerCore, store: Store) {
    this.core = core
    this.#runner = new StoreRunner(
      store,
      input => this.#turn([input]),
      error => {
        this.failure ??= error
        this.#wake()
      },
    )
  }

  static async begin(store: Store): Promise<StoredFollower> {
    const { peer, tree } = await recoverPeer(store, true)
    const config = {
      sid: SELF,
      peers: VOTERS,
      quorum: new Majority(VOTERS),
      initLimitTicks: 50,
      syncLimitTicks: 10,
      crc32,
      dataBytesMax: 1000,
      tickMs: 50,
      snapshotLogBytes: Number.MAX_SAFE_INTEGER,
    }
    return new StoredFollower(new PeerCore(config, peer, tree, store.newestChain()), store)
  }

  /** Elects the other peer, which claims to have been in `epoch`, and promises the next one. */
  async follow(epoch: number, last: Zxid): Promise<void> {
    this.#turn([{ kind: 'linkUp', sid: LEADER }])
    this.#hear([
      {
        kind: 'notification',
        vote: { leader: LEADER, zxid: last, epoch: epoch as typeof this.core.zab.view.epoch },
        round: 1,
        role: 'looking',
      },
    ])
    assert.equal(this.core.zab.view.leader, LEADER)
    this.says({ kind: 'leaderInfo', epoch: (epoch + 1) as typeof this.core.zab.view.epoch })
    await this.until(() => this.failure !== undefined || this.hasSent('ackEpoch'))
  }

  /** The leader's next frame. */
  says(...messages: readonly LeaderMessage[]): void {
    const connection = this.core.zab.view.reign
    this.#hear(messages.map(message => ({ connection, ...message })))
  }

  /** Waits for what the store reports, until the condition holds. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  hasSent(kind: PeerMessage['kind']): boolean {
    return this.sent.some(message => message.kind === kind)
  }

  /** Up to where it has acknowledged. */
  get acked(): Zxid {
    const acks = this.sent.filter(message => message.kind === 'ack')
    return acks.at(-1)?.zxid ?? (0 as Zxid)
  }

  #hear(messages: readonly PeerMessage[]): void {
    this.#turn([{ kind: 'peerFrame', from: LEADER, frame: this.#packer.pack(messages) }])
  }

  #turn(inputs: readonly PeerInput[]): void {
    if (this.failure !== undefined) return
    const { peerFrames, tasks } = this.core.turn(inputs, 1)
    for (const { frame } of peerFrames) {
      const from = new ByteReader(frame)
      while (!from.done) this.sent.push(decodePeerMessage(from))
    }
    this.#runner.run(tasks)
    this.#wake()
  }
}

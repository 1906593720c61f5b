/** One life of a peer, from the opening of its store to its end. What the store is made of is the caller's to say. */

import { TreeError } from '../base/errors.ts'
import { Lifeline } from '../base/lifeline.ts'
import type { Failure, PeerBoot, PeerReport } from '../base/ports.ts'
import { checksum } from '../storage/checksum.ts'
import type { StoreOptions } from '../storage/open.ts'
import type { Store } from '../storage/store.ts'
import { Majority } from '../zab/quorum.ts'
import { type PeerConfig, PeerCore } from './core.ts'
import { Driver } from './driver.ts'
import { recoverPeer } from './recovery.ts'
import { stall } from './stall.ts'

function configOf(boot: PeerBoot): PeerConfig {
  return {
    sid: boot.sid,
    peers: [...boot.voters, ...boot.observers],
    quorum: new Majority(boot.voters),
    initLimitTicks: boot.initLimitTicks,
    syncLimitTicks: boot.syncLimitTicks,
    dataBytesMax: boot.dataBytesMax,
    tickMs: boot.tickMs,
    snapshotLogBytes: boot.snapshotLogBytes,
    crc32: checksum,
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof TreeError) {
    return { code: error.code, message: error.message, path: error.path }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'PEER_FAILED', message, path: undefined }
}

/**
 * Runs one peer on the store that `open` opens. Resolves after a clean close; rejects when the peer cannot go on, after
 * reporting why. The supervisor cuts the lifeline to kill it.
 */
export async function livePeer(
  boot: PeerBoot,
  open: (options: StoreOptions) => Promise<Store>,
): Promise<void> {
  const lifeline = new Lifeline(boot.lifeline)
  lifeline.hold()
  try {
    const store = await open({ ...boot, trusted: boot.founding })
    try {
      boot.control.postMessage({ kind: 'opened' } satisfies PeerReport)
      const mayRecover = new Int32Array(boot.mayRecover)
      lifeline.rest(() => stall(mayRecover, Number.POSITIVE_INFINITY, false))
      const { peer, tree, damage } = await recoverPeer(store, boot.founding)
      const core = new PeerCore(configOf(boot), peer, tree, store.newestChain())
      await new Driver(boot, core, store).run(damage)
    } finally {
      await store.close()
    }
  } catch (error) {
    boot.control.postMessage({ kind: 'failed', failure: failureOf(error) })
    throw error
  } finally {
    boot.control.close()
  }
}

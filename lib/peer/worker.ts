/** Entry of a peer's thread: a Piscina task that lasts as long as the peer lives. */

import { crc32 } from '../base/crc32.ts'
import { TreeError } from '../base/errors.ts'
import { LOG_START } from '../base/group.ts'
import type { Failure, PeerBoot } from '../base/ports.ts'
import { openStore } from '../storage/open.ts'
import type { Recovered, Store } from '../storage/store.ts'
import { TreeLoader } from '../tree/loader.ts'
import { Tree } from '../tree/tree.ts'
import { Majority } from '../zab/quorum.ts'
import type { RecoveredPeer } from '../zab/zab.ts'
import { type PeerConfig, PeerCore } from './core.ts'
import { Driver } from './driver.ts'

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
    crc32,
  }
}

/**
 * A log that has a hole is not voted from, and neither is none at all, unless the ensemble is being founded: a peer
 * that never entered an epoch although others did may have lost what it promised.
 */
function recoveredPeer(recovered: Recovered, boot: PeerBoot): RecoveredPeer {
  return {
    epochs: recovered.epochs,
    history: {
      logStart: recovered.logStart,
      base: recovered.snapshot?.point ?? LOG_START,
      groups: recovered.groups,
      epochEnds: recovered.epochEnds,
    },
    committed: recovered.committed,
    trusted: recovered.damage === undefined && (boot.founding || recovered.epochs.currentEpoch > 0),
  }
}

async function recover(
  store: Store,
  boot: PeerBoot,
): Promise<{ core: PeerCore; damage: string | undefined }> {
  const loader = new TreeLoader()
  const recovered = await store.recover(chunk => loader.load(chunk))
  const { snapshot } = recovered
  const tree =
    snapshot === undefined ? new Tree() : loader.finish(snapshot.point.zxid, snapshot.digest)
  const core = new PeerCore(
    configOf(boot),
    recoveredPeer(recovered, boot),
    tree,
    store.wantsFullSnapshot(),
  )
  return { core, damage: recovered.damage }
}

function failureOf(error: unknown): Failure {
  if (error instanceof TreeError) {
    return { code: error.code, message: error.message, path: error.path }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'PEER_FAILED', message, path: undefined }
}

/**
 * Runs one peer. Resolves after a clean close; rejects when the peer cannot go on, after reporting why.
 * The supervisor aborts the task to kill the thread.
 */
export async function runPeer(boot: PeerBoot): Promise<void> {
  try {
    const store = await openStore({ ...boot, trusted: boot.founding })
    try {
      const { core, damage } = await recover(store, boot)
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

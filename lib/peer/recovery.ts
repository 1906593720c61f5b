/**
 * From what a store recovered to what a peer begins with. A log that has a hole, or a snapshot that is not the tree it
 * claims to be, is not voted from and not continued: such a peer keeps its promises only, and waits for a leader's
 * snapshot. The same goes for one that never entered an epoch although others did: it may have lost its promises.
 */

import { MalformedError } from '../base/bytes.ts'
import { LOG_START } from '../base/group.ts'
import { ZXID_ZERO } from '../base/zxid.ts'
import type { ImageSink, Recovered, Store } from '../storage/store.ts'
import { TreeLoader } from '../tree/loader.ts'
import { Tree } from '../tree/tree.ts'
import type { SnapshotHead } from '../zab/types.ts'
import type { RecoveredPeer } from '../zab/zab.ts'

export interface Beginning {
  readonly peer: RecoveredPeer
  readonly tree: Tree
  /** What recovery found wrong, for a person. */
  readonly damage: string | undefined
}

/** A tree from chunks whose content may be wrong although their sums are right. */
class CheckedLoader implements ImageSink {
  #loader = new TreeLoader()
  #fault: string | undefined

  chunk(bytes: Uint8Array): void {
    this.#try(() => this.#loader.load(bytes))
  }

  restart(): void {
    this.#loader = new TreeLoader()
    this.#fault = undefined
  }

  finish(head: SnapshotHead | undefined): Tree | string {
    if (head === undefined) return new Tree()
    const tree = this.#try(() => this.#loader.finish(head.point.zxid, head.digest))
    return tree ?? `the snapshot is not a tree: ${this.#fault}`
  }

  #try<T>(step: () => T): T | undefined {
    if (this.#fault !== undefined) return undefined
    try {
      return step()
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#fault = error.message
      return undefined
    }
  }
}

function continuing(recovered: Recovered): RecoveredPeer {
  const { epochs, logStart, snapshot, groups, epochEnds, committed } = recovered
  const base = snapshot?.point ?? LOG_START
  return { epochs, history: { logStart, base, groups, epochEnds }, committed, trusted: true }
}

function promisesOnly({ epochs }: Recovered): RecoveredPeer {
  const history = { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] }
  return { epochs, history, committed: ZXID_ZERO, trusted: false }
}

/** `founding`: no leader ever served this ensemble, so that a peer without any data may vote. */
export async function recoverPeer(store: Store, founding: boolean): Promise<Beginning> {
  const loader = new CheckedLoader()
  const recovered = await store.recover(loader)
  const tree = loader.finish(recovered.snapshot)
  const damage = recovered.damage ?? (typeof tree === 'string' ? tree : undefined)
  const mayVote = founding || recovered.epochs.currentEpoch > 0
  if (damage !== undefined || typeof tree === 'string' || !mayVote) {
    return { peer: promisesOnly(recovered), tree: new Tree(), damage }
  }
  return { peer: continuing(recovered), tree, damage }
}

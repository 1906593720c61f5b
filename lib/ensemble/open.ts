/** How an ensemble is opened: directories first, then peers, then the first leader; all of it or nothing. */

// Loads LevelDB's addon in this thread. Loaded by the peers' threads alone, it would be unloaded when the last of them
// ends, under the feet of LevelDB's own background thread.
import 'level'
import { EnsembleDirectory } from './directory.ts'
import { Ensemble } from './ensemble.ts'
import { KeepAlive } from './keep-alive.ts'
import { checkEnsemble, type EnsembleConfig, type EnsembleOptions } from './options.ts'
import { PEER_WORKER } from './peer-thread.ts'
import { Supervisor } from './supervisor.ts'

/**
 * Opens an ensemble: starts its peers, each in a thread of its own, and waits until a leader serves with a quorum that
 * has recovered, and until the stores of all others could be opened; one that needs longer for that than
 * `openTimeoutMs` is not waited for. Peers that still recover then take part when they have: `start(sid)` waits for
 * one. An ensemble that is new, as one in memory always is, has nothing to recover: there all peers serve. What was
 * stored in `dataDir` before is there again, but for sessions and their ephemeral nodes: no client of theirs can come
 * back.
 *
 * One process, and one ensemble in it, may have a directory open. A directory whose owner died (kill -9, power cut) can
 * be opened at once. The participants of a directory are fixed when it is first opened; observers may come and go. A
 * participant whose own directory is found missing or empty is filled from the others before it votes again. One whose
 * store cannot be opened (`DIRECTORY_DAMAGED`) makes the opening fail even if the others are a majority: whether to
 * give up what it holds is for you to say. Move its directory away, and it is filled from the others.
 *
 * @param options `peers` and `dataDir` are required: see {@link EnsembleOptions}.
 * @returns The open ensemble. When it fails, nothing is left running, and no directory locked or half made.
 * @throws TreeError (as a rejection)
 * - `BAD_ARGUMENTS`: an option is wrong or unknown,
 * - `NO_QUORUM`: no leader served within `openTimeoutMs`; the message says how each peer was,
 * - `DIRECTORY_LOCKED`: another ensemble has a directory open; the message names its process,
 * - `DIRECTORY_NOT_OURS`, `DIRECTORY_DAMAGED`, `FORMAT_TOO_NEW`, `MEMBERSHIP_MISMATCH`: a directory cannot be used,
 * - `NO_PERMISSION`, `NO_SPACE`, `STORAGE_FAILED`: the file system refused,
 * - `PEER_FAILED`: a peer's thread died while starting. A peer that fails in its recovery, by this or by what the file
 *   system refused, makes the opening fail only before it is done: later it is started again like any other.
 * @example
 * await using ensemble = await openEnsemble({ peers: 3, dataDir: './data' })
 * const tree = await ensemble.connect()
 * tree.create('/config/db', 'postgres://…', { parents: true })
 */
export async function openEnsemble(options: EnsembleOptions): Promise<Ensemble> {
  return await openConfigured(checkEnsemble(options), PEER_WORKER)
}

/** As `openEnsemble`, with checked options and the program of the peers' threads. */
export async function openConfigured(config: EnsembleConfig, worker: URL): Promise<Ensemble> {
  const keepAlive = new KeepAlive()
  try {
    const directory =
      config.dataDir === undefined
        ? undefined
        : await EnsembleDirectory.open(config.dataDir, config.peers)
    const supervisor = new Supervisor(config, directory, worker)
    try {
      await supervisor.open()
      await directory?.formed()
    } catch (error) {
      await supervisor.close()
      await directory?.abandon()
      throw error
    }
    supervisor.handedOver()
    return new Ensemble(supervisor, directory, keepAlive)
  } catch (error) {
    keepAlive.end()
    throw error
  }
}

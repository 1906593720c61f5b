/** The public face of an open ensemble: checks, and delegates to supervision. */

import type { MessagePort } from 'node:worker_threads'
import { TreeError } from '../base/errors.ts'
import { connect } from '../client/connect.ts'
import type { ConnectOptions } from '../client/options.ts'
import type { Tree } from '../client/tree.ts'
import type { EnsembleDirectory } from './directory.ts'
import { Faults } from './faults.ts'
import type { KeepAlive } from './keep-alive.ts'
import type { EnsembleStatus } from './status.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * An open ensemble: its peers, each in a thread of its own, under supervision. Made by `openEnsemble`.
 *
 * A peer that dies is started again from its disk as the option `restart` says; sessions go on at another peer
 * meanwhile. Supervision runs in the thread that opened the ensemble: while that thread is blocked, the peers and all
 * sessions go on, only a dead peer's restart waits. When that thread ends, its peers end with it.
 *
 * Like a server, an open ensemble keeps the process alive: `close` it, or `unref` it. Every failure is a `TreeError`;
 * after `close`, all methods but `close`, `ref` and `unref` fail with `CLOSED`.
 */
export class Ensemble {
  /** Injects faults: to see how an application takes them. */
  readonly faults: Faults
  readonly #supervisor: Supervisor
  readonly #directory: EnsembleDirectory | undefined
  readonly #keepAlive: KeepAlive
  #closed = false
  #closing: Promise<void> | undefined

  /** @internal Use `openEnsemble`. */
  constructor(
    supervisor: Supervisor,
    directory: EnsembleDirectory | undefined,
    keepAlive: KeepAlive,
  ) {
    this.#supervisor = supervisor
    this.#directory = directory
    this.#keepAlive = keepAlive
    this.faults = new Faults(supervisor, async work => {
      this.#checkOpen()
      await keepAlive.during(work)
    })
  }

  /**
   * Opens a session for this thread.
   *
   * @param options Session timeout, call timeout, preferred peer, state listener: see {@link ConnectOptions}.
   * @returns The tree, once a peer has opened the session.
   * @throws TreeError (as a rejection) `CONNECTION_LOSS` when no peer opens it in time, `NO_SUCH_PEER`,
   * `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * const tree = await ensemble.connect({ timeoutMs: 5_000 })
   * tree.create('/greeting', 'hello')
   */
  async connect(options?: ConnectOptions): Promise<Tree> {
    const handle = this.handle()
    try {
      return await connect(handle, options)
    } catch (error) {
      handle.close()
      throw error
    }
  }

  /**
   * Makes a handle: what another thread of this process needs to open a session. A handle serves one session.
   *
   * @returns A MessagePort to pass on with `postMessage` or `workerData`, in the transfer list too. `connect` and
   * `connectSync` take it.
   * @throws TreeError `CLOSED`.
   * @example
   * const handle = ensemble.handle()
   * const worker = new Worker(file, { workerData: { handle }, transferList: [handle] })
   * // in the worker: const tree = connectSync(workerData.handle)
   */
  handle(): MessagePort {
    this.#checkOpen()
    return this.#supervisor.handle()
  }

  /**
   * Asks every peer how it is.
   *
   * @returns The leader, if there is one, and for each peer its role and state, its place in the order of transactions,
   * the digest of its tree, restarts and failures. A peer that does not answer within a second is `busy`.
   * @throws TreeError (as a rejection) `CLOSED`.
   * @example
   * const { leader, peers } = await ensemble.status()
   * console.log(leader, peers.map(peer => `${peer.sid}: ${peer.state}`))
   */
  async status(): Promise<EnsembleStatus> {
    this.#checkOpen()
    return await this.#keepAlive.during(() => this.#supervisor.status())
  }

  /**
   * Kills a peer's thread where it stands, as a crash would. Unlike after a crash, and after `faults.kill`, the peer
   * stays down until `start`, whatever the option `restart` says. No effect on a peer that is down.
   *
   * With durability `memory` the peer loses all it had, and is synchronised by the leader when it comes back; when a
   * majority of the participants has lost its memory, the ensemble has no leader any more.
   *
   * @param sid The peer's server id.
   * @returns When the thread is gone.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * await ensemble.kill((await ensemble.status()).leader!)
   * tree.set('/greeting', 'still there')
   */
  async kill(sid: number): Promise<void> {
    this.#checkOpen()
    const peer = this.#supervisor.peer(sid)
    await this.#keepAlive.during(() => peer.kill())
  }

  /**
   * Starts a peer that is down, at once if it waits for its restart; waits for one that still recovers. No effect on a
   * peer that is up.
   *
   * @param sid The peer's server id.
   * @returns When it has recovered from its disk; it takes part from then on, and serves once a leader has brought it
   * up to date.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`, or the peer's failure
   * (`PEER_FAILED`, `DIRECTORY_DAMAGED` and other storage failures); further attempts follow as the option `restart`
   * says.
   * @example
   * await ensemble.start(2)
   */
  async start(sid: number): Promise<void> {
    this.#checkOpen()
    const peer = this.#supervisor.peer(sid)
    await this.#keepAlive.during(() => peer.start())
  }

  /**
   * Closes the ensemble: sessions end with `CLOSED`, the peers close their stores and their threads end, the directory
   * is given back. Nothing acknowledged is lost; ephemeral nodes go with their sessions. A peer that still recovers is
   * not waited for: what it lacks, the others have, and it gets it when the ensemble is open again. Closing again does
   * nothing more.
   *
   * @returns When nothing of the ensemble is left.
   * @throws TreeError (as a rejection) `NO_PERMISSION`, `STORAGE_FAILED` when a directory could not be given back; its
   * peers have ended all the same. Closing again tries that again.
   * @example
   * await ensemble.close()
   */
  close(): Promise<void> {
    this.#closed = true
    this.#closing ??= this.#keepAlive.during(() => this.#close())
    return this.#closing
  }

  /**
   * Lets the open ensemble keep the process alive. The default.
   * @returns This ensemble.
   * @example
   * ensemble.ref()
   */
  ref(): this {
    this.#keepAlive.set(true)
    return this
  }

  /**
   * Lets the process end although the ensemble is open: as with a power cut, but with nothing acknowledged lost.
   * @returns This ensemble.
   * @example
   * const ensemble = (await openEnsemble({ peers: 3, dataDir: './data' })).unref()
   */
  unref(): this {
    this.#keepAlive.set(false)
    return this
  }

  /**
   * As `close`, at the end of a block.
   * @example
   * await using ensemble = await openEnsemble({ peers: 3, dataDir: './data' })
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    try {
      await this.#supervisor.close()
      await this.#directory?.release()
    } catch (error) {
      this.#closing = undefined
      throw error
    } finally {
      this.#keepAlive.end()
    }
  }

  #checkOpen(): void {
    if (!this.#closed) return
    throw new TreeError('CLOSED', 'the ensemble is closed: open it again')
  }
}

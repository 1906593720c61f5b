/** How a thread gets its session: a handle in, a tree out. */

import type { MessagePort } from 'node:worker_threads'
import { Line } from './line.ts'
import { type ConnectOptions, checkConnect } from './options.ts'
import { Tree } from './tree.ts'

/**
 * Opens a session through a handle of the ensemble. A handle can be transferred to any thread of the process, and
 * serves one session: it is taken over, and of no further use to the caller, even when connecting fails; unless an
 * option is wrong, which is found before.
 *
 * @param handle The MessagePort that `ensemble.handle()` made.
 * @param options Session timeout, call timeout, preferred peer, state listener: see {@link ConnectOptions}.
 * @returns The tree, once a peer has opened the session.
 * @throws TreeError (as a rejection) `CONNECTION_LOSS` when no peer opens it within `timeoutMs`, `CLOSED` when the
 * ensemble is closed, `NO_SUCH_PEER` for an unknown `peer`, `BAD_ARGUMENTS` for a handle that was used,
 * transferred or closed, or a wrong option.
 * @example
 * // in a worker thread, with the handle in its workerData
 * const tree = await connect(workerData.handle, { timeoutMs: 5_000 })
 */
export async function connect(handle: MessagePort, options?: ConnectOptions): Promise<Tree> {
  const line = new Line(handle, checkConnect(handle, options))
  await line.opened()
  return new Tree(line)
}

/**
 * As {@link connect}, but blocks the thread until the session is open; it needs no event loop.
 *
 * @param handle The MessagePort that `ensemble.handle()` made.
 * @param options As for `connect`.
 * @returns The tree.
 * @throws TreeError with the codes of `connect`.
 * @example
 * const tree = connectSync(workerData.handle)
 * console.log(tree.get('/config').data.toString())
 */
export function connectSync(handle: MessagePort, options?: ConnectOptions): Tree {
  const line = new Line(handle, checkConnect(handle, options))
  line.openedSync()
  return new Tree(line)
}

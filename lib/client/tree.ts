/** The blocking face of a session, and the way to the other one. Methods check, normalise and hand on to the line. */

import { copyStat, type Stat } from '../base/stat.ts'
import type { SessionId } from '../base/zxid.ts'
import { type GetResult, getResultOf } from './answers.ts'
import {
  childrenCall,
  createCall,
  deleteCall,
  existsCall,
  getCall,
  setCall,
  syncCall,
} from './calls.ts'
import type { SessionState } from './core.ts'
import type { Line } from './line.ts'
import type { CreateOptions, Data, VersionOptions, WatchOptions } from './options.ts'
import { TreePromises } from './promises.ts'

/**
 * A session with the ensemble: ZooKeeper's tree of znodes behind calls that block the thread until they are answered.
 * `tree.promises` has the same calls as promises. Both faces share one session and one line: calls take effect and are
 * answered in the order they were made, whichever face made them.
 *
 * Calls wait through the loss of a peer or an election, and each write is done once. Any call may fail with
 * - `CONNECTION_LOSS`: no peer was reachable for as long as the session timeout,
 * - `OPERATION_TIMEOUT`: no answer within `operationTimeoutMs`,
 * - `SESSION_EXPIRED`: the ensemble gave the session up; its ephemeral nodes are gone. Connect again,
 * - `CLOSED`: `close` was called, or the ensemble was closed,
 * - `BAD_ARGUMENTS`: an invalid path, version, option or datum; nothing was done.
 *
 * After the first three, whether a write was done is not known. Every failure is a `TreeError`.
 *
 * After the loss of a peer, a read that has to be asked again may already show a write of the same session that was
 * made after it.
 *
 * A watch is a function that is called once, with `{ type, path, zxid }`: type is `'created'`, `'deleted'`,
 * `'dataChanged'` or `'childrenChanged'`, zxid the transaction that did it. It is called after the answer of the call
 * that left it is with its caller, and before any answer that shows the change is handed out, so it may run inside a
 * blocking call. It may itself make calls of either kind; a blocking one in it tells all other watches that stand
 * before its own answer. A function that watches one path in several ways is called once for each event. Watches
 * outlast the loss of a peer: what changed meanwhile is told on arrival at the next. What a watch function throws
 * becomes an uncaught exception of the thread.
 */
export class Tree {
  /** The same methods, returning promises. */
  readonly promises: TreePromises
  readonly #line: Line

  /** @internal Use `connect`. */
  constructor(line: Line) {
    this.#line = line
    this.promises = new TreePromises(line)
  }

  /** The session's id, unique for ever; the `ephemeralOwner` of its ephemeral nodes. */
  get sessionId(): SessionId {
    return this.#line.sessionId
  }

  /** The session timeout agreed with the ensemble, in milliseconds. */
  get timeoutMs(): number {
    return this.#line.timeoutMs
  }

  /** `'suspended'` while no peer serves the session (calls wait); `'expired'` and `'closed'` are final. */
  get state(): SessionState {
    return this.#line.state
  }

  /**
   * Creates a znode (ZooKeeper's `create`).
   *
   * @param path The node's path; with `sequential`, its beginning, which may end in `/`.
   * @param data What it holds: text (stored as UTF-8) or bytes; empty by default.
   * @param options `ephemeral`, `sequential`, `parents`, `acl`: see {@link CreateOptions}. ZooKeeper's create modes
   * are the combinations of the first two.
   * @returns The path of the node created, with the sequence number in it.
   * @throws TreeError `NODE_EXISTS`; `NO_NODE` when the parent is missing (never with `parents`);
   * `NO_CHILDREN_FOR_EPHEMERALS`; `NO_AUTH`; `INVALID_ACL`; `DATA_TOO_LARGE`; and those of every call.
   * @example
   * tree.create('/config/db', 'postgres://…', { parents: true })
   * const path = tree.create('/members/n-', '', { ephemeral: true, sequential: true })
   * // '/members/n-0000000007'
   */
  create(path: string, data: Data = '', options?: CreateOptions): string {
    return this.#line.block(createCall(path, data, options, this.#line.dataBytesMax))
  }

  /**
   * Reads a znode (ZooKeeper's `getData`). The answer is never older than what this session has seen or written,
   * though another session's last write may be missing. Call `sync` first for one that is surely current.
   *
   * @param path The node's path.
   * @param options `watch`: called once, with `dataChanged` or `deleted`. Not left behind when the node is missing.
   * @returns `data`, a Buffer of the caller's own, and `stat`.
   * @throws TreeError `NO_NODE`; `NO_AUTH`; and those of every call.
   * @example
   * const { data, stat } = tree.get('/config/db', { watch: event => reload(event.path) })
   * console.log(data.toString(), stat.version)
   */
  get(path: string, options?: WatchOptions): GetResult {
    const node = options === undefined ? this.#line.look(path) : undefined
    return node === undefined ? this.#line.block(getCall(path, options)) : getResultOf(node)
  }

  /**
   * Replaces a znode's data (ZooKeeper's `setData`).
   *
   * @param path The node's path.
   * @param data What it holds from now on: text (stored as UTF-8) or bytes.
   * @param options `version`: the `stat.version` it must have, for a change that is not based on stale data; -1, the
   * default, means any.
   * @returns The stat after the change.
   * @throws TreeError `NO_NODE`; `BAD_VERSION`; `NO_AUTH`; `DATA_TOO_LARGE`; and those of every call.
   * @example
   * const { data, stat } = tree.get('/counter')
   * tree.set('/counter', String(Number(data) + 1), { version: stat.version })
   */
  set(path: string, data: Data, options?: VersionOptions): Stat {
    return this.#line.block(setCall(path, data, options, this.#line.dataBytesMax))
  }

  /**
   * Deletes a znode that has no children (ZooKeeper's `delete`).
   *
   * @param path The node's path.
   * @param options `version`: the `stat.version` it must have; -1, the default, means any.
   * @throws TreeError `NO_NODE`; `NOT_EMPTY`; `BAD_VERSION`; `NO_AUTH`; `BAD_ARGUMENTS` for the root; and those of
   * every call.
   * @example
   * tree.delete('/jobs/job-0000000007')
   */
  delete(path: string, options?: VersionOptions): void {
    this.#line.block(deleteCall(path, options))
  }

  /**
   * Looks for a znode (ZooKeeper's `exists`). As fresh as `get`.
   *
   * @param path The node's path.
   * @param options `watch`: called once, with `created` if it is missing now, else with `dataChanged` or `deleted`.
   * @returns Its stat, or null when it is missing.
   * @throws TreeError `NO_AUTH`; and those of every call. A missing node is no error.
   * @example
   * if (tree.exists('/leader', { watch: () => elect() }) === null) elect()
   */
  exists(path: string, options?: WatchOptions): Stat | null {
    const node = options === undefined ? this.#line.look(path) : undefined
    return node === undefined ? this.#line.block(existsCall(path, options)) : copyStat(node)
  }

  /**
   * Lists the children of a znode (ZooKeeper's `getChildren`). As fresh as `get`.
   *
   * @param path The parent's path.
   * @param options `watch`: called once, with `childrenChanged` when a child comes or goes (not when its data changes),
   * or with `deleted` when the parent goes.
   * @returns The children's names, without the parent's path, in no particular order.
   * @throws TreeError `NO_NODE`; `NO_AUTH`; and those of every call.
   * @example
   * for (const name of tree.children('/members')) console.log(tree.get(`/members/${name}`).data)
   */
  children(path: string, options?: WatchOptions): string[] {
    const node = options === undefined ? this.#line.look(path) : undefined
    return node === undefined ? this.#line.block(childrenCall(path, options)) : node.childNames()
  }

  /**
   * Waits until the home peer has everything that was answered anywhere before this call; what is read next is at
   * least as new. Stronger than ZooKeeper's `sync`: it is a round of the whole quorum, so `sync` then `get` is
   * linearizable, and it needs no path.
   *
   * @throws TreeError those of every call.
   * @example
   * tree.sync()
   * const latest = tree.get('/config').data
   */
  sync(): void {
    this.#line.block(syncCall())
  }

  /**
   * Ends the session (ZooKeeper's `close`): its ephemeral nodes go, its watches are dropped, later calls fail with
   * `CLOSED`. Calls made before are answered first. Closing twice is no error, and neither is a peer that cannot be
   * reached: the session is then left to expire.
   *
   * @example
   * tree.close()
   */
  close(): void {
    this.#line.closeSync()
  }

  /**
   * Lets an open session keep the process alive, so that its watches are heard. The default.
   * @returns This tree.
   * @example
   * tree.ref()
   */
  ref(): this {
    this.#line.setKeepAlive(true)
    return this
  }

  /**
   * Lets the process end although the session is open.
   * @returns This tree.
   * @example
   * const tree = (await ensemble.connect()).unref()
   */
  unref(): this {
    this.#line.setKeepAlive(false)
    return this
  }

  /**
   * As `promises.close`, at the end of a block.
   * @example
   * await using tree = await ensemble.connect()
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#line.close()
  }
}

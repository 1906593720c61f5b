/** The promise face: the same calls on the same line, any number under way, answered in the order they were made. */

import type { Stat } from '../base/stat.ts'
import type { GetResult } from './answers.ts'
import {
  childrenCall,
  createCall,
  deleteCall,
  existsCall,
  getCall,
  setCall,
  syncCall,
} from './calls.ts'
import type { Line } from './line.ts'
import type { CreateOptions, Data, VersionOptions, WatchOptions } from './options.ts'

/**
 * `tree.promises`: every method of {@link Tree} with the same parameters, results and error codes. Failures, those of
 * arguments too, are rejections. Data is copied when a method is called, so it may be changed at once.
 *
 * Each method hands what it throws to `Promise.reject` by itself, since an `async` wrapper would cost every call a
 * second promise.
 */
export class TreePromises {
  readonly #line: Line

  /** @internal */
  constructor(line: Line) {
    this.#line = line
  }

  /**
   * As {@link Tree.create}.
   * @param path The node's path, or its beginning when `sequential`.
   * @param data What it holds; empty by default.
   * @param options See {@link CreateOptions}.
   * @returns The path of the node created.
   * @example
   * const path = await tree.promises.create('/jobs/job-', 'resize', { sequential: true })
   */
  create(path: string, data: Data = '', options?: CreateOptions): Promise<string> {
    try {
      return this.#line.start(createCall(path, data, options, this.#line.dataBytesMax))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As {@link Tree.get}.
   * @param path The node's path.
   * @param options `watch`: called once, with the node's next change or its end.
   * @returns Data and stat.
   * @example
   * const { data, stat } = await tree.promises.get('/config')
   */
  get(path: string, options?: WatchOptions): Promise<GetResult> {
    try {
      return this.#line.start(getCall(path, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As {@link Tree.set}.
   * @param path The node's path.
   * @param data What it holds from now on.
   * @param options `version`: the version it must have, or -1 for any.
   * @returns The stat after the change.
   * @example
   * await Promise.all([tree.promises.set('/a', '1'), tree.promises.set('/b', '2')])
   */
  set(path: string, data: Data, options?: VersionOptions): Promise<Stat> {
    try {
      return this.#line.start(setCall(path, data, options, this.#line.dataBytesMax))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As {@link Tree.delete}.
   * @param path The node's path.
   * @param options `version`: the version it must have, or -1 for any.
   * @example
   * await tree.promises.delete('/jobs/job-0000000007')
   */
  delete(path: string, options?: VersionOptions): Promise<void> {
    try {
      return this.#line.start(deleteCall(path, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As {@link Tree.exists}.
   * @param path The node's path.
   * @param options `watch`: called once, with the node's creation, next change or end.
   * @returns The stat, or null when the node is missing.
   * @example
   * if ((await tree.promises.exists('/leader')) === null) stepUp()
   */
  exists(path: string, options?: WatchOptions): Promise<Stat | null> {
    try {
      return this.#line.start(existsCall(path, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As {@link Tree.children}.
   * @param path The parent's path.
   * @param options `watch`: called once, when a child comes or goes, or the parent ends.
   * @returns The children's names, in no particular order.
   * @example
   * const members = await tree.promises.children('/members')
   */
  children(path: string, options?: WatchOptions): Promise<string[]> {
    try {
      return this.#line.start(childrenCall(path, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * As {@link Tree.sync}.
   * @example
   * await tree.promises.sync()
   */
  sync(): Promise<void> {
    return this.#line.start(syncCall())
  }

  /**
   * As {@link Tree.close}. Calls made before are answered first.
   * @example
   * await tree.promises.close()
   */
  close(): Promise<void> {
    return this.#line.close()
  }
}

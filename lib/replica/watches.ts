/**
 * One-shot watches of the clients connected to this peer. As in ZooKeeper there are two tables: watches on a node
 * itself (left by `get`, and by `exists` whether or not the node is there) and watches on its list of children. A
 * watcher is the client's line; it is told once per event even if it sits in both tables.
 */

import type { ZPath } from '../base/path.ts'
import type { EventType } from '../base/reply.ts'

/** A path's only watcher stands alone; most paths never need a set. */
type Watchers<W> = W | Set<W>

class WatchTable<W extends object> {
  readonly #byPath = new Map<ZPath, Watchers<W>>()
  readonly #byWatcher = new Map<W, Set<ZPath>>()

  get size(): number {
    return this.#byPath.size
  }

  has(path: ZPath): boolean {
    return this.#byPath.size > 0 && this.#byPath.has(path)
  }

  add(path: ZPath, watcher: W): void {
    const present = this.#byPath.get(path)
    if (present === undefined) this.#byPath.set(path, watcher)
    else if (present instanceof Set) present.add(watcher)
    else if (present !== watcher) this.#byPath.set(path, new Set([present, watcher]))
    const paths = this.#byWatcher.get(watcher)
    if (paths === undefined) this.#byWatcher.set(watcher, new Set([path]))
    else paths.add(path)
  }

  /** Removes every watch on the path and returns who held them. */
  take(path: ZPath): Iterable<W> | undefined {
    const present = this.#byPath.get(path)
    if (present === undefined) return undefined
    this.#byPath.delete(path)
    const watchers = present instanceof Set ? present : [present]
    for (const watcher of watchers) {
      const paths = this.#byWatcher.get(watcher)!
      paths.delete(path)
      if (paths.size === 0) this.#byWatcher.delete(watcher)
    }
    return watchers
  }

  /** Removes the watcher's watches and returns their paths. */
  drop(watcher: W): ReadonlySet<ZPath> {
    const paths = this.#byWatcher.get(watcher)
    if (paths === undefined) return new Set()
    this.#byWatcher.delete(watcher)
    for (const path of paths) {
      const present = this.#byPath.get(path)!
      if (present instanceof Set && present.size > 1) present.delete(watcher)
      else this.#byPath.delete(path)
    }
    return paths
  }
}

export class Watches<W extends object> {
  readonly #onNode = new WatchTable<W>()
  readonly #onChildren = new WatchTable<W>()
  readonly #nobody: ReadonlySet<W> = new Set()

  get size(): number {
    return this.#onNode.size + this.#onChildren.size
  }

  watchNode(path: ZPath, watcher: W): void {
    this.#onNode.add(path, watcher)
  }

  watchChildren(path: ZPath, watcher: W): void {
    this.#onChildren.add(path, watcher)
  }

  /** Whether anybody waits for the change. */
  awaits(type: EventType, path: ZPath): boolean {
    if (type === 'childrenChanged') return this.#onChildren.has(path)
    return this.#onNode.has(path) || (type === 'deleted' && this.#onChildren.has(path))
  }

  /** Uses up the watches that the change fires and returns who held them. */
  fire(type: EventType, path: ZPath): ReadonlySet<W> {
    const ofNode = type === 'childrenChanged' ? undefined : this.#onNode.take(path)
    const ofChildren =
      type === 'childrenChanged' || type === 'deleted' ? this.#onChildren.take(path) : undefined
    if (ofNode === undefined && ofChildren === undefined) return this.#nobody
    const fired = new Set(ofNode)
    for (const watcher of ofChildren ?? []) fired.add(watcher)
    return fired
  }

  /** Removes all that a watcher holds and tells what it was. */
  drop(watcher: W): { onNode: ReadonlySet<ZPath>; onChildren: ReadonlySet<ZPath> } {
    return { onNode: this.#onNode.drop(watcher), onChildren: this.#onChildren.drop(watcher) }
  }
}

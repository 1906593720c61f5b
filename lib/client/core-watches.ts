/**
 * The functions that wait for a change, by path. A watch fires once. The peer keeps only paths per connection; which
 * functions wait behind a path is known here alone, so that one event is told to each function once.
 *
 * Three kinds, as in ZooKeeper's ZKWatchManager: `data` (left by get, or exists on a node that is there), `exist` (left
 * by exists on a node that is missing) and `child` (left by children).
 */

import type { ErrorCode } from '../base/errors.ts'
import type { ZPath } from '../base/path.ts'
import type { EventType, WatchEvent } from '../base/reply.ts'
import type { ReadRequest, SetWatches } from '../base/request.ts'
import type { Zxid } from '../base/zxid.ts'

/** Called once with the change it waited for. */
export type Watcher = (event: WatchEvent) => void

export const WATCH_KINDS = ['data', 'exist', 'child'] as const
export type WatchKind = (typeof WATCH_KINDS)[number]

/** The watch that an answer leaves: none after a failure, except for `exists` on a node that is not there. */
export function watchLeft(
  kind: ReadRequest['kind'],
  code: ErrorCode | undefined,
): WatchKind | undefined {
  if (code !== undefined) return kind === 'exists' && code === 'NO_NODE' ? 'exist' : undefined
  return kind === 'children' ? 'child' : 'data'
}

/** Which tables an event empties at its path. */
const TOUCHED: Readonly<Record<EventType, readonly WatchKind[]>> = {
  created: ['data', 'exist'],
  dataChanged: ['data', 'exist'],
  deleted: ['data', 'exist', 'child'],
  childrenChanged: ['child'],
}

type Table = Map<string, Set<Watcher>>

export class WatchRegistry {
  readonly #tables: Readonly<Record<WatchKind, Table>> = {
    data: new Map(),
    exist: new Map(),
    child: new Map(),
  }

  get isEmpty(): boolean {
    return WATCH_KINDS.every(kind => this.#tables[kind].size === 0)
  }

  add(kind: WatchKind, path: ZPath, watcher: Watcher): void {
    const table = this.#tables[kind]
    const waiting = table.get(path)
    if (waiting === undefined) table.set(path, new Set([watcher]))
    else waiting.add(watcher)
  }

  /** Takes out the functions an event is for, each once, in the order they were registered within a kind. */
  take(event: WatchEvent): ReadonlySet<Watcher> {
    let taken: Set<Watcher> | undefined
    for (const kind of TOUCHED[event.type]) {
      const table = this.#tables[kind]
      const waiting = table.get(event.path)
      if (waiting === undefined) continue
      table.delete(event.path)
      if (taken === undefined) taken = waiting
      else for (const watcher of waiting) taken.add(watcher)
    }
    return taken ?? NOBODY
  }

  /** What a new home must know to tell what was missed since `since` and to watch on. */
  toMessage(since: Zxid): SetWatches {
    const paths = (kind: WatchKind): ZPath[] => [...this.#tables[kind].keys()] as ZPath[]
    return {
      kind: 'setWatches',
      since,
      data: paths('data'),
      exist: paths('exist'),
      child: paths('child'),
    }
  }

  clear(): void {
    for (const kind of WATCH_KINDS) this.#tables[kind].clear()
  }
}

const NOBODY: ReadonlySet<Watcher> = new Set()

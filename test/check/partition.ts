/**
 * Parts of a history that can be ordered on their own, as lanes: two for each session that takes part, one of its
 * writes and one of its reads.
 *
 * Trees below different children of the root have nothing to do with each other but the order of what one session does
 * in them. So a history whose calls leave the root alone falls apart into them; of that order remains what the times of
 * the steps tell (see `timeline.ts`). Single paths do have to do with each other; parts of that size are for the model
 * of one path, which knows what it does not know.
 */

import { parentPath } from './history.ts'
import { actsOf, mayHaveMade, type PathAct, SEQUENCE } from './path-model.ts'
import { nextRequired, type Timed, type Timeline } from './timeline.ts'
import type { Lane, Step } from './wgl.ts'

export interface Part<Op> {
  /** The path, or the root of the tree, that it is about. */
  readonly name: string
  readonly lanes: readonly Lane<Op>[]
  readonly steps: number
}

interface Entry<Op> {
  readonly timed: Timed
  readonly touches?: readonly string[] | undefined
  /** Place among the session's writes, or -1 for a read. */
  readonly at: number
  readonly op: Op
}

interface Share<Op> {
  readonly timeline: Timeline
  readonly writes: Entry<Op>[]
  readonly reads: Entry<Op>[]
}

/** Collects who takes part in what, and lays it out. */
class Parts<Op> {
  readonly #parts = new Map<string, Map<Timeline, Share<Op>>>()
  readonly #fence: (timed: Timed) => Op
  readonly #next = new Map<Timeline, (Timed | undefined)[]>()

  constructor(fence: (timed: Timed) => Op) {
    this.#fence = fence
  }

  names(): Iterable<string> {
    return this.#parts.keys()
  }

  add(name: string, timeline: Timeline, entry: Entry<Op>): void {
    let part = this.#parts.get(name)
    if (part === undefined) {
      part = new Map()
      this.#parts.set(name, part)
    }
    let share = part.get(timeline)
    if (share === undefined) {
      share = { timeline, writes: [], reads: [] }
      part.set(timeline, share)
    }
    if (entry.at < 0) share.reads.push(entry)
    else share.writes.push(entry)
  }

  take(): Part<Op>[] {
    return [...this.#parts].map(([name, shares]) => {
      const lanes = [...shares.values()].flatMap((share, at) => this.#lanesOf(share, 2 * at))
      const steps = lanes.reduce((sum, lane) => sum + lane.steps.length, 0)
      return { name, lanes, steps }
    })
  }

  /** `number`: of the first of the two lanes. */
  #lanesOf({ timeline, writes, reads }: Share<Op>, number: number): Lane<Op>[] {
    const steps: Step<Op>[] = []
    const places: number[] = []
    const push = (timed: Timed, op: Op, touches?: readonly string[]): void => {
      steps.push({ ...timed, op, after: 0, touches })
      places.push(timed.place)
    }
    writes.sort((a, b) => a.at - b.at)
    writes.forEach(({ timed, at, op, touches }, index) => {
      push(timed, op, touches)
      if (timed.required) return
      const fence = this.#nextOf(timeline)[at]
      const following = writes[index + 1]
      if (fence !== undefined && (following === undefined || following.timed.place > fence.place)) {
        push({ ...fence, call: undefined, isEnd: false }, this.#fence(fence), [])
      }
    })
    let after = 0
    const looks = reads.map(({ timed, op, touches }) => {
      while (after < places.length && places[after]! < timed.place) after++
      return { ...timed, op, after, touches }
    })
    return [{ steps }, { steps: looks, gate: number }]
  }

  #nextOf(timeline: Timeline): (Timed | undefined)[] {
    let next = this.#next.get(timeline)
    if (next === undefined) {
      next = nextRequired(timeline.writes)
      this.#next.set(timeline, next)
    }
    return next
  }
}

function* entries(timeline: Timeline): Generator<readonly [Timed, number]> {
  for (const [at, timed] of timeline.writes.entries()) yield [timed, at]
  for (const timed of timeline.reads) yield [timed, -1]
}

/** One part for each path. */
export function partsByPath(timelines: readonly Timeline[]): Part<PathAct>[] {
  const parts = new Parts<PathAct>(timed => ({ timed, role: 'fence' }))
  for (const timeline of timelines) {
    const owned = new Set<string>()
    for (const [timed, at] of entries(timeline)) {
      for (const [path, op] of actsOf(timed)) {
        parts.add(path, timeline, { timed, at, op })
        if (op.role === 'own' && isEphemeral(timed)) owned.add(path)
      }
    }
    for (const path of owned) addEnd(parts, timeline, path)
  }
  const paths = [...parts.names()]
  for (const timeline of timelines) addPathless(parts, timeline, paths)
  return parts.take()
}

function isEphemeral({ call }: Timed): boolean {
  return call?.operation.kind === 'create' && call.operation.ephemeral === true
}

function addEnd(parts: Parts<PathAct>, timeline: Timeline, path: string): void {
  timeline.writes.forEach((timed, at) => {
    if (timed.isEnd) parts.add(path, timeline, { timed, at, op: { timed, role: 'end' } })
  })
}

/** A sequential create that was not answered may have made any of the nodes that begin with its path. */
function addPathless(parts: Parts<PathAct>, timeline: Timeline, paths: readonly string[]): void {
  timeline.writes.forEach((timed, at) => {
    const { call, required } = timed
    if (required || call === undefined) return
    for (const path of paths.filter(path => mayHaveMade(call, path))) {
      parts.add(path, timeline, { timed, at, op: { timed, role: 'own' } })
      if (isEphemeral(timed)) addEnd(parts, timeline, path)
    }
  })
}

const ROOT = '/'

/** One part for each tree below the root, or a single one when something concerns the root itself. */
export function partsByTree(timelines: readonly Timeline[]): Part<Timed>[] {
  const parts = new Parts<Timed>(timed => ({ ...timed, call: undefined, isEnd: false }))
  const whole = timelines.some(({ writes, reads }) => [...writes, ...reads].some(concernsRoot))
  for (const timeline of timelines) {
    const owned = new Map<string, Set<string>>()
    for (const [timed, at] of entries(timeline)) {
      const path = pathOf(timed)
      if (path === undefined) continue
      const name = whole ? ROOT : `/${path.split('/')[1]}`
      const touches = touchesOf(timed)
      parts.add(name, timeline, { timed, at, op: timed, touches })
      if (!isEphemeral(timed)) continue
      const things = owned.get(name) ?? new Set()
      for (const thing of touches) things.add(thing)
      owned.set(name, things)
    }
    for (const [name, things] of owned) {
      timeline.writes.forEach((timed, at) => {
        if (timed.isEnd) parts.add(name, timeline, { timed, at, op: timed, touches: [...things] })
      })
    }
  }
  return parts.take()
}

/** All that a call reads or changes: nodes, and (as a name with a star) those of which only the beginning is known. */
function touchesOf({ call }: Timed): string[] {
  const { operation, result } = call!
  if (!('path' in operation)) return []
  const path = result?.path ?? operation.path
  const touches = [path, path.replace(SEQUENCE, '*')]
  if (operation.kind === 'delete') touches.push(parentPath(path))
  if (operation.kind !== 'create') return touches
  if (operation.sequential) touches.push(`${operation.path}*`)
  let above = parentPath(path)
  touches.push(above)
  while (operation.parents && above !== ROOT) {
    above = parentPath(above)
    touches.push(above)
  }
  return touches
}

function pathOf({ call }: Timed): string | undefined {
  return call !== undefined && 'path' in call.operation ? call.operation.path : undefined
}

/** Whether it shows or changes more of the root than that it is there. */
function concernsRoot(timed: Timed): boolean {
  const path = pathOf(timed)
  if (path === undefined) return false
  if (path === ROOT) return true
  const { operation } = timed.call!
  return operation.kind === 'create' && operation.sequential === true && path.lastIndexOf('/') === 0
}

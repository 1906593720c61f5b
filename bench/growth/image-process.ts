/**
 * A process with a large tree and nothing beside it: how long a peer stands still for each step of a snapshot. With an
 * ensemble around it, threads that wait for a processor take longer than that.
 */

import { SNAPSHOT_CHUNK_BYTES } from '../../lib/base/limits.ts'
import { parsePath } from '../../lib/base/path.ts'
import type { ImageKind } from '../../lib/tree/ledger.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import { parentsOf, pathsOf, shuffled } from '../load/paths.ts'
import { LoneTree } from '../systems/lone-tree.ts'

export interface ImageTask {
  readonly top: string
  readonly nodes: number
}

export interface ImageSteps {
  readonly steps: number
  readonly longestMs: number
  readonly totalMs: number
}

export interface Images {
  readonly full: ImageSteps
  /** Of a tenth of the nodes. */
  readonly delta: ImageSteps
}

const data = new Uint8Array(100).fill(0x2a)

function take(tree: Tree, kind: ImageKind): ImageSteps {
  let steps = 0
  let longestMs = 0
  let totalMs = 0
  const step = <T>(work: () => T): T => {
    const startedAt = performance.now()
    const result = work()
    const ms = performance.now() - startedAt
    steps++
    longestMs = Math.max(longestMs, ms)
    totalMs += ms
    return result
  }
  step(() => tree.beginImage(kind))
  while (step(() => tree.nextImageChunk(SNAPSHOT_CHUNK_BYTES)) !== undefined);
  return { steps, longestMs, totalMs }
}

const { top, nodes } = JSON.parse(process.argv[2]!) as ImageTask
const lone = new LoneTree()
const paths = pathsOf(top, nodes).map(parsePath)
for (const path of [...parentsOf(top, nodes).map(parsePath), ...paths]) lone.create(path, data)
const full = take(lone.tree, 'full')
for (const path of shuffled(paths).slice(0, Math.ceil(nodes / 10))) lone.set(path, data)
const delta = take(lone.tree, 'delta')
const result: Images = { full, delta }
console.log(JSON.stringify(result))

/** Operations on a quorumtree session, as the loops want them. Every answer is looked at. */

import type { GetResult, Stat, Tree } from '../../lib/index.ts'
import type { BlockingTarget, Target } from '../load/closed-loop.ts'

export function setTarget(tree: Tree, paths: readonly string[], data: Uint8Array): Target<Stat> {
  const { promises } = tree
  const { length } = paths
  return {
    call: at => promises.set(paths[at % length]!, data),
    isRight: stat => stat.dataLength === data.length,
  }
}

export function blockingSetTarget(
  tree: Tree,
  paths: readonly string[],
  data: Uint8Array,
): BlockingTarget<Stat> {
  const { length } = paths
  return {
    call: at => tree.set(paths[at % length]!, data),
    isRight: stat => stat.dataLength === data.length,
  }
}

/** Each path once: a run has at most as many calls as there are paths. */
export function createTarget(
  tree: Tree,
  paths: readonly string[],
  data: Uint8Array,
): Target<string> {
  const { promises } = tree
  return {
    call: at => promises.create(paths[at]!, data),
    isRight: (path, at) => path === paths[at],
  }
}

export function deleteTarget(tree: Tree, paths: readonly string[]): Target<void> {
  const { promises } = tree
  return { call: at => promises.delete(paths[at]!), isRight: () => true }
}

export function blockingGetTarget(
  tree: Tree,
  paths: readonly string[],
  payloadBytes: number,
): BlockingTarget<GetResult> {
  const { length } = paths
  return {
    call: at => tree.get(paths[at % length]!),
    isRight: ({ data }) => data.length === payloadBytes,
  }
}

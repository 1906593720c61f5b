/**
 * Whether there is one order of all that happened which explains every answer, in which what was over before something
 * else began comes first, and in which each session's writes keep their order.
 *
 * Checked twice. Path by path: small searches, which settle quickly what is wrong, but do not see all that ties paths
 * together. Then tree by tree, exactly. Known transactions are used to guess the order and to narrow the times between
 * which something happened, not as a proof of the order, so this finds a wrong transaction number too.
 */

import { describeCall } from './history.ts'
import { type Part, partsByPath, partsByTree } from './partition.ts'
import { pathModel } from './path-model.ts'
import type { Timed, Timeline } from './timeline.ts'
import { TREE_MODEL } from './tree-model.ts'
import type { Finding } from './verdict.ts'
import { findOrder, type Model, type Outcome } from './wgl.ts'

export interface LinearizabilityOptions {
  /** Steps to try for each part before giving up. */
  readonly budget?: number | undefined
  /** Trees with more steps than this are left to the check path by path. */
  readonly treeStepsMax?: number | undefined
}

export interface Linearizability {
  readonly findings: readonly Finding[]
  /** Parts and steps that were ordered. */
  readonly paths: number
  readonly trees: number
  readonly steps: number
  /** Trees that were too large to check exactly. */
  readonly treesLeft: number
  readonly tried: number
}

const BUDGET = 3_000_000
const TREE_STEPS_MAX = 20_000
const STUCK_SHOWN = 6

export function checkLinearizable(
  timelines: readonly Timeline[],
  { budget = BUDGET, treeStepsMax = TREE_STEPS_MAX }: LinearizabilityOptions = {},
): Linearizability {
  const findings: Finding[] = []
  let tried = 0
  let steps = 0
  const check = <Op, State>(
    part: Part<Op>,
    model: Model<Op, State>,
    timedOf: (op: Op) => Timed,
  ): void => {
    const outcome = findOrder(part.lanes, model, budget)
    tried += outcome.tried
    steps += part.steps
    if (outcome.kind !== 'ok') findings.push(findingOf(part.name, outcome, timedOf))
  }
  const paths = partsByPath(timelines)
  for (const part of paths) check(part, pathModel(part.name), ({ timed }) => timed)
  // A path that is undecided hides nothing: what is wrong with a tree is to be found all the same.
  const wrong = findings.some(({ promise }) => promise !== 'Undecided')
  const trees = wrong ? [] : partsByTree(timelines)
  const small = trees.filter(part => part.steps <= treeStepsMax)
  for (const part of small) check(part, TREE_MODEL, timed => timed)
  const treesLeft = trees.length - small.length
  return { findings, paths: paths.length, trees: small.length, steps, treesLeft, tried }
}

function findingOf<Op>(
  name: string,
  outcome: Exclude<Outcome<Op>, { kind: 'ok' }>,
  timedOf: (op: Op) => Timed,
): Finding {
  const stuck = outcome.stuck.map(op => {
    const { call, session } = timedOf(op)
    return call === undefined ? `the end of ${session.name}` : describeCall(call)
  })
  const shown = stuck.slice(0, STUCK_SHOWN).join('\n  ')
  const undecided = outcome.kind === 'undecided'
  const what = undecided ? `no end after ${outcome.tried} steps, at best with` : 'nothing fits of'
  const promise = undecided ? 'Undecided' : 'Linearizable'
  return { promise, message: `${name}: ${what}\n  ${shown}` }
}

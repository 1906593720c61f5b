/** Many sessions: opened, each with an ephemeral node, all of them told of one change, and closed again. */

import type { ConnectOptions, Ensemble, Tree } from '../../lib/index.ts'
import { median } from '../load/row.ts'
import { openInNewDirectory } from '../systems/quorumtree.ts'
import { untilReady } from '../util/child.ts'
import { formatBytes, formatCount, formatMs } from '../util/format.ts'
import type { Chapter } from './chapter.ts'
import type { GrowthOptions } from './options.ts'

const MEMBERS = '/members'
const WATCHED = '/watched'
const AT_ONCE = 100
const PATIENCE_MS = 120_000

/** Where the sessions read, and so who watches for them: their peer, or the replica in their thread. */
type Reads = NonNullable<ConnectOptions['reads']>

interface SessionFigures {
  readonly sessions: number
  readonly openedPerSecond: number
  readonly residentBytes: number
  /** From a change until the last of all sessions is told. */
  readonly fanOutMs: number
  readonly eventsPerSecond: number
  readonly closedMs: number
}

/** Sessions of this thread, so many being opened at a time, each with an ephemeral node. */
async function openSessions(ensemble: Ensemble, count: number, reads: Reads): Promise<Tree[]> {
  const trees: Tree[] = []
  while (trees.length < count) {
    const many = Math.min(AT_ONCE, count - trees.length)
    const opened = Array.from({ length: many }, async () => {
      const tree = await ensemble.connect({ timeoutMs: 60_000, reads })
      await tree.promises.create(`${MEMBERS}/n-`, '', { ephemeral: true, sequential: true })
      return tree
    })
    trees.push(...(await Promise.all(opened)))
    if (trees.length % 1000 === 0) console.error(`  ${formatCount(trees.length)} sessions`)
  }
  return trees
}

/** Every session watches one node; it is changed, and the last one to be told ends the time. */
async function fanOut(writer: Tree, trees: readonly Tree[]): Promise<number> {
  let told = 0
  let onAll: (() => void) | undefined
  const allTold = new Promise<void>(resolve => {
    onAll = resolve
  })
  const watch = () => {
    told++
    if (told === trees.length) onAll?.()
  }
  await Promise.all(trees.map(tree => tree.promises.get(WATCHED, { watch })))
  const startedAt = performance.now()
  await Promise.all([writer.promises.set(WATCHED, 'changed'), allTold])
  return performance.now() - startedAt
}

async function untilNoMembers(tree: Tree): Promise<void> {
  await untilReady('all ephemeral nodes are gone', PATIENCE_MS, async () => {
    const members = await tree.promises.children(MEMBERS)
    return members.length === 0 ? true : undefined
  })
}

async function measure(
  { directory, sessions, runs }: GrowthOptions,
  reads: Reads,
): Promise<SessionFigures> {
  await using opened = await openInNewDirectory(directory, { peers: 3 })
  const { ensemble } = opened
  await using tree = await ensemble.connect({ reads: 'peer' })
  await tree.promises.create(MEMBERS)
  await tree.promises.create(WATCHED)
  const startedAt = performance.now()
  const trees = await openSessions(ensemble, sessions, reads)
  const openMs = performance.now() - startedAt
  const residentBytes = process.memoryUsage.rss()
  const fanOuts: number[] = []
  for (let run = 0; run < runs; run++) fanOuts.push(await fanOut(tree, trees))
  const fanOutMs = median(fanOuts)
  const closingAt = performance.now()
  await Promise.all(trees.map(each => each.promises.close()))
  await untilNoMembers(tree)
  return {
    sessions,
    openedPerSecond: sessions / (openMs / 1000),
    residentBytes,
    fanOutMs,
    eventsPerSecond: sessions / (fanOutMs / 1000),
    closedMs: performance.now() - closingAt,
  }
}

export async function measureSessions(options: GrowthOptions): Promise<Chapter> {
  const peer = await measure(options, 'peer')
  const local = await measure(options, 'local')
  const line = (what: string, show: (figures: SessionFigures) => string) => [
    what,
    show(peer),
    show(local),
  ]
  const lines = [
    ['what', 'reads at the peer', 'local reads'],
    line('opened, each with an ephemeral node, per second', ({ openedPerSecond }) =>
      formatCount(openedPerSecond),
    ),
    line('memory of the process', ({ residentBytes }) => formatBytes(residentBytes)),
    line('one node watched by all: until the last is told', ({ fanOutMs }) => formatMs(fanOutMs)),
    line('the same as events per second', figures => formatCount(figures.eventsPerSecond)),
    line('all closed, and their nodes gone', ({ closedMs }) => formatMs(closedMs)),
  ]
  const title = `${formatCount(options.sessions)} sessions in one thread, three peers`
  return { title, lines, notes: [], figures: { peer, local } }
}

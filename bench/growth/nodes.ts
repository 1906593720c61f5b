/**
 * A large tree: how fast it is loaded, what it does to writes, to memory, disk and the time to open it again, and how
 * long a peer stands still while it takes snapshots of it.
 */

import { rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { openEnsemble, type Tree } from '../../lib/index.ts'
import { pathsOf, shuffled } from '../load/paths.ts'
import { measureCases } from '../load/series.ts'
import { makeNodes, measureLoop, untilLocal } from '../systems/quorumtree.ts'
import { setTarget } from '../systems/tree-targets.ts'
import { runProcess } from '../util/child.ts'
import { formatBytes, formatCount, formatMs } from '../util/format.ts'
import { dataDirectory } from '../util/places.ts'
import type { Chapter } from './chapter.ts'
import { diskBytes } from './disk.ts'
import type { ImageSteps, Images, ImageTask } from './image-process.ts'
import type { Reopened, ReopenTask } from './nodes-process.ts'
import type { GrowthOptions } from './options.ts'
import { besideZooKeeper, type ZooKeeperNodes } from './zookeeper-nodes.ts'

const SMALL = 1000
const TOP = '/nodes'
const PAYLOAD_BYTES = 100
const IN_FLIGHT = 1024
/** Until the garbage of loading is gone. */
const SETTLE_MS = 5000
const PACED_SHARE = 0.3
/** Runs of snapshots take longer than those of writes. */
const PACED_RUNS = 6

interface Loaded {
  readonly loadedPerSecond: number
  readonly setsPerSecond: {
    readonly few: number
    readonly fewOfMany: number
    readonly many: number
  }
  readonly residentBytes: number
  readonly residentMaxBytes: number
  readonly diskBytes: number
}

async function setsPerSecond(
  tree: Tree,
  name: string,
  paths: readonly string[],
  options: GrowthOptions,
): Promise<number> {
  const target = setTarget(tree, paths, Buffer.alloc(PAYLOAD_BYTES, 'x'))
  const subject = {
    ...{ name, system: 'quorumtree', peers: 3, durability: 'power' },
    ...{ payloadBytes: PAYLOAD_BYTES, clients: 1, inFlight: IN_FLIGHT },
  }
  const run = (seconds: number) => measureLoop(target, { inFlight: IN_FLIGHT, seconds })
  const [row] = await measureCases([{ subject, run }], options)
  if (row!.errors > 0) throw new Error(`${row!.errors} sets failed`)
  return row!.opsPerSecond
}

async function load(dataDir: string, options: GrowthOptions): Promise<Loaded> {
  await using ensemble = await openEnsemble({ peers: 3, dataDir })
  await using tree = await ensemble.connect()
  const small = await makeNodes(tree, '/small', SMALL, PAYLOAD_BYTES)
  const few = await setsPerSecond(tree, `sets over ${formatCount(SMALL)} nodes`, small, options)
  const startedAt = performance.now()
  await makeNodes(tree, TOP, options.nodes, PAYLOAD_BYTES)
  const loadMs = performance.now() - startedAt
  console.error(`  loaded at ${formatCount(options.nodes / (loadMs / 1000))}/s`)
  const fewOfMany = await setsPerSecond(tree, 'the same in the large tree', small, options)
  const paths = shuffled(pathsOf(TOP, options.nodes))
  const many = await setsPerSecond(tree, 'sets over all nodes', paths, options)
  await untilLocal(tree, paths[0]!)
  await pause(SETTLE_MS)
  return {
    loadedPerSecond: options.nodes / (loadMs / 1000),
    setsPerSecond: { few, fewOfMany, many },
    residentBytes: process.memoryUsage.rss(),
    residentMaxBytes: process.resourceUsage().maxRSS * 1024,
    diskBytes: diskBytes(dataDir),
  }
}

function reopen(task: ReopenTask): Promise<Reopened> {
  return runProcess<Reopened>('nodes-process', import.meta.url, [JSON.stringify(task)])
}

function takeImages(task: ImageTask): Promise<Images> {
  return runProcess<Images>('image-process', import.meta.url, [JSON.stringify(task)])
}

interface NodesFigures extends Loaded {
  readonly nodes: number
  readonly images: Images
  readonly reopened: Reopened
  readonly withSnapshots: Reopened
  readonly withoutSnapshots: Reopened
  readonly zooKeeper: ZooKeeperNodes | string | undefined
}

async function measure(options: GrowthOptions): Promise<NodesFigures> {
  const dataDir = dataDirectory('nodes', options.directory)
  const loaded = await load(dataDir, options)
  const paths = { dataDir, top: TOP, nodes: options.nodes }
  const pacedPerSecond = loaded.setsPerSecond.many * PACED_SHARE
  const pacedSeconds = options.seconds * PACED_RUNS
  const paced = { ...paths, pacedPerSecond, pacedSeconds, warmUpSeconds: options.warmUpSeconds }
  const unpaced = { ...paths, pacedPerSecond: 0, pacedSeconds: 0, warmUpSeconds: 0 }
  const reopened = await reopen({ ...unpaced, snapshots: true })
  const withoutSnapshots = await reopen({ ...paced, snapshots: false })
  const withSnapshots = await reopen({ ...paced, snapshots: true })
  rmSync(dataDir, { recursive: true, force: true })
  const images = await takeImages({ top: TOP, nodes: options.nodes })
  const zooKeeper = options.beside ? await besideZooKeeper(options) : undefined
  return {
    ...{ nodes: options.nodes, ...loaded, images },
    ...{ reopened, withSnapshots, withoutSnapshots, zooKeeper },
  }
}

function linesOf(figures: NodesFigures): string[][] {
  const {
    setsPerSecond: sets,
    images,
    reopened,
    withSnapshots,
    withoutSnapshots,
    zooKeeper,
  } = figures
  const theirs = typeof zooKeeper === 'object' ? zooKeeper : undefined
  const beside = (value: string | undefined) => value ?? '–'
  const share = (rate: number) => `${formatCount(rate)} (${(rate / sets.few).toFixed(2)} ×)`
  const beats = ({ beats: found }: Reopened) =>
    found === undefined ? '–' : `${formatMs(found.maxms)} (p99 ${formatMs(found.p99ms)})`
  const longest = ({ longestMs, steps, totalMs }: ImageSteps) =>
    `${formatMs(longestMs)} (${formatCount(steps)} take ${formatMs(totalMs)})`
  return [
    ['what', 'quorumtree', 'ZooKeeper'],
    [
      'created per second',
      formatCount(figures.loadedPerSecond),
      beside(theirs && formatCount(theirs.loadedPerSecond)),
    ],
    ['sets per second with 1,000 nodes', formatCount(sets.few), '–'],
    ['the same nodes in the large tree', share(sets.fewOfMany), '–'],
    ['over all nodes', share(sets.many), '–'],
    [
      'resident memory',
      formatBytes(figures.residentBytes),
      beside(theirs && formatBytes(theirs.residentBytes)),
    ],
    ['resident memory, at most', formatBytes(figures.residentMaxBytes), '–'],
    [
      'reads local after opening again',
      reopened.localMs === undefined ? '–' : formatMs(reopened.localMs),
      '–',
    ],
    ['resident memory, opened again', formatBytes(reopened.residentBytes), '–'],
    ['disk', formatBytes(figures.diskBytes), beside(theirs && formatBytes(theirs.diskBytes))],
    [
      'opened again, until it serves',
      formatMs(reopened.servingMs),
      beside(theirs && formatMs(theirs.servingMs)),
    ],
    ['the same, until the last peer has recovered', formatMs(reopened.allUpMs), '–'],
    ['longest step of a full snapshot, by itself', longest(images.full), '–'],
    ['the same of what a tenth of the nodes changed', longest(images.delta), '–'],
    ['longest time between two beats, no snapshots', beats(withoutSnapshots), '–'],
    ['the same while snapshots are made', beats(withSnapshots), '–'],
  ]
}

export async function measureNodes(options: GrowthOptions): Promise<Chapter> {
  const figures = await measure(options)
  const { zooKeeper, withSnapshots } = figures
  const own = withSnapshots.beats?.ownDelayMaxMs ?? Number.NaN
  return {
    title: `${formatCount(options.nodes)} nodes of ${PAYLOAD_BYTES} B, three peers`,
    lines: linesOf(figures),
    notes: [
      'Memory: of the whole process, three peers and a replica in the reading thread.',
      'Beats: with ticks of 2 ms, under sets at a third of the peak rate; the watching thread ' +
        `itself was up to ${formatMs(own)} late.`,
      'By itself: in a thread with nothing beside it. Beats also wait for a free processor.',
      ...(typeof zooKeeper === 'string' ? [`Left out: ${zooKeeper}.`] : []),
    ],
    figures,
  }
}

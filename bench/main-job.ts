/**
 * The main job: a real directory goes into a durable ensemble of three peers, the leader dies halfway, everything is
 * opened again from disk, and every peer must hold every byte. `npm start -- --help` tells the options.
 */

import { freemem } from 'node:os'
import { openEnsemble } from '../lib/index.ts'
import { type FailOver, failOver, type PeerDigest, untilLevel } from './main-job/fail-over.ts'
import { type Listing, listDirectory } from './main-job/listing.ts'
import { Load, type LoadResult } from './main-job/load.ts'
import { type MainJobOptions, parseOptions, USAGE, UsageError } from './main-job/options.ts'
import { startProgress } from './main-job/progress.ts'
import { reportListing, reportResult } from './main-job/report.ts'
import { type Verdict, verifyPeer } from './main-job/verify.ts'

const ROOT = '/files'
const LISTING_LIMITS = { entries: 500_000, ms: 8_000 }
const LOAD_BUDGET_MS = 35_000
/** Every peer holds the tree in memory, next to buffers of the same order, and leaves room for other programs. */
const LOAD_BUDGET_BYTES = Math.min(1024 ** 3, freemem() / 16)

export interface MainJobResult {
  readonly load: LoadResult
  readonly failOver: FailOver
  readonly recoveryMs: number
  readonly verifyMs: number
  readonly verdicts: readonly Verdict[]
  readonly digests: readonly PeerDigest[]
  /** The digest on which all peers agreed before they were closed. */
  readonly digestBefore: number
}

/** Loads, kills and closes; returns what the peers agreed on at the end. */
async function replicate(
  listing: Listing,
  dataDir: string,
): Promise<{ load: LoadResult; failOver: FailOver; digest: number }> {
  await using ensemble = await openEnsemble({ peers: 3, dataDir, durability: 'power' })
  const tree = await ensemble.connect({ operationTimeoutMs: Infinity })
  const progress = startProgress(Math.min(listing.bytes, LOAD_BUDGET_BYTES))
  let failingOver: Promise<FailOver> | undefined
  try {
    const load = await new Load(tree, listing, {
      budgetMs: LOAD_BUDGET_MS,
      budgetBytes: LOAD_BUDGET_BYTES,
      onProgress: (bytes, entries) => progress.update(bytes, entries),
      onHalf: () => {
        failingOver = failOver(ensemble, ROOT)
        // Awaited below; a failure of the load itself may come first.
        failingOver.catch(() => undefined)
      },
    }).run()
    const measured = await failingOver!
    await tree.promises.close()
    const [peer] = await untilLevel(ensemble)
    return { load, failOver: measured, digest: peer!.digest }
  } finally {
    progress.stop()
  }
}

/** Opens everything again and reads it back from each peer. */
async function verify(
  load: LoadResult,
  dataDir: string,
): Promise<Pick<MainJobResult, 'recoveryMs' | 'verifyMs' | 'verdicts' | 'digests'>> {
  const openedAt = performance.now()
  await using ensemble = await openEnsemble({ peers: 3, dataDir, durability: 'power' })
  const tree = await ensemble.connect()
  const recoveryMs = performance.now() - openedAt
  await tree.promises.close()
  const digests = await untilLevel(ensemble)
  const verifiedAt = performance.now()
  const verdicts = await Promise.all(
    digests.map(({ sid }) => verifyPeer(ensemble, sid, load.replicated)),
  )
  return { recoveryMs, verifyMs: performance.now() - verifiedAt, verdicts, digests }
}

function agrees({ verdicts, digests, digestBefore }: MainJobResult): boolean {
  return (
    digests.every(({ digest }) => digest === digestBefore) &&
    verdicts.every(({ wrong }) => wrong.length === 0)
  )
}

async function run({ directory, dataDir }: MainJobOptions): Promise<number> {
  const listing = listDirectory(directory, ROOT, { ...LISTING_LIMITS, exceptFor: dataDir })
  reportListing(directory, listing)
  const { digest, ...first } = await replicate(listing, dataDir)
  const result = { ...first, ...(await verify(first.load, dataDir)), digestBefore: digest }
  const agreed = agrees(result)
  reportResult(result, dataDir, agreed)
  return agreed ? 0 : 1
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options !== undefined) return await run(options)
    console.log(USAGE)
    return 0
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`quorumtree: ${error.message}\n\n${USAGE}`)
      return 2
    }
    console.error('quorumtree: the main job failed:', error)
    return 1
  }
}

process.exitCode = await main()

/** What the main job tells, line by line. */

import type { MainJobResult } from '../main-job.ts'
import { formatBytes, formatCount, formatMs, formatNumberOf } from '../util/format.ts'
import type { Entry, Listing, Skipped } from './listing.ts'

const SHOWN_MAX = 10

export function reportListing(directory: string, listing: Listing): void {
  console.log(`${directory}: ${describe(listing.entries)}, ${formatBytes(listing.bytes)}`)
  if (!listing.complete) console.log('  there is more: the listing stopped here')
  reportSkipped(listing.skipped)
}

function describe(entries: readonly Pick<Entry, 'kind'>[]): string {
  const count = (kind: Entry['kind']) => entries.filter(entry => entry.kind === kind).length
  return [
    formatNumberOf(count('file'), 'file', 'files'),
    formatNumberOf(count('directory'), 'directory', 'directories'),
    formatNumberOf(count('link'), 'symlink', 'symlinks'),
  ].join(', ')
}

function reportSkipped(skipped: readonly Skipped[]): void {
  if (skipped.length === 0) return
  console.log(`  left out: ${formatCount(skipped.length)}`)
  showSome(skipped.map(({ source, why }) => `${source}: ${why}`))
}

function showSome(lines: readonly string[]): void {
  for (const line of lines.slice(0, SHOWN_MAX)) console.log(`    ${line}`)
  const more = lines.length - SHOWN_MAX
  if (more > 0) console.log(`    … and ${formatCount(more)} more`)
}

/** Prints aligned `label  value` rows. */
function rows(pairs: readonly (readonly [label: string, value: string])[]): void {
  for (const [label, value] of pairs) console.log(`${label.padEnd(12)} ${value}`)
}

export function reportResult(result: MainJobResult, dataDir: string, agreed: boolean): void {
  const { load, failOver } = result
  const perSecond = (amount: number) => amount / (load.ms / 1000)
  const percentile = (percent: number) => formatMs(load.latencies.percentileMs(percent))
  reportSkipped(load.unreadable)
  rows([
    [
      'replicated',
      `${describe(load.replicated)}, ${formatBytes(load.bytes)} in ${formatMs(load.ms)}`,
    ],
    [
      'writes',
      `${formatCount(load.writes)}: ${formatCount(perSecond(load.writes))}/s, ` +
        `${formatBytes(perSecond(load.bytes))}/s, each on disk at a quorum`,
    ],
    ['latency', `p50 ${percentile(50)}, p99 ${percentile(99)}, all under way at once counted`],
    [
      'fail-over',
      `${formatMs(failOver.gapMs)} from the kill of leader ${failOver.killed} to the next ` +
        `acknowledged write (leader ${failOver.successor}); peer ${failOver.killed} was back ` +
        `${formatMs(failOver.returnMs)} after its start`,
    ],
    ['recovery', `${formatMs(result.recoveryMs)} from opening the three logs to serving`],
    ['verified', `SHA-256 of everything at each peer in ${formatMs(result.verifyMs)}`],
  ])
  for (const { sid, digest, nodes } of result.digests) {
    const { wrong } = result.verdicts.find(verdict => verdict.sid === sid)!
    const verdict = wrong.length === 0 ? 'all as written' : `${formatCount(wrong.length)} WRONG`
    rows([
      [`peer ${sid}`, `digest ${digest.toString(16)}, ${formatCount(nodes)} znodes, ${verdict}`],
    ])
    showSome(wrong)
  }
  rows([['data', dataDir]])
  if (!load.complete) {
    console.log(
      'The budget for loading was used up: only what is given above was replicated and verified.',
    )
  }
  console.log(agreed ? 'All peers agree.' : disagreement(result))
}

function disagreement({ digests, digestBefore }: MainJobResult): string {
  const changed = digests.filter(({ digest }) => digest !== digestBefore).map(({ sid }) => sid)
  if (changed.length === 0) return 'FAILED: not all content is as it was written.'
  const before = digestBefore.toString(16)
  return `FAILED: before closing the digest was ${before}, now it differs at peer ${changed.join(', ')}.`
}

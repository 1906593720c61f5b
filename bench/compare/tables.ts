/** The result as tables: claims with their verdicts, rows, floors, and what a kill and a first write take. */

import { floorLines, rowLines } from '../load/report.ts'
import { formatCount, formatMs } from '../util/format.ts'
import { describeBusy } from '../util/machine.ts'
import type { Lines } from '../util/table.ts'
import { type Claim, claimsOf, verdictOf } from './claims.ts'
import type { Result } from './result.ts'

function formatFigure(figure: number, { unit }: Claim): string {
  if (Number.isNaN(figure)) return '–'
  const digits = unit === 'ms' || unit === 'µs' ? 0 : 2
  const number = figure.toFixed(Math.abs(figure) >= 100 ? 0 : digits)
  return unit === '' ? number : `${number} ${unit}`
}

function claimLines(claims: readonly Claim[]): Lines {
  return [
    ['what', 'must', 'goal', 'reached', 'verdict'],
    ...claims.map(claim => {
      const sign = claim.better === 'more' ? '≥' : '≤'
      return [
        claim.what,
        `${sign} ${formatFigure(claim.must, claim)}`,
        `${sign} ${formatFigure(claim.goal, claim)}`,
        formatFigure(claim.reached, claim),
        verdictOf(claim),
      ]
    }),
  ]
}

function failOverLines({ failOver, rivalFailOver, firstWrite }: Result): Lines {
  const lines = [['event', 'p50', 'p99', 'max']]
  if (failOver !== undefined) {
    const { kills, p50ms, p99ms, maxms, loadGapP50ms, loadGapMaxms } = failOver
    const name = `leader killed, next write (${formatCount(kills)} kills)`
    lines.push([name, formatMs(p50ms), formatMs(p99ms), formatMs(maxms)])
    const gap = [formatMs(loadGapP50ms), '', formatMs(loadGapMaxms)]
    lines.push(['the same, as the loading thread sees it', ...gap])
  }
  if (rivalFailOver !== undefined) {
    const { kills, p50ms, maxms } = rivalFailOver
    const name = `ZooKeeper's leader killed, one writer (${formatCount(kills)} kills)`
    lines.push([name, formatMs(p50ms), '', formatMs(maxms)])
  }
  if (firstWrite !== undefined) {
    lines.push(['ensemble opened on an empty directory', formatMs(firstWrite.openedMs), '', ''])
    lines.push(['first write acknowledged', formatMs(firstWrite.writtenMs), '', ''])
    lines.push(['the same, from the start of the process', formatMs(firstWrite.processMs), '', ''])
  }
  return lines
}

/** All tables, through `format`, with what has to be said beside them. */
export function tellResult(result: Result, format: (lines: Lines) => string): string {
  const { machine, plan, ownCost, skipped } = result
  const gib = (machine.memoryBytes / 1024 ** 3).toFixed(0)
  const where = `${machine.cores} cores (${machine.cpu}), ${gib} GiB, ${machine.fileSystem}`
  const how = `runs of ${plan.seconds} s after ${plan.warmUpSeconds} s, median of ${plan.runs}`
  const busy = describeBusy(machine)
  const events = failOverLines(result)
  const tables = [
    claimLines(claimsOf(result)),
    rowLines(result.rows),
    floorLines(result.floors),
    events,
  ].filter(lines => lines.length > 1)
  return [
    `${where}, Node ${machine.node}, ${machine.date}; ${how}.`,
    ...(busy === undefined ? [] : [busy]),
    ...tables.map(format),
    `The load generator itself takes ${ownCost.closedLoopNs.toFixed(0)} ns per operation.`,
    ...skipped.map(reason => `Left out: ${reason}.`),
  ].join('\n\n')
}

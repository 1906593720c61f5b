/**
 * Charts of a comparison, as SVG: bars, with no more colour than tells us from the others, readable on a white and on a
 * dark background.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '../load/row.ts'
import { optionalPackage } from '../util/packages.ts'
import {
  BLOCKING_SET,
  LOCAL_GETS,
  OURS,
  PIPELINED_CREATES,
  PIPELINED_SETS,
  PROMISED_SET,
  ZOOKEEPER,
} from './names.ts'
import type { Result } from './result.ts'

/** What we use of `echarts`. */
interface Echarts {
  init(
    element: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ): { setOption(option: object): void; renderToSVGString(): string; dispose(): void }
}

type Figure = 'opsPerSecond' | 'p50us'

interface Bar {
  readonly label: string
  readonly value: number
  readonly ours: boolean
}

interface Chart {
  readonly file: string
  readonly title: string
  readonly bars: readonly Bar[]
  readonly format: (value: number) => string
}

const WIDTH = 720
const LABEL_WIDTH = 200
const BAR_HEIGHT = 34
const FRAME_HEIGHT = 56
const OUR_COLOUR = '#2f81f7'
const OTHER_COLOUR = '#8b949e'
const TEXT_COLOUR = '#768390'
const FONT = 'system-ui, sans-serif'

function optionOf({ title, bars, format }: Chart): object {
  const text = { color: TEXT_COLOUR, fontFamily: FONT, fontSize: 13 }
  return {
    animation: false,
    title: { text: title, left: 8, top: 8, textStyle: { ...text, fontSize: 15 } },
    // Without a browser nobody can tell how wide a label is.
    grid: { left: LABEL_WIDTH, right: 100, top: 44, bottom: 8 },
    xAxis: { type: 'value', show: false },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ label }) => label),
      axisLabel: text,
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: '62%',
        data: bars.map(({ value, ours }) => ({
          value,
          itemStyle: { color: ours ? OUR_COLOUR : OTHER_COLOUR },
          label: { show: true, position: 'right', formatter: format(value), ...text },
        })),
      },
    ],
  }
}

/** What is to be compared stands together: all systems of one row, then those of the next. */
function barsOf(rows: readonly Row[], labels: ReadonlyMap<string, string>, of: Figure): Bar[] {
  return [...labels].flatMap(([name, label]) =>
    rows
      .filter(row => row.name === name && row.durability === 'power')
      .map(row => ({
        label: `${row.system}${label}`,
        value: row[of],
        ours: row.system === OURS,
      })),
  )
}

function failOverBars({ failOver, rivalFailOver }: Result): Bar[] {
  const ours = failOver === undefined ? [] : [{ label: OURS, value: failOver.p50ms, ours: true }]
  if (rivalFailOver === undefined) return ours
  return [...ours, { label: ZOOKEEPER, value: rivalFailOver.p50ms, ours: false }]
}

function chartsOf(result: Result): Chart[] {
  const { rows } = result
  const thousands = (value: number) => `${(value / 1000).toFixed(1)} k/s`
  const writes = new Map([
    [PIPELINED_SETS, ', set 100 B'],
    [PIPELINED_CREATES, ', create 1 KiB'],
  ])
  const single = new Map([
    [BLOCKING_SET, ', blocking'],
    [PROMISED_SET, ', promise'],
  ])
  return [
    {
      file: 'throughput.svg',
      title: 'Durable writes per second, three peers, pipelined',
      bars: barsOf(rows, writes, 'opsPerSecond'),
      format: thousands,
    },
    {
      file: 'latency.svg',
      title: 'One durable set at a time, three peers: median',
      bars: barsOf(rows, single, 'p50us'),
      format: (value: number) => `${value.toFixed(0)} µs`,
    },
    {
      file: 'reads.svg',
      title: 'Reads of 100 B in one thread, per second',
      bars: barsOf(rows, new Map([[LOCAL_GETS, '']]), 'opsPerSecond'),
      format: thousands,
    },
    {
      file: 'fail-over.svg',
      title: 'Leader killed: median time until the next write',
      bars: failOverBars(result),
      format: (value: number) => `${value.toFixed(0)} ms`,
    },
  ].filter(({ bars }) => bars.length > 0)
}

/** Writes the charts that the result has figures for. @returns Why there are none, if so. */
export function writeCharts(result: Result, directory: string): string | undefined {
  const echarts = optionalPackage<Echarts>('echarts')
  if (echarts === undefined) return 'no charts: echarts could not be installed'
  mkdirSync(directory, { recursive: true })
  for (const chart of chartsOf(result)) {
    const height = FRAME_HEIGHT + BAR_HEIGHT * chart.bars.length
    const size = { width: WIDTH, height }
    const drawing = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size })
    drawing.setOption(optionOf(chart))
    writeFileSync(join(directory, chart.file), `${drawing.renderToSVGString()}\n`)
    drawing.dispose()
  }
  return undefined
}

/** How far the load is: a bar on a terminal, a line per quarter elsewhere. */

import { SingleBar } from 'cli-progress'
import { formatBytes, formatCount } from '../util/format.ts'

export interface Progress {
  update(bytes: number, entries: number): void
  stop(): void
}

export function startProgress(totalBytes: number): Progress {
  return process.stderr.isTTY ? new Bar(totalBytes) : new Lines(totalBytes)
}

class Bar implements Progress {
  readonly #bar: SingleBar

  constructor(totalBytes: number) {
    this.#bar = new SingleBar({
      format: '  {bar} {percentage} % | {value}/{total} | {entries} entries | {duration_formatted}',
      formatValue: (value, _options, type) =>
        type === 'value' || type === 'total' ? formatBytes(value) : String(value),
      barsize: 30,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
    })
    this.#bar.start(totalBytes, 0, { entries: '0' })
  }

  update(bytes: number, entries: number): void {
    this.#bar.update(bytes, { entries: formatCount(entries) })
  }

  stop(): void {
    this.#bar.stop()
  }
}

class Lines implements Progress {
  readonly #totalBytes: number
  #quarters = 0

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes
  }

  update(bytes: number, entries: number): void {
    const quarters = Math.floor((bytes * 4) / Math.max(this.#totalBytes, 1))
    if (quarters <= this.#quarters) return
    this.#quarters = quarters
    const share = `${quarters * 25} %: ${formatBytes(bytes)}`
    process.stderr.write(`  ${share}, ${formatCount(entries)} entries\n`)
  }

  stop(): void {}
}

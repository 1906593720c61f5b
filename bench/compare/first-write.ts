/** The first write of a new ensemble: each in a process and a directory of its own, since it is made only once. */

import { rmSync } from 'node:fs'
import { median } from '../load/row.ts'
import { runProcess } from '../util/child.ts'
import { formatMs } from '../util/format.ts'
import { dataDirectory } from '../util/places.ts'
import type { FirstWrite } from './first-write-process.ts'

/** The median of so many. */
export async function measureFirstWrite(parent: string, times: number): Promise<FirstWrite> {
  const found: FirstWrite[] = []
  for (let at = 0; at < times; at++) {
    const directory = dataDirectory('first-write', parent)
    found.push(await runProcess<FirstWrite>('first-write-process', import.meta.url, [directory]))
    rmSync(directory, { recursive: true, force: true })
  }
  const of = (figure: keyof FirstWrite) => median(found.map(each => each[figure]))
  const result = {
    openedMs: of('openedMs'),
    writtenMs: of('writtenMs'),
    processMs: of('processMs'),
  }
  console.error(`  first write: ${formatMs(result.writtenMs)}`)
  return result
}

/** What a result was measured on, as far as it matters. */

import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'

export interface Machine {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  /** Of the kernel: file system that holds the data. */
  readonly fileSystem: string
  readonly date: string
}

/** The type of the file system that holds `directory`, as Linux knows it. */
function fileSystemOf(directory: string): string {
  let best = { mount: '', type: 'unknown' }
  let mounts: string
  try {
    mounts = readFileSync('/proc/mounts', 'utf8')
  } catch {
    return best.type
  }
  for (const line of mounts.split('\n')) {
    const [, mount, type] = line.split(' ')
    if (mount === undefined || type === undefined) continue
    const holds =
      directory === mount || directory.startsWith(mount.endsWith('/') ? mount : `${mount}/`)
    if (holds && mount.length >= best.mount.length) best = { mount, type }
  }
  return best.type
}

export function describeMachine(directory: string): Machine {
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    fileSystem: fileSystemOf(directory),
    date: new Date().toISOString().slice(0, 10),
  }
}

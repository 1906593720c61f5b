/** What a result was measured on, as far as it matters. */

import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

export interface Machine {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  /** Of the kernel: file system that holds the data. */
  readonly fileSystem: string
  /** Share of the processors that other programs took before the run: far from 0, its figures are not worth much. */
  readonly busyBefore: number
  readonly date: string
}

const LOOK_MS = 1000

function processorTimes(): { readonly idle: number; readonly all: number } {
  let idle = 0
  let all = 0
  for (const { times } of cpus()) {
    idle += times.idle
    all += times.user + times.nice + times.sys + times.idle + times.irq
  }
  return { idle, all }
}

/** How busy the machine is while this program does nothing. */
async function measureBusy(): Promise<number> {
  const before = processorTimes()
  await pause(LOOK_MS)
  const after = processorTimes()
  return 1 - (after.idle - before.idle) / (after.all - before.all)
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

/** To be called before anything is measured. */
export async function describeMachine(directory: string): Promise<Machine> {
  return {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    fileSystem: fileSystemOf(directory),
    busyBefore: await measureBusy(),
    date: new Date().toISOString().slice(0, 10),
  }
}

const BUSY_MAX = 0.1

/** What has to be said about a machine that others use; undefined when there is nothing to say. */
export function describeBusy({ busyBefore }: Machine): string | undefined {
  if (busyBefore <= BUSY_MAX) return undefined
  const share = `${Math.round(busyBefore * 100)} % of the processors`
  return `Other programs took ${share} before the run: its figures are not worth quoting.`
}

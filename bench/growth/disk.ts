/** Memory and disk that are in use. */

import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const BLOCK_BYTES = 512

/** Of all files below `directory`, as the file system counts them. */
export function diskBytes(directory: string): number {
  let bytes = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    // Stores move their files while they are counted.
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats !== undefined)
      bytes += entry.isDirectory() ? diskBytes(path) : stats.blocks * BLOCK_BYTES
  }
  return bytes
}

/** Resident memory of another process (Linux). */
export function residentBytesOf(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1] ?? Number.NaN) * 1024
}

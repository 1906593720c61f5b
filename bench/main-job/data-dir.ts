/** The default place of the peers' data. It is left for a look after a run, and removed by the next one. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PREFIX = 'quorumtree-main-job-'

/** The name tells the process, so that a run under way is left alone. */
export function freshDataDir(): string {
  removeEarlier()
  return mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
}

function removeEarlier(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^quorumtree-main-job-(\d+)-\w{6}$/.exec(name)?.[1]
    if (pid === undefined || isRunning(Number(pid))) continue
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true })
    } catch {
      // Another user's: it is not ours to remove, and not in our way.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

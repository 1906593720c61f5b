/** The script with failing system calls, in processes that have the shim preloaded. */

import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { FailingSystem, type SystemCall } from './failing-system.ts'
import { FAST_PLACE } from './fast-place.ts'

const CHILD = fileURLToPath(new URL('system-child.ts', import.meta.url))
const SHIM_SOURCE = fileURLToPath(new URL('shim/faults.c', import.meta.url))

export interface Manner {
  readonly mode: 'once' | 'forever'
  /** What becomes of a write that fails: half of it reaches the file, or nothing. */
  readonly append: 'whole' | 'torn'
  /** A second call that fails, counted from the reopening on; 0 for none. */
  readonly again: number
  /** One segment holds the whole log, or each snapshot begins another. */
  readonly segments: 'one' | 'many'
}

export const MANNERS: readonly Manner[] = [
  { mode: 'once', append: 'whole', again: 0, segments: 'one' },
  { mode: 'once', append: 'torn', again: 0, segments: 'many' },
  { mode: 'once', append: 'whole', again: 0, segments: 'many' },
  { mode: 'forever', append: 'whole', again: 0, segments: 'one' },
  { mode: 'forever', append: 'whole', again: 0, segments: 'many' },
  { mode: 'once', append: 'torn', again: 7, segments: 'one' },
  { mode: 'once', append: 'whole', again: 31, segments: 'many' },
  { mode: 'once', append: 'torn', again: 71, segments: 'many' },
]

export type SystemReport =
  | {
      readonly kind: 'done'
      readonly runs: number
      readonly totals: Readonly<Record<SystemCall, number>>
    }
  | {
      readonly kind: 'failed'
      readonly nth: number
      readonly calls: string
      readonly message: string
    }

/** Where a shared library, once built, is; or why it cannot be had. */
export async function buildShim(file: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return `it is written for Linux, this is ${process.platform}`
  const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared']
  try {
    await promisify(execFile)('cc', [...flags, '-o', file, SHIM_SOURCE, '-ldl'])
    return undefined
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: string }
    return code === 'ENOENT' ? 'there is no C compiler (cc)' : `it does not compile: ${stderr}`
  }
}

export async function failSystemCalls(shim: string, manner: Manner): Promise<SystemReport> {
  const place = mkdtempSync(join(FAST_PLACE, 'quorumtree-system-'))
  try {
    return await runChild(place, shim, manner)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

async function runChild(place: string, shim: string, manner: Manner): Promise<SystemReport> {
  const root = mkdtempSync(join(place, 'system-'))
  const control = `${root}.control`
  FailingSystem.makeControl(control)
  const { mode, append, again, segments } = manner
  const args = [root, control, mode, append, String(again), segments]
  const env = { ...process.env, LD_PRELOAD: shim, FAULTS_ROOT: root, FAULTS_CONTROL: control }
  const child = fork(CHILD, args, { execArgv: ['--import', 'tsx'], env })
  const ended = once(child, 'exit').then(([code, signal]): [SystemReport] => [
    { kind: 'failed', nth: 0, calls: '', message: `the process ended: ${signal ?? code}` },
  ])
  const [report] = await Promise.race([once(child, 'message') as Promise<[SystemReport]>, ended])
  await ended
  return report
}

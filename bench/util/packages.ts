/**
 * The packages that only comparisons and charts need. They are installed when they are first wanted, into a directory
 * of their own that git ignores: a clone that is only to be tried or tested needs no compiler and no hundred megabytes
 * for them. A package that cannot be had is missing, and what needs it is left out.
 */

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ROOT } from './places.ts'

const SOURCE = join(ROOT, 'bench', 'packages')
const PLACE = join(ROOT, '.quorumtree', 'bench', 'packages')
const LOCK = 'package-lock.json'
const FILES = ['package.json', LOCK, '.npmrc']
/** Written last, so that an installation that was cut short is made again. */
const INSTALLED = 'installed-lock.json'

function isInstalled(): boolean {
  try {
    return readFileSync(join(PLACE, INSTALLED), 'utf8') === readFileSync(join(SOURCE, LOCK), 'utf8')
  } catch {
    return false
  }
}

function npm(args: readonly string[]): number | null {
  const program = process.env.npm_execpath
  const stdio = ['ignore', 2, 2] as const
  const result = program?.endsWith('.js')
    ? spawnSync(process.execPath, [program, ...args], { cwd: PLACE, stdio: [...stdio] })
    : spawnSync('npm', args, { cwd: PLACE, stdio: [...stdio] })
  return result.status
}

function install(): void {
  console.error('installing the packages of the benchmarks (npm ci)')
  mkdirSync(PLACE, { recursive: true })
  for (const file of FILES) copyFileSync(join(SOURCE, file), join(PLACE, file))
  // Run by npm, its own settings for the repository are in the environment: this is another project.
  const status = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error', `--prefix=${PLACE}`])
  if (status === 0) copyFileSync(join(SOURCE, LOCK), join(PLACE, INSTALLED))
}

let tried = false

/** The package's exports, or undefined when it is not to be had here. `T` is what we use of them. */
export function optionalPackage<T>(name: string): T | undefined {
  if (!tried && !isInstalled()) install()
  tried = true
  try {
    return createRequire(join(PLACE, 'package.json'))(name) as T
  } catch {
    return undefined
  }
}

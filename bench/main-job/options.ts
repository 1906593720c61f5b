/** What the main job is asked to do, checked. */

import { mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { freshDataDir } from './data-dir.ts'
import { reasonOf } from './listing.ts'

export const USAGE = `usage: npm start -- [DIR] [--data DATA]

Replicates the directory DIR (default: this package's node_modules) into a durable ensemble of three peers, kills the
leader halfway, opens everything again from disk and compares what each peer holds with what was read.

  --data DATA   empty or new directory for the peers' data (default: a fresh one in the system's temporary directory,
                removed by the next run)
  --help        show this text`

/** The caller's mistake: told without a stack, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export interface MainJobOptions {
  readonly directory: string
  readonly dataDir: string
}

/** @returns undefined when only help is wanted. */
export function parseOptions(args: readonly string[]): MainJobOptions | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  if (positionals.length > 1)
    throw new UsageError(`one directory only, not ${positionals.join(', ')}`)
  const directory = existingDirectory(positionals[0])
  const dataDir = values.data === undefined ? freshDataDir() : emptyDirectory(values.data)
  return { directory, dataDir }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { data: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** npm runs scripts in the package's directory; a relative path is meant from where npm was called. */
function fromCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? '.', path)
}

function existingDirectory(given: string | undefined): string {
  if (given === undefined) return fileURLToPath(new URL('../../node_modules', import.meta.url))
  const path = fromCaller(given)
  let isDirectory: boolean
  try {
    isDirectory = statSync(path).isDirectory()
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`)
  }
  if (!isDirectory) throw new UsageError(`${path} is not a directory`)
  return realpathSync(path)
}

function emptyDirectory(given: string): string {
  const path = fromCaller(given)
  let names: string[]
  try {
    mkdirSync(path, { recursive: true })
    names = readdirSync(path)
  } catch (error) {
    throw new UsageError(`cannot use ${path} for data: ${reasonOf(error)}`)
  }
  if (names.length > 0) throw new UsageError(`${path} is not empty: give --data a new directory`)
  return path
}

/** Where a run keeps what it makes, and where it finds what the repository holds. `bench/run.mjs` starts it there. */

import { mkdirSync, mkdtempSync, statfsSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const TMPFS = 0x01021994

/** The top of the repository. */
export const ROOT = process.cwd()

/** The directory that is removed when this run ends. */
export function runDirectory(): string {
  const directory = process.env.BENCH_RUN_DIRECTORY
  if (directory === undefined) throw new Error('start it with node bench/run.mjs, or npm run')
  return directory
}

/** A new directory for data, below `parent` or that of the run. */
export function dataDirectory(name: string, parent = runDirectory()): string {
  mkdirSync(parent, { recursive: true })
  return mkdtempSync(join(parent, `${name}-`))
}

/** Whether syncing a file in `directory` costs nothing, because it is in memory. */
export function isInMemory(directory: string): boolean {
  return statfsSync(directory).type === TMPFS
}

/** A path on the command line is meant from where the command was typed. */
export function fromCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? '.', path)
}

export function writeJson(file: string, content: object): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`)
}

/**
 * One life of the process under test, from its start to its end: with what it is armed, what it is to do, and how it
 * ends. What it left written about itself is read back afterwards.
 */

import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Event, type Passages, parseAccount, parsePassages } from './account.ts'
import { type Plan, stallFileOf } from './messages.ts'
import { type Armed, isStorePoint } from './points.ts'

/** How lives end. A failpoint may be reached while the ensemble opens, later, or never: then it ends otherwise. */
export const ENDS = [
  'killed under load',
  'killed while opening',
  'at a failpoint while opening',
  'at a failpoint under load',
  'at a failpoint while closing',
  'closed',
] as const
export type End = (typeof ENDS)[number]

/** The files that tell of one life. */
export class LifeFiles {
  /** Where the shim keeps what is removed. */
  readonly grave: string
  readonly passages: string
  readonly #account: string
  readonly #shim: string | undefined

  /** @param shim the compiled shim, where there is one */
  constructor(place: string, life: number, shim: string | undefined) {
    this.grave = join(place, `grave-${life}`)
    this.passages = join(place, `passages-${life}`)
    this.#account = join(place, `account-${life}`)
    this.#shim = shim
    mkdirSync(this.grave)
  }

  /** For the child: the shim, and the system call to die at. Node is not to go round it. */
  environment({ dataDir, armed }: Plan): NodeJS.ProcessEnv {
    if (this.#shim === undefined) return {}
    return {
      LD_PRELOAD: this.#shim,
      UV_USE_IO_URING: '0',
      CRASH_SHIM_ROOT: dataDir,
      CRASH_SHIM_ACCOUNT: this.#account,
      CRASH_SHIM_GRAVE: this.grave,
      ...armedCall(armed),
    }
  }

  events(): Event[] {
    return parseAccount(readOr(this.#account))
  }

  /** Without the grave, which is of use until the next power cut. */
  remove(): void {
    for (const file of [this.passages, stallFileOf(this), this.#account])
      rmSync(file, { force: true })
  }

  /** Of both kinds of points. */
  tally(): Passages[] {
    return [this.passages, this.#account].map(file => parsePassages(readOr(file)))
  }
}

function armedCall(armed: Armed | undefined): NodeJS.ProcessEnv {
  if (armed === undefined || isStorePoint(armed.name)) return {}
  return { CRASH_SHIM_ARMED: `${armed.name},${armed.phase},${armed.nth}` }
}

/** A process that was killed early has written nothing. */
function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

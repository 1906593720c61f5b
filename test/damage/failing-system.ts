/** The system calls below LevelDB and below our own files fail on demand; the other side of `shim/faults.c`. */

import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import type { Injector } from './trial.ts'

/** In the order of the shim. */
export const SYSTEM_CALLS = [
  'open',
  'append',
  'flush',
  'write',
  'sync',
  'rename',
  'unlink',
  'read',
  'map',
  'mkdir',
  'rmdir',
  'list',
  'access',
] as const
export type SystemCall = (typeof SYSTEM_CALLS)[number]

const PAGE_BYTES = 4096
/** Words before the counters: left, forever, torn, only. */
const HEAD_WORDS = 4
const ANY = -1

export class FailingSystem implements Injector {
  readonly #control: number
  readonly #torn: boolean

  /** @param file the shim's control file */
  constructor(file: string, torn: boolean) {
    this.#control = openSync(file, 'r+')
    this.#torn = torn
  }

  static makeControl(file: string): void {
    writeFileSync(file, Buffer.alloc(PAGE_BYTES))
  }

  get fired(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  get blinded(): boolean {
    const { open, read, map } = this.counts
    return open + read + map > 0
  }

  /** How many calls of each kind have failed. */
  get counts(): Record<SystemCall, number> {
    return this.#counters(HEAD_WORDS + SYSTEM_CALLS.length)
  }

  /** How many calls of each kind there were. */
  get seen(): Record<SystemCall, number> {
    return this.#counters(HEAD_WORDS)
  }

  arm(nth: number, forever: boolean, only?: SystemCall): void {
    const words = new Int32Array(HEAD_WORDS + 2 * SYSTEM_CALLS.length)
    const which = only === undefined ? ANY : SYSTEM_CALLS.indexOf(only)
    words.set([nth, forever ? 1 : 0, this.#torn ? 1 : 0, which])
    // What arms it comes last.
    this.#write(1, words.subarray(1))
    this.#write(0, words.subarray(0, 1))
  }

  disarm(): void {
    this.arm(0, false)
  }

  close(): void {
    closeSync(this.#control)
  }

  #counters(from: number): Record<SystemCall, number> {
    const words = new Int32Array(SYSTEM_CALLS.length)
    readSync(this.#control, words, 0, words.byteLength, from * words.BYTES_PER_ELEMENT)
    return Object.fromEntries(SYSTEM_CALLS.map((call, at) => [call, words[at]!])) as Record<
      SystemCall,
      number
    >
  }

  #write(at: number, words: Int32Array): void {
    writeSync(this.#control, words, 0, words.byteLength, at * words.BYTES_PER_ELEMENT)
  }
}

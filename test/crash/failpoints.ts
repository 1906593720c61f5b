/**
 * The failpoints of one peer's thread. Every passage is written to a file that outlives the process; at the one that is
 * armed the process kills itself, from within the call, so that nothing else of the peer runs after it.
 */

import { existsSync, openSync, writeSync } from 'node:fs'
import type { Armed, Phase, StorePoint } from './points.ts'

export class Failpoints {
  readonly #file: number
  readonly #armed: Armed | undefined
  readonly #stallFile: string | undefined
  /** Passages of the armed point in the armed phase. */
  #passages = 0

  /**
   * @param file where passages are appended; shared by the threads of the process
   * @param stallFile once it is there, no write of groups comes to its end
   */
  constructor(file: string, sid: number, armed: Armed | undefined, stallFile?: string) {
    this.#stallFile = stallFile
    this.#file = openSync(file, 'a')
    const isMeant = armed?.sid === undefined || armed.sid === sid
    this.#armed = isMeant ? armed : undefined
  }

  /** Does a durable step between its two points. */
  async around<T>(name: StorePoint, step: () => Promise<T>): Promise<T> {
    this.#pass(name, 'before')
    if (name === 'groups') await this.#stall()
    const result = await step()
    this.#pass(name, 'after')
    return result
  }

  /** As `around`, for a step that is over when it returns. */
  aroundNow(name: StorePoint, step: () => void): void {
    this.#pass(name, 'before')
    step()
    this.#pass(name, 'after')
  }

  async #stall(): Promise<void> {
    const file = this.#stallFile
    if (file !== undefined && existsSync(file)) await new Promise(() => undefined)
  }

  #pass(name: StorePoint, phase: Phase): void {
    if (phase === 'before') writeSync(this.#file, `pass ${name}\n`)
    const armed = this.#armed
    if (name !== armed?.name || phase !== armed.phase) return
    if (++this.#passages === armed.nth) this.#die(name, phase)
  }

  /** SIGKILL to oneself does not return; should it on some system, the thread goes no further all the same. */
  #die(name: StorePoint, phase: Phase): never {
    writeSync(this.#file, `killed ${name},${phase}\n`)
    process.kill(process.pid, 'SIGKILL')
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
}

/** LevelDB whose calls fail on demand: before anything was done, or after all of it, as when a sync fails. */

import { Level } from 'level'
import type { Database } from '../../lib/storage/disk.ts'
import type { Injector } from './trial.ts'

export type Moment = 'before' | 'after'

export class FailingCalls implements Injector {
  readonly #moment: Moment
  #left = 0
  #forever = false
  #fired = 0

  constructor(moment: Moment) {
    this.#moment = moment
  }

  get fired(): number {
    return this.#fired
  }

  /** A failed call of LevelDB's interface is told at once, and makes it forget nothing. */
  get blinded(): boolean {
    return false
  }

  arm(nth: number, forever: boolean): void {
    this.#left = nth
    this.#forever = forever
    this.#fired = 0
  }

  disarm(): void {
    this.#left = 0
    this.#fired = 0
  }

  /** For `openStore`. */
  readonly make = (directory: string): Database => {
    const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false } as const
    return this.#wrap(new Level(directory, options)) as Database
  }

  #fails(): boolean {
    if (this.#left === 0) return false
    if (this.#left > 1) {
      this.#left--
      return false
    }
    if (!this.#forever) this.#left = 0
    this.#fired++
    return true
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    const fails = this.#fails()
    if (fails && this.#moment === 'before') throw failure()
    const result = await call()
    if (fails) throw failure()
    return result
  }

  /** Calls that reach the disk are watched; a failed `close` closes all the same. */
  #wrap(target: object): object {
    return new Proxy(target, {
      get: (inner, name) => {
        const member = Reflect.get(inner, name, inner) as unknown
        if (typeof member !== 'function') return member
        const call = (...args: unknown[]): unknown => Reflect.apply(member, inner, args)
        switch (name) {
          case 'open':
          case 'put':
          case 'batch':
          case 'get':
          case 'clear':
          case 'next':
          case 'nextv':
            return (...args: unknown[]) => this.#call(() => call(...args) as Promise<unknown>)
          case 'iterator':
          case 'keys':
            return (...args: unknown[]) => this.#wrap(call(...args) as object)
          default:
            return call
        }
      },
    })
  }
}

function failure(): Error {
  const message = 'IO error: /data/000003.log: Input/output error'
  return Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' })
}

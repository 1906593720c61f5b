/** A client's thread that stands still for a while: what comes meanwhile waits, in order. */

import type { Agenda } from './agenda.ts'

export class Standstill {
  readonly #agenda: Agenda
  readonly #isDead: () => boolean
  #until = 0
  #lastMs = 0
  #waiting: (() => void)[] = []

  constructor(agenda: Agenda, isDead: () => boolean) {
    this.#agenda = agenda
    this.#isDead = isDead
  }

  get isStill(): boolean {
    return this.#agenda.now < this.#until
  }

  /** It stood still at some time until then. */
  get lastMs(): number {
    return this.#lastMs
  }

  begin(until: number): void {
    this.#until = Math.max(this.#until, until)
    this.#lastMs = Math.max(this.#lastMs, until / 1000)
  }

  /** The thread goes on now, and takes in what came meanwhile. */
  end(): void {
    this.#until = 0
    this.#lastMs = Math.min(this.#lastMs, this.#agenda.now / 1000)
    this.#catchUp()
  }

  whenAwake(action: () => void): void {
    if (!this.isStill && this.#waiting.length === 0) {
      if (!this.#isDead()) action()
      return
    }
    this.#waiting.push(action)
    if (this.#waiting.length === 1) this.#agenda.at(this.#until, () => this.#catchUp())
  }

  /** Unless it stands still once more, or went on before. */
  #catchUp(): void {
    if (this.#waiting.length === 0) return
    if (this.isStill) {
      this.#agenda.at(this.#until, () => this.#catchUp())
      return
    }
    const waiting = this.#waiting
    this.#waiting = []
    for (const next of waiting) if (!this.#isDead()) next()
  }
}

/** The campaign's side of a prober: asks it, and starts another when one is brought down or does not answer. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer } from './answer.ts'

const PATIENCE_MS = 120_000

export class Probe<Question extends object> {
  readonly #program: string
  #child: ChildProcess | undefined
  /** How often a process was brought down. */
  crashes = 0

  /** @param program the prober, a file beside this one */
  constructor(program: string) {
    this.#program = fileURLToPath(new URL(program, import.meta.url))
  }

  async ask(question: Question): Promise<Answer> {
    this.#child ??= fork(this.#program, {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 2, 'ignore', 'ipc'],
    })
    const child = this.#child
    const ended = new AbortController()
    const patience = AbortSignal.timeout(PATIENCE_MS)
    const signal = AbortSignal.any([ended.signal, patience])
    try {
      const answered = once(child, 'message', { signal }) as Promise<[Answer]>
      const died = once(child, 'exit', { signal }).then(([code, name]): [Answer] => [
        { kind: 'crashed', how: `the process ended: ${name ?? code}` },
      ])
      // Whichever comes second is called off below.
      answered.catch(() => undefined)
      died.catch(() => undefined)
      child.send(question)
      const [answer] = await Promise.race([answered, died])
      if (answer.kind === 'crashed') this.#drop()
      return answer
    } catch (error) {
      if (!patience.aborted) throw error
      child.kill('SIGKILL')
      this.#drop()
      return { kind: 'hung' }
    } finally {
      ended.abort()
    }
  }

  close(): void {
    this.#child?.disconnect()
    this.#child = undefined
  }

  #drop(): void {
    this.crashes++
    this.#child = undefined
  }
}

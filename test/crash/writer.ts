/** The load of one session: sets, creates and sequential creates, pipelined, until the process is killed. */

import type { Tree } from '../../lib/index.ts'
import { type Acknowledged, CREATED, type Order, SEQUENTIAL } from './messages.ts'

const CREATING_LANES = 3
const SEQUENTIAL_LANES = 3
/** Sets of one register under way at the same time: the line keeps their order. */
const SETTING_LANES = 2
const DATA_BYTES = 100

type Task = Extract<Order, { kind: 'write' }>

export class Writer {
  readonly #tree: Tree
  /** Makes the names of this session's nodes different from all others. */
  readonly #name: string
  readonly #task: Task
  readonly #report: (writes: readonly Acknowledged[]) => void
  #unreported: Acknowledged[] = []
  #created = 0

  constructor(
    tree: Tree,
    name: string,
    task: Task,
    report: (writes: readonly Acknowledged[]) => void,
  ) {
    this.#tree = tree
    this.#name = name
    this.#task = task
    this.#report = report
  }

  /** Starts lanes, most of which never end; a promise is rejected when a write fails. */
  start(registers: readonly string[]): Promise<void>[] {
    const { registers: values, sequential, creationsMax } = this.#task
    const last = new Map(registers.map(path => [path, values[path]!]))
    return [
      ...registers.flatMap(path => lanes(SETTING_LANES, () => this.#set(path, last))),
      ...lanes(CREATING_LANES, () => this.#create(), creationsMax / CREATING_LANES),
      ...(sequential
        ? lanes(SEQUENTIAL_LANES, () => this.#createSequential(), creationsMax / SEQUENTIAL_LANES)
        : []),
    ]
  }

  async delete(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      await this.#tree.promises.delete(path)
      this.#acknowledge({ kind: 'delete', path })
    }
  }

  async #set(path: string, last: Map<string, number>): Promise<void> {
    const value = last.get(path)! + 1
    last.set(path, value)
    await this.#tree.promises.set(path, String(value).padStart(DATA_BYTES, '0'))
    this.#acknowledge({ kind: 'set', path, value })
  }

  async #create(): Promise<void> {
    const path = `${CREATED}/${this.#name}-${this.#created++}`
    await this.#tree.promises.create(path, 'x'.repeat(DATA_BYTES))
    this.#acknowledge({ kind: 'create', path })
  }

  async #createSequential(): Promise<void> {
    const path = await this.#tree.promises.create(`${SEQUENTIAL}/n-`, '', { sequential: true })
    this.#acknowledge({ kind: 'sequential', path })
  }

  /** Tells the parent once per turn of the event loop: soon enough, and far cheaper than one by one. */
  #acknowledge(write: Acknowledged): void {
    this.#unreported.push(write)
    if (this.#unreported.length > 1) return
    setImmediate(() => {
      this.#report(this.#unreported)
      this.#unreported = []
    })
  }
}

function lanes(
  count: number,
  step: () => Promise<void>,
  steps = Number.POSITIVE_INFINITY,
): Promise<void>[] {
  return Array.from({ length: count }, async () => {
    for (let done = 0; done < steps; done++) await step()
  })
}

/** Which failpoints were passed and which have killed, and which of them to try next. */

import type { Prng } from '../support/prng.ts'
import type { Passages } from './account.ts'
import { type Armed, isStorePoint, PHASES, type Phase, type PointName } from './points.ts'

interface Target {
  readonly name: PointName
  readonly phase: Phase
  tried: number
  fired: number
}

const FIRST_PASSAGE = 0.25
const ONE_PEER_ONLY = 0.3
/** What one life has more passages than the next counts for a while: most are short, and many points lie late. */
const MEMORY = 0.9

export class Coverage {
  readonly #targets: readonly Target[]
  readonly #passed = new Map<string, number>()
  readonly #passedLately = new Map<string, number>()
  readonly #peers: number

  constructor(names: readonly PointName[], peers: number) {
    this.#peers = peers
    this.#targets = names.flatMap(name =>
      PHASES.map(phase => ({ name, phase, tried: 0, fired: 0 })),
    )
  }

  get missed(): readonly string[] {
    return this.#targets
      .filter(({ fired }) => fired === 0)
      .map(({ name, phase }) => `${phase} ${name}`)
  }

  get fired(): number {
    return this.#targets.reduce((sum, { fired }) => sum + fired, 0)
  }

  /** The one that killed least often; where it was tried in vain, others have their turn first. */
  choose(prng: Prng): Armed {
    const order = (target: Target): number => target.fired + target.tried
    const least = Math.min(...this.#targets.map(order))
    const target = prng.pick(this.#targets.filter(target => order(target) === least))
    target.tried++
    const { name, phase } = target
    return {
      ...{ name, phase, nth: this.#drawPassage(name, prng) },
      sid: prng.chance(ONE_PEER_ONLY) ? prng.between(1, this.#peers) : undefined,
    }
  }

  /** What one life went through. */
  record({ passed, killedAt }: Passages): void {
    for (const [name, count] of passed) {
      this.#passed.set(name, (this.#passed.get(name) ?? 0) + count)
      const before = this.#passedLately.get(name) ?? 0
      this.#passedLately.set(name, Math.max(count, before * MEMORY))
    }
    const target = this.#targets.find(({ name, phase }) => `${name},${phase}` === killedAt)
    if (target !== undefined) target.fired++
  }

  /** One line for each point: its name, deaths before and after it, passages. */
  lines(): string[] {
    const names = [...new Set(this.#targets.map(({ name }) => name))]
    return names.map(name => {
      const [before, after] = PHASES.map(phase => {
        const target = this.#targets.find(found => found.name === name && found.phase === phase)
        return target!.fired
      })
      const passed = this.#passed.get(name) ?? 0
      return `  ${name.padEnd(16)} ${before} before, ${after} after, passed ${passed} times`
    })
  }

  /** The first passages of a life are those of its beginning, which often is all that is recovered from. */
  #drawPassage(name: PointName, prng: Prng): number {
    if (prng.chance(FIRST_PASSAGE)) return 1
    const passed = this.#passedLately.get(name) ?? 1
    return prng.between(1, Math.max(1, isStorePoint(name) ? passed / this.#peers : passed))
  }
}

/**
 * The search for an order of operations that a sequential model takes: Wing and Gong's, with Lowe's memory of what led
 * nowhere. Operations come in lanes: those of one lane take effect in its order, so what has been ordered so far is one
 * position for each lane, a smaller and exact stand-in for a set of bits over all operations.
 *
 * What may never have happened is taken only where something that must be ordered depends on it: an order in which it
 * stands anywhere else has an equal one in which it stands later, or nowhere.
 *
 * A required step that only looks (it leaves the state as it is, and would leave any other) is taken at once when it
 * may come next: if there is an order at all, there is one with this step here. Only steps that change something, and
 * those that may never have happened, are chosen among; what cannot be settled within the budget is told as undecided.
 */

export interface Step<Op> {
  readonly op: Op
  /** It took effect between the two, if at all. */
  readonly start: number
  readonly end: number
  /** Otherwise it may never have taken effect. */
  readonly required: boolean
  /** A guess at its place in the order: tried first. Only the time taken depends on it. */
  readonly hint: number
  /** So many steps of the lane's gate come before it, done or dropped. */
  readonly after: number
  /** Names of all it reads or changes: two steps with none in common may change places. Undefined: everything. */
  readonly touches?: readonly string[] | undefined
}

export interface Lane<Op> {
  readonly steps: readonly Step<Op>[]
  /** Number of the lane that `after` is about; undefined for a lane without. */
  readonly gate?: number | undefined
}

export interface Model<Op, State> {
  readonly initial: State
  /** The state after it; the same object when it changes nothing; undefined when it cannot have ended so. */
  step(state: State, op: Op, required: boolean): State | undefined
  /** Whether a step that leaves the state as it is would leave every other one so, too. */
  isInert(op: Op): boolean
  /** Equal for equal states, and for no others. */
  keyOf(state: State): string
}

export type Outcome<Op> =
  | { readonly kind: 'ok'; readonly tried: number }
  /** `stuck`: what could not follow the longest order found. */
  | {
      readonly kind: 'undecided' | 'illegal'
      readonly tried: number
      readonly stuck: readonly Op[]
    }

/** Where a step stands. */
interface Place {
  readonly lane: number
  readonly position: number
}

interface Candidate<State> extends Place {
  readonly state: State
  readonly hint: number
  readonly required: boolean
}

interface Frame<State> {
  readonly positions: Int32Array
  readonly state: State
  readonly candidates: readonly Candidate<State>[]
  next: number
  /** Steps that may never have happened, taken since the last required one: it is still to be seen what for. */
  readonly run: readonly Place[]
}

function intersect(one: readonly string[], other: readonly string[]): boolean {
  return one.some(name => other.includes(name))
}

class Search<Op, State> {
  readonly #lanes: readonly Lane<Op>[]
  readonly #model: Model<Op, State>
  readonly #budget: number
  /** Of each lane and position: when the first required step from there on has ended. */
  readonly #bounds: readonly Float64Array[]
  readonly #failed = new Set<string>()
  #tried = 0
  #reach = -1
  #stuck: readonly Op[] = []

  constructor(lanes: readonly Lane<Op>[], model: Model<Op, State>, budget: number) {
    this.#lanes = lanes
    this.#model = model
    this.#budget = budget
    this.#bounds = lanes.map(({ steps }) => {
      const bounds = new Float64Array(steps.length + 1).fill(Number.POSITIVE_INFINITY)
      for (let at = steps.length - 1; at >= 0; at--) {
        const { required, end } = steps[at]!
        bounds[at] = required ? Math.min(end, bounds[at + 1]!) : bounds[at + 1]!
      }
      return bounds
    })
  }

  run(): Outcome<Op> {
    const stack: Frame<State>[] = []
    let frame = this.#enter(new Int32Array(this.#lanes.length), this.#model.initial, [])
    for (;;) {
      if (frame === undefined) return { kind: 'ok', tried: this.#tried }
      if (this.#tried > this.#budget) {
        return { kind: 'undecided', tried: this.#tried, stuck: this.#stuck }
      }
      const candidate: Candidate<State> | undefined = frame.candidates[frame.next++]
      if (candidate !== undefined) {
        if (candidate.required && !this.#isNeeded(frame.run, [candidate])) continue
        const run = candidate.required ? [] : [...frame.run, candidate]
        const positions = this.#moved(frame.positions, candidate)
        if (this.#hasFailed(positions, candidate.state, run)) continue
        stack.push(frame)
        frame = this.#enter(positions, candidate.state, run)
        continue
      }
      this.#failed.add(this.#keyOf(frame.positions, frame.state, frame.run))
      frame = stack.pop()
      if (frame === undefined) {
        return { kind: 'illegal', tried: this.#tried, stuck: this.#stuck }
      }
    }
  }

  /** A place to choose at; undefined when nothing is left that must be ordered. */
  #enter(positions: Int32Array, state: State, run: readonly Place[]): Frame<State> | undefined {
    const before = run.length > 0 ? positions.slice() : positions
    let until = this.#until(positions)
    let slid = false
    for (let again = true; again; ) {
      again = false
      for (let lane = 0; lane < positions.length; lane++) {
        if (this.#slide(lane, positions, state, until)) again = true
      }
      if (again) until = this.#until(positions)
      slid ||= again
    }
    // Whatever must be ordered has ended some time.
    if (until === Number.POSITIVE_INFINITY) return undefined
    this.#note(positions, until)
    if (slid && run.length > 0) {
      const passed = this.#placesBetween(before, positions)
      if (!this.#isNeeded(run, passed)) return { positions, state, candidates: [], next: 0, run }
    }
    const candidates = this.#candidates(positions, state, until)
    return { positions, state, candidates, next: 0, run: slid ? [] : run }
  }

  /** Takes the required steps at the head of a lane that only look; tells whether there were any. */
  #slide(lane: number, positions: Int32Array, state: State, until: number): boolean {
    const { steps, gate } = this.#lanes[lane]!
    const from = positions[lane]!
    for (;;) {
      const step = steps[positions[lane]!]
      if (step === undefined || !step.required || step.start > until) break
      if (!this.#model.isInert(step.op)) break
      if (gate !== undefined && positions[gate]! < step.after) break
      this.#tried++
      if (this.#model.step(state, step.op, true) !== state) break
      positions[lane]!++
    }
    return positions[lane] !== from
  }

  #candidates(positions: Int32Array, state: State, until: number): Candidate<State>[] {
    const candidates: Candidate<State>[] = []
    const optional: Place[] = []
    const heads: Place[] = []
    for (let lane = 0; lane < positions.length; lane++) {
      const { steps } = this.#lanes[lane]!
      for (let position = positions[lane]!; position < steps.length; position++) {
        const step = steps[position]!
        if (step.start > until || !this.#isOpen(lane, step, positions)) break
        this.#tried++
        const { required, hint } = step
        const list = required ? heads : optional
        list.push({ lane, position })
        const next = this.#model.step(state, step.op, required)
        // To drop a step that would change nothing comes to the same as to take it.
        if (next !== undefined && (required || next !== state)) {
          candidates.push({ lane, position, hint, required, state: next })
        }
        if (required) break
      }
    }
    const idle = this.#idle(optional, heads)
    return candidates
      .filter(
        ({ lane, position }) => !idle.some(at => at.lane === lane && at.position === position),
      )
      .sort((a, b) => a.hint - b.hint)
  }

  /** Those that no head depends on, nor any other that a head depends on, whether or not it changes anything now. */
  #idle(optional: readonly Place[], heads: readonly Place[]): readonly Place[] {
    let idle = optional
    for (let wanted = heads; wanted.length > 0 && idle.length > 0; ) {
      const found = idle.filter(place => wanted.some(later => this.#depends(later, place)))
      idle = idle.filter(place => !found.includes(place))
      wanted = found
    }
    return idle
  }

  /** Whether each step of a run is there for one of the steps that follow it. */
  #isNeeded(run: readonly Place[], followers: readonly Place[]): boolean {
    const later = [...followers]
    for (let at = run.length - 1; at >= 0; at--) {
      const place = run[at]!
      if (!later.some(follower => this.#depends(follower, place))) return false
      later.push(place)
    }
    return true
  }

  /** Whether the two may not change places. */
  #depends(later: Place, earlier: Place): boolean {
    if (later.lane === earlier.lane) return true
    const { steps, gate } = this.#lanes[later.lane]!
    const { after, touches } = steps[later.position]!
    if (gate === earlier.lane && after > earlier.position) return true
    const others = this.#lanes[earlier.lane]!.steps[earlier.position]!.touches
    return touches === undefined || others === undefined || intersect(touches, others)
  }

  #placesBetween(from: Int32Array, to: Int32Array): Place[] {
    const places: Place[] = []
    for (let lane = 0; lane < to.length; lane++) {
      for (let position = from[lane]!; position < to[lane]!; position++) {
        places.push({ lane, position })
      }
    }
    return places
  }

  /** What stands before it in the gate is past, or may be dropped. */
  #isOpen(lane: number, { after }: Step<Op>, positions: Int32Array): boolean {
    const { gate } = this.#lanes[lane]!
    if (gate === undefined) return true
    const { steps } = this.#lanes[gate]!
    for (let at = positions[gate]!; at < after; at++) if (steps[at]!.required) return false
    return true
  }

  #moved(positions: Int32Array, { lane, position }: Candidate<State>): Int32Array {
    const moved = positions.slice()
    moved[lane] = position + 1
    const { gate, steps } = this.#lanes[lane]!
    if (gate !== undefined) moved[gate] = Math.max(moved[gate]!, steps[position]!.after)
    return moved
  }

  /** Nothing that began after this may come next: something that must be ordered was over by then. */
  #until(positions: Int32Array): number {
    let until = Number.POSITIVE_INFINITY
    for (let lane = 0; lane < positions.length; lane++) {
      const bound = this.#bounds[lane]![positions[lane]!]!
      if (bound < until) until = bound
    }
    return until
  }

  #note(positions: Int32Array, until: number): void {
    const reach = positions.reduce((sum, position) => sum + position, 0)
    if (reach <= this.#reach) return
    this.#reach = reach
    this.#stuck = this.#lanes.flatMap(({ steps }, lane) => {
      const step = steps[positions[lane]!]
      return step !== undefined && step.start <= until ? [step.op] : []
    })
  }

  #hasFailed(positions: Int32Array, state: State, run: readonly Place[]): boolean {
    return this.#failed.size > 0 && this.#failed.has(this.#keyOf(positions, state, run))
  }

  #keyOf(positions: Int32Array, state: State, run: readonly Place[]): string {
    const taken = run.map(({ lane, position }) => `${lane}.${position}`).join()
    return `${positions.join()};${taken};${this.#model.keyOf(state)}`
  }
}

/** Looks for an order of the lanes' steps; gives up after trying `budget` steps. */
export function findOrder<Op, State>(
  lanes: readonly Lane<Op>[],
  model: Model<Op, State>,
  budget: number,
): Outcome<Op> {
  return new Search(lanes, model, budget).run()
}

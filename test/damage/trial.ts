/**
 * One run of the script with a storage call that fails, and what has to hold then: the failure is told as a TreeError
 * and is final; nothing acknowledged is lost, nothing half done is there; the directory opens again and works.
 */

import assert from 'node:assert/strict'
import { TreeError } from '../../lib/base/errors.ts'
import { LOG_START } from '../../lib/base/group.ts'
import type { Store } from '../../lib/storage/store.ts'
import { batch, epochs, recover } from '../storage/support.ts'
import { type Held, isHeld, makeScript } from './script.ts'

/** Makes storage calls fail. */
export interface Injector {
  /** The `nth` call from now on fails, counted from 1; with `forever` all after it as well. */
  arm(nth: number, forever: boolean): void
  disarm(): void
  /** Calls that have failed since `arm`. */
  readonly fired: number
  /** Among them is one that was to read what is on disk. */
  readonly blinded: boolean
}

export interface Trial {
  readonly injector: Injector
  /** Opens the store on the directory of this trial. */
  readonly open: () => Promise<Store>
  readonly nth: number
  readonly forever: boolean
  /** Another call, so many after the first, fails when the store is opened again; 0 for none. */
  readonly again: number
}

const NOTHING: Held = { epochs: epochs(0), log: [], installed: LOG_START }

type Recovery = Awaited<ReturnType<typeof recover>>

/** LevelDB passed over what it could not read of its log, and forgot it: the script cannot go on. */
class Blinded extends Error {
  override readonly name = 'Blinded'
}

function assertTold(error: unknown): void {
  if (!(error instanceof TreeError)) throw error
  assert.notEqual(error.path, undefined, 'a storage failure names the directory')
}

/** After a failure each call is refused. */
async function assertFinal(store: Store): Promise<void> {
  await assert.rejects(store.write(batch({ epochs: epochs(99) })), TreeError)
  await assert.rejects(store.stage(Buffer.of(1)), TreeError)
}

class Run {
  readonly #trial: Trial
  #held = NOTHING
  #attempted = NOTHING
  #store: Store | undefined
  /** A call has failed that was to read what is on disk: only then may anything be missing, and it must be told. */
  #blinded = false

  constructor(trial: Trial) {
    this.#trial = trial
  }

  async script(): Promise<void> {
    this.#store = await this.#trial.open()
    await recover(this.#store)
    for (const { run, after } of makeScript()) {
      this.#attempted = after
      if (run === undefined) await this.#reopen()
      else await run(this.#store)
      this.#held = after
    }
    await this.#store.close()
  }

  async #reopen(): Promise<void> {
    await this.#store?.close()
    this.#store = await this.#trial.open()
    const recovered = await recover(this.#store)
    this.look()
    this.check(recovered)
    if (recovered.damage !== undefined) throw new Blinded(recovered.damage)
  }

  /** The script has failed. */
  async end(error: unknown): Promise<void> {
    const store = this.#store
    if (error instanceof Blinded) {
      await store?.close().catch(assertTold)
      return
    }
    assertTold(error)
    if (store === undefined) return
    await assertFinal(store)
    await store.close().catch(assertTold)
  }

  /** Takes notice of what has failed so far. */
  look(): void {
    this.#blinded ||= this.#trial.injector.blinded
  }

  /** Opens and recovers, and checks what is there; undefined when that fails, as it may while calls fail. */
  async tryRecover(): Promise<Recovery | undefined> {
    let store: Store | undefined
    try {
      store = await this.#trial.open()
      const recovered = await recover(store)
      this.look()
      this.check(recovered)
      return recovered
    } catch (error) {
      assertTold(error)
      return undefined
    } finally {
      this.look()
      await store?.close().catch(assertTold)
    }
  }

  check(recovered: Recovery): void {
    if (recovered.damage !== undefined) {
      return assert.ok(this.#blinded, `all could be read, and still: ${recovered.damage}`)
    }
    const ok = isHeld(recovered, this.#held) || isHeld(recovered, this.#attempted)
    assert.ok(ok, `neither what was acknowledged nor what was attempted: ${recovered.findings}`)
  }
}

/**
 * Returns whether a call failed; once none does, all have had their turn.
 * @param onEnd called when the script has ended, before anything else is tried
 */
export async function runTrial(trial: Trial, onEnd = (): void => {}): Promise<boolean> {
  const { injector, nth, forever, again } = trial
  const run = new Run(trial)
  injector.arm(nth, forever)
  await run.script().catch(error => run.end(error))
  run.look()
  const failed = injector.fired > 0
  onEnd()
  if (forever && failed) await run.tryRecover()
  if (again > 0) {
    injector.arm(again, false)
    await run.tryRecover()
  }
  injector.disarm()
  const recovered = await run.tryRecover()
  assert.ok(recovered !== undefined, 'without failures the directory opens')
  return failed
}

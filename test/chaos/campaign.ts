/** The ensemble that is harmed, from one round to the next: opened, harmed, now and then closed and opened again. */

import { join } from 'node:path'
import {
  type Durability,
  type Ensemble,
  openEnsemble,
  type PeerFailure,
  type Tree,
} from '../../lib/index.ts'
import { Prng } from '../support/prng.ts'
import type { Counters } from './counters.ts'
import { differences, dumpTree, sweep } from './dump.ts'
import { Host } from './host.ts'
import type { Battlefield } from './nemesis.ts'
import { comeToRest } from './rest.ts'
import { type RoundKind, type RoundPlan, type RoundResult, runRound } from './round.ts'
import { Watchtower } from './watchtower.ts'

export interface CampaignOptions {
  readonly directory: string
  readonly seed: number
  readonly voters: number
  readonly observers: number
  readonly durability: Durability
  readonly counters: Counters
  /** Of a round, in milliseconds; default 10 to 20 seconds. */
  readonly roundMs?: readonly [low: number, high: number] | undefined
}

export interface RoundReport extends RoundResult {
  readonly plan: RoundPlan
}

interface Open {
  readonly ensemble: Ensemble
  readonly tower: Watchtower
  readonly keeper: Tree
  readonly syncMs: number
}

const ROUND_MS = [10_000, 20_000] as const
const TREES = 3
/** A call whose session nobody serves for so long ends with its outcome unknown: of many such little can be proved. */
const SESSION_TIMEOUTS_MS = [1_500, 3_000, 6_000]
const SYNC_LIMIT_TICKS = 20
const KINDS: readonly RoundKind[] = [
  ...Array.from({ length: 7 }, () => 'faults' as const),
  ...(['careless host', 'careless host', 'calm'] as const),
]
const REOPEN_PROBABILITY = 0.4
const DEATH_BY_DEED = /^killed by ensemble\.faults$/

export class Campaign {
  readonly #options: CampaignOptions
  readonly #prng: Prng
  readonly #counters: Counters
  #open: Open | undefined
  #rounds = 0
  /** Peers that died without being killed. */
  readonly #deaths: string[] = []

  constructor(options: CampaignOptions) {
    this.#options = options
    this.#prng = new Prng(options.seed)
    this.#counters = options.counters
  }

  async round(): Promise<RoundReport> {
    const prng = this.#prng
    this.#open ??= await this.#openEnsemble()
    const open = this.#open
    const plan = this.#plan()
    this.#rounds++
    this.#counters.count('rounds')
    this.#counters.count(`round: ${plan.kind}`)
    const epoch = await this.#epoch()
    const { problems, ...result } = await this.#run(open, plan)
    this.#counters.count('reigns', (await this.#epoch()) - epoch)
    const more = [...problems, ...this.#deaths.splice(0)]
    const closes = this.#options.durability !== 'memory' && prng.chance(REOPEN_PROBABILITY)
    if (closes && more.length === 0) more.push(...(await this.#reopen()))
    const roots = Array.from({ length: TREES }, (_, tree) => `${plan.base}-${tree}`)
    if (more.length === 0) await sweep(this.#open.keeper, roots)
    this.#counters.peak('rss MiB', process.memoryUsage.rss() / 2 ** 20)
    return { ...result, plan, problems: more }
  }

  async close(): Promise<void> {
    await this.#open?.ensemble.close()
    this.#open = undefined
  }

  #plan(): RoundPlan {
    const prng = this.#prng
    const [low, high] = this.#options.roundMs ?? ROUND_MS
    return {
      kind: prng.pick(KINDS),
      base: `/round-${this.#rounds}`,
      seed: prng.u32(),
      ms: prng.between(low, high),
      trees: TREES,
      sessionTimeoutMs: prng.pick(SESSION_TIMEOUTS_MS),
    }
  }

  async #run(open: Open, plan: RoundPlan) {
    const { voters, durability } = this.#options
    const host = await Host.of(open.ensemble, this.#prng, this.#counters)
    const field: Battlefield = {
      ensemble: open.ensemble,
      tower: open.tower,
      host,
      voters: Array.from({ length: voters }, (_, at) => at + 1),
      durability,
      syncMs: open.syncMs,
      sessionTimeoutMs: plan.sessionTimeoutMs,
    }
    const result = await runRound(field, plan, this.#prng, this.#counters)
    await host.close()
    return result
  }

  async #openEnsemble(): Promise<Open> {
    const prng = this.#prng
    const { directory, voters, observers, durability } = this.#options
    const tickMs = prng.pick([20, 35, 50])
    const ensemble = await openEnsemble({
      peers: Array.from({ length: voters + observers }, (_, at) => ({
        sid: at + 1,
        role: at < voters ? ('participant' as const) : ('observer' as const),
      })),
      dataDir: join(directory, 'data'),
      durability,
      tickMs,
      syncLimitTicks: SYNC_LIMIT_TICKS,
      snapshotLogBytes: prng.pick([20_000, 200_000, 2_000_000]),
      restart: { delayMs: 10, delayMaxMs: 500 },
      openTimeoutMs: 120_000,
      onPeerFailure: failure => this.#onPeerFailure(failure),
    })
    this.#counters.count('openings')
    const keeper = await ensemble.connect({ timeoutMs: 30_000 })
    return { ensemble, keeper, tower: new Watchtower(ensemble), syncMs: tickMs * SYNC_LIMIT_TICKS }
  }

  /** Closes the ensemble, mostly while something is wrong, and looks whether all is there when it is open again. */
  async #reopen(): Promise<string[]> {
    const prng = this.#prng
    const { ensemble, keeper, tower } = this.#open!
    const before = await dumpTree(keeper)
    const { faults } = ensemble
    const sid = prng.pick(tower.sids)
    const [name, deed] = prng.pick([
      ['healthy', () => Promise.resolve()],
      ['healthy', () => Promise.resolve()],
      ['with a peer paused', () => faults.pause(sid)],
      ['with a peer isolated', () => faults.isolate(sid)],
      ['with late frames', () => faults.delay({ ms: 200, jitterMs: 300 })],
      ['with a peer just killed', () => faults.kill(sid)],
    ] as const)
    await deed()
    this.#counters.count(`close: ${name}`)
    await this.close()
    this.#open = await this.#openEnsemble()
    const after = await dumpTree(this.#open.keeper)
    const lost = differences(before, after).map(each => `not as before it was closed: ${each}`)
    const { problem } = await comeToRest(this.#open.ensemble, this.#open.tower)
    return problem === undefined ? lost : [...lost, problem]
  }

  async #epoch(): Promise<number> {
    const { peers } = await this.#open!.ensemble.status()
    return Math.max(...peers.map(({ epoch }) => epoch ?? 0))
  }

  #onPeerFailure({ sid, code, message }: PeerFailure): void {
    if (DEATH_BY_DEED.test(message)) return
    this.#deaths.push(`peer ${sid} died by itself: ${code} ${message}`)
  }
}

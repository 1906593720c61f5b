/** Carries out a comparison, part by part. Nothing of one part runs any more when the next one begins. */

import type { Durability, RestartOptions } from '../../lib/index.ts'
import { FloorProbe } from '../floors/probe.ts'
import { measureOwnCost } from '../load/own-cost.ts'
import type { Row } from '../load/row.ts'
import { openInNewDirectory } from '../systems/quorumtree.ts'
import { describeMachine } from '../util/machine.ts'
import { dataDirectory } from '../util/places.ts'
import { planOf, type RunOptions } from '../util/run-options.ts'
import { type FailOver, measureFailOver, type RivalFailOver } from './fail-over.ts'
import { measureFirstWrite } from './first-write.ts'
import type { FirstWrite } from './first-write-process.ts'
import { OURS, PIPELINED_SETS } from './names.ts'
import { measureReads } from './reads.ts'
import type { Result } from './result.ts'
import { measureEtcd, measureZooKeeper, type RivalRows } from './rivals.ts'
import { measureCreates, measureOneAtATime, measurePaced, measureSets } from './writes.ts'

export const PARTS = ['sets', 'creates', 'process', 'reads', 'fail-over', 'first-write'] as const
export type PartName = (typeof PARTS)[number]
export const SYSTEMS = ['zookeeper', 'etcd', 'lmdb', 'sqlite'] as const
export type SystemName = (typeof SYSTEMS)[number]

const PEERS = 3
const IN_FLIGHT = 1024
const SET_BYTES = 100
const CREATE_BYTES = 1024
const LIMITS_SECONDS = 2
const FLOOR_MS = 1000
const FIRST_WRITES = 9
/** Peers are killed on purpose, so that a growing delay would only draw the run out. */
const RESTART: RestartOptions = { delayMs: 50, delayMaxMs: 50 }

export interface ComparisonOptions extends RunOptions {
  readonly parts: ReadonlySet<PartName>
  readonly systems: ReadonlySet<SystemName>
  readonly kills: number
}

export class Comparison {
  readonly #options: ComparisonOptions
  readonly #rows: Row[] = []
  readonly #skipped: string[] = []
  #failOver: FailOver | undefined
  #rivalFailOver: RivalFailOver | undefined
  #firstWrite: FirstWrite | undefined

  constructor(options: ComparisonOptions) {
    this.#options = options
  }

  async run(): Promise<Result> {
    const { directory, systems } = this.#options
    const machine = await describeMachine(directory)
    const ownCost = await measureOwnCost()
    const probe = await FloorProbe.open(dataDirectory('floors', directory), PEERS, 'power')
    await this.#measureFloors(probe)
    await this.#measureOurs(probe)
    await this.#measureFloors(probe)
    const floors = probe.floors()
    await probe.close()
    if (systems.has('zookeeper')) await this.#measureZooKeeper()
    if (systems.has('etcd') && this.#isChosen('sets')) {
      this.#take(await measureEtcd(directory, this.#options))
    }
    return {
      ...{ machine, plan: planOf(this.#options), ownCost, floors },
      ...{ rows: this.#rows, failOver: this.#failOver, firstWrite: this.#firstWrite },
      rivalFailOver: this.#rivalFailOver,
      skipped: this.#skipped,
    }
  }

  #isChosen(part: PartName): boolean {
    return this.#options.parts.has(part)
  }

  async #measureFloors(probe: FloorProbe): Promise<void> {
    await probe.measure(FLOOR_MS)
    await probe.measureLimits(LIMITS_SECONDS)
  }

  async #measureOurs(probe: FloorProbe): Promise<void> {
    if (this.#isChosen('sets')) await this.#measureSets(probe)
    if (this.#isChosen('creates')) await this.#measureCreates()
    if (this.#isChosen('process')) await this.#measureProcess()
    if (this.#isChosen('reads')) await this.#measureReads()
    if (this.#isChosen('fail-over')) await this.#measureFailOver()
    if (this.#isChosen('first-write')) {
      this.#firstWrite = await measureFirstWrite(this.#options.directory, FIRST_WRITES)
    }
  }

  async #measureSets(probe: FloorProbe): Promise<void> {
    await using opened = await this.#open('power')
    const writes = this.#writes('power', SET_BYTES)
    const rows = await measureSets(opened.ensemble, probe, writes, this.#options)
    const peak = rows.find(({ name, system }) => name === PIPELINED_SETS && system === OURS)
    const { ensemble } = opened
    rows.push(...(await measurePaced(ensemble, peak!.opsPerSecond, writes, this.#options)))
    this.#rows.push(...rows)
  }

  async #measureCreates(): Promise<void> {
    await using opened = await this.#open('power')
    const writes = this.#writes('power', CREATE_BYTES)
    this.#rows.push(...(await measureCreates(opened.ensemble, writes, this.#options)))
  }

  async #measureProcess(): Promise<void> {
    await using opened = await this.#open('process')
    const writes = this.#writes('process', SET_BYTES)
    this.#rows.push(...(await measureOneAtATime(opened.ensemble, writes, this.#options)))
  }

  async #measureReads(): Promise<void> {
    await using opened = await this.#open('power')
    const { directory, systems } = this.#options
    this.#take(await measureReads(opened.ensemble, directory, systems, this.#options))
  }

  async #measureFailOver(): Promise<void> {
    await using opened = await this.#open('power', RESTART)
    this.#failOver = await measureFailOver(opened.ensemble, this.#options.kills)
  }

  async #measureZooKeeper(): Promise<void> {
    const { directory, parts } = this.#options
    const found = await measureZooKeeper(directory, parts, this.#options)
    this.#take(found)
    this.#rivalFailOver = found.failOver
  }

  #open(durability: Durability, restart?: RestartOptions) {
    return openInNewDirectory(this.#options.directory, { peers: PEERS, durability, restart })
  }

  #writes(durability: Durability, payloadBytes: number) {
    return { peers: PEERS, durability, payloadBytes, inFlight: IN_FLIGHT }
  }

  #take({ rows, skipped }: RivalRows): void {
    this.#rows.push(...rows)
    this.#skipped.push(...skipped)
  }
}

/** Lives on the same directory, one after the other, each checked against what the ones before had acknowledged. */

import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { makeSid } from '../../lib/base/zxid.ts'
import type { Prng } from '../support/prng.ts'
import type { Counters } from './counters.ts'
import type { Coverage } from './coverage.ts'
import type { Expectation } from './expectation.ts'
import { Ledger } from './ledger.ts'
import { type End, LifeFiles } from './life.ts'
import { type Model, PowerCut } from './loss.ts'
import type { Observed, Order, Plan } from './messages.ts'
import type { Armed, PointName } from './points.ts'
import { findDamage, type Harm, spoil } from './spoil.ts'
import { ChildFailure, Victim } from './victim.ts'
import { Window } from './window.ts'

export interface CampaignOptions {
  readonly place: string
  readonly program: string
  readonly shim: string | undefined
  readonly peers: number
  readonly durability: string
  /** The models of power cuts to choose from; none when nothing but the process dies. */
  readonly models: readonly Model[]
  readonly kind: Kind
}

/**
 * What a campaign is to show.
 *
 * - `strict`: nothing acknowledged is lost, whatever is done to minorities.
 * - `window`: only the last writes are lost, and nothing is written that could not be checked in spite of that.
 * - `harsh`: as `window`, with holes: so much may be lost that there is no quorum, but nothing wrong is served.
 * - `control`: something is lost. Nothing but the power is in the way, so that it is soon. What is lost may leave holes
 *   here, too; then all is made anew, until an acknowledged write is found missing.
 */
export type Kind = 'strict' | 'window' | 'harsh' | 'control'

/** What is done to a life before and while it lives. */
interface Course {
  readonly armed: Armed | undefined
  /** Opens its store when the others have a leader. */
  readonly late: number | undefined
  /** Writes what the others do not. */
  readonly ahead: number | undefined
  readonly peerToKill: number | undefined
  readonly end: 'load' | 'opening' | 'close' | 'close unused'
}

const LOAD_MS_MAX = 400
const CONTROL_MS = 150
/** How long an armed failpoint is waited for. */
const ARMED_MS = 500
const LATE_MS = 250
const ARMED = 0.7
const WHILE_OPENING = 0.4
const ORDERLY = 0.15
const POWER_CUT = 0.75
const WIPE = 0.06
const HARM = 0.04
const LATE = 0.1
const PEER_KILL = 0.3
const SMALL_FILES = 0.8
/** With the least, each own snapshot leaves a segment, with the most, one of several does. */
const SEGMENT_BYTES = [1024, 1024, 64 * 1024] as const
const SMALL_SEGMENTS = 0.8
const HOLES = 0.3
const ONE_IN_TWO = 0.5

const UNDISTURBED: Course = {
  ...{ armed: undefined, late: undefined, ahead: undefined, peerToKill: undefined },
  end: 'load',
}

const NEED_WIPE: readonly PointName[] = ['first record', 'staged chunk', 'install', 'create note']
/** What is done for the first segment of a log was of no value before; with the later ones that is another matter. */
const FIRST_SEGMENT: readonly PointName[] = [
  ...(['create identity', 'sync identity', 'rename identity'] as const),
  ...(['mkdir segment', 'sync segment', 'sync directory', 'open segment'] as const),
  ...(['create manifest', 'sync manifest', 'unlink manifest'] as const),
  ...(['create current', 'sync current', 'rename current', 'create log'] as const),
]

export class Campaign {
  readonly dataDir: string
  readonly #options: CampaignOptions
  readonly #prng: Prng
  readonly #expectation: Expectation
  readonly #coverage: Coverage
  readonly #counters: Counters
  readonly #ledger = new Ledger()
  /** Where the lives since the last power cut have left what they removed. */
  readonly #graves: string[] = []
  #lives = 0
  /** From the start of a process to what it observed, lately. */
  #openingMs = 500
  #leader: number | undefined
  /** What the runs work on is made. */
  #founded = false
  /** Peers that may not be able to vote: they lost their data and have not been seen in order since. */
  readonly #sick = new Set<number>()

  constructor(
    options: CampaignOptions,
    prng: Prng,
    expectation: Expectation,
    coverage: Coverage,
    counters: Counters,
  ) {
    this.#options = options
    this.#prng = prng
    this.#expectation = expectation
    this.#coverage = coverage
    this.#counters = counters
    this.dataDir = join(options.place, 'data')
  }

  get lives(): number {
    return this.#lives
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  /** One more life; in the first all is made, with every peer, and synced. */
  async cycle(): Promise<void> {
    try {
      await this.#cycle()
    } catch (error) {
      if (!(await this.#isRefusal(error))) throw error
      this.#counters.refused++
      this.#restart()
    }
  }

  async #cycle(): Promise<void> {
    if (!this.#founded || this.#options.kind === 'control') return await this.#live(UNDISTURBED)
    const armed = this.#chooseArmed()
    if (armed?.name === 'truncation') await this.#live(this.#preparation())
    await this.#harm(armed)
    await this.#live(this.#drawCourse(armed))
  }

  /** Nothing is in its way, and nothing is written. */
  async checkOnce(): Promise<void> {
    await this.#live({ ...UNDISTURBED, end: 'close unused' })
  }

  /** There was no quorum, and rightly so. */
  async #isRefusal(error: unknown): Promise<boolean> {
    const { kind } = this.#options
    if (kind !== 'harsh' && kind !== 'control') return false
    if (!(error instanceof ChildFailure)) return false
    if (error.code !== 'NO_QUORUM') return false
    const sids = Array.from({ length: this.#options.peers }, (_, at) => makeSid(at + 1))
    const damage = await Promise.all(sids.map(sid => findDamage(this.#directoryOf(sid), sid)))
    return damage.filter(what => what !== undefined).length * 2 >= sids.length
  }

  #restart(): void {
    rmSync(this.dataDir, { recursive: true })
    this.#ledger.clear()
    this.#expectation.restart()
    this.#founded = false
  }

  #chooseArmed(): Armed | undefined {
    if (!this.#prng.chance(ARMED)) return undefined
    const armed = this.#coverage.choose(this.#prng)
    // It is the leader before who comes by it, whoever that was.
    return armed.name === 'truncation' ? { ...armed, sid: undefined } : armed
  }

  #drawCourse(armed: Armed | undefined): Course {
    const prng = this.#prng
    const many = this.#options.peers > 2
    const truncates = armed?.name === 'truncation'
    return {
      armed,
      late: truncates ? this.#leader : many && prng.chance(LATE) ? this.#drawLate() : undefined,
      ahead: undefined,
      peerToKill: many && prng.chance(PEER_KILL) ? prng.between(1, this.#options.peers) : undefined,
      end: this.#drawEnd(armed),
    }
  }

  #drawEnd(armed: Armed | undefined): Course['end'] {
    if (armed?.name === 'close segment') return 'close'
    if (armed !== undefined) return 'load'
    if (this.#prng.chance(WHILE_OPENING)) return 'opening'
    return this.#prng.chance(ORDERLY) ? 'close' : 'load'
  }

  /** For a log that has to be cut: its peer leads now, and will come late. */
  #preparation(): Course {
    return { ...UNDISTURBED, ahead: this.#leader }
  }

  /** Wipes or spoils the store of a peer that the others can do without. */
  async #harm(armed: Armed | undefined): Promise<void> {
    const { peers, kind } = this.#options
    if (kind !== 'strict' || (this.#sick.size + 1) * 2 > peers) return
    const prng = this.#prng
    const all = Array.from({ length: peers }, (_, at) => at + 1)
    const sids = prng.shuffle(armed?.sid === undefined ? all : [armed.sid])
    const candidates = sids.filter(sid => !this.#sick.has(sid))
    if (prng.chance(chanceOfWipe(armed?.name))) return this.#wipe(candidates)
    const harm =
      harmFor(armed?.name) ?? (prng.chance(HARM) ? prng.pick(['chunk', 'group']) : undefined)
    if (harm !== undefined) await this.#spoil(candidates, harm)
  }

  #wipe([sid]: readonly number[]): void {
    if (sid === undefined) return
    const directory = this.#directoryOf(sid)
    rmSync(directory, { recursive: true })
    this.#ledger.forget(directory, [])
    this.#sick.add(sid)
    this.#counters.wiped++
  }

  /** Not every store has what could be spoilt. */
  async #spoil(candidates: readonly number[], harm: Harm): Promise<void> {
    for (const sid of candidates) {
      const directory = this.#directoryOf(sid)
      // Also when it finds nothing to spoil, LevelDB has written new files and removed others.
      const done = await spoil(directory, harm)
      this.#ledger.forget(directory, inodesIn(directory))
      if (!done) continue
      this.#sick.add(sid)
      this.#counters.spoiled[harm]++
      return
    }
  }

  #directoryOf(sid: number): string {
    return join(this.dataDir, `peer-${sid}`)
  }

  async #live(course: Course): Promise<void> {
    const { place, program, shim } = this.#options
    const files = new LifeFiles(place, this.#lives, shim)
    const plan = this.#planOf(course, files)
    this.#lives++
    this.#expectation.begin()
    const victim = new Victim({
      ...{ program, plan, environment: files.environment(plan) },
      onAcknowledged: (write, session) => this.#expectation.acknowledge(write, session),
    })
    let end: End
    try {
      end = await this.#run(victim, course)
    } finally {
      await victim.end()
    }
    this.#counters.ends[end]++
    if (plan.late !== undefined) this.#counters.late++
    if (course.peerToKill !== undefined && end !== 'killed while opening')
      this.#counters.disturbed++
    for (const tally of files.tally()) this.#coverage.record(tally)
    this.#ledger.read(files.events(), files.grave)
    files.remove()
    this.#graves.push(files.grave)
    this.#cutPower()
  }

  async #run(victim: Victim, course: Course): Promise<End> {
    if (course.end === 'opening') {
      const diesFirst = await victim.endedWithin(this.#prng.between(50, this.#openingMs * 1.2))
      return diesFirst ? 'at a failpoint while opening' : 'killed while opening'
    }
    const since = performance.now()
    const observed = await victim.observed()
    if (observed === undefined) return 'at a failpoint while opening'
    this.#openingMs = Math.round(performance.now() - since)
    this.#take(observed)
    if (this.#expectation.findings.length > 0) return 'killed under load'
    if (course.end === 'close unused') return await this.#close(victim)
    victim.order(this.#orderOf(observed, course))
    // Where only one log grows, nothing is acknowledged.
    if (course.ahead === undefined && !(await victim.writing())) return 'at a failpoint under load'
    const loadMs = this.#prng.between(this.#loadMsMin(course), LOAD_MS_MAX)
    if (course.end === 'close') {
      await pause(loadMs)
      return await this.#close(victim)
    }
    const armedMs = course.armed === undefined ? loadMs : ARMED_MS
    const diesFirst = await victim.endedWithin(armedMs)
    return diesFirst ? 'at a failpoint under load' : 'killed under load'
  }

  /** Time enough for something that can be lost, or has to be cut. */
  #loadMsMin({ ahead }: Course): number {
    return this.#options.kind === 'control' || ahead !== undefined ? CONTROL_MS : 0
  }

  async #close(victim: Victim): Promise<End> {
    return (await victim.close()) ? 'at a failpoint while closing' : 'closed'
  }

  #take(observed: Observed): void {
    this.#expectation.verify(observed)
    for (const { sid, what } of observed.damage) {
      this.#counters.damaged++
      if (this.#sick.has(sid) || this.#options.kind !== 'strict') continue
      this.#expectation.find(`peer ${sid} found damage that nobody did: ${what}`)
    }
    this.#founded = true
    this.#sick.clear()
    this.#leader = observed.leader
  }

  #planOf({ armed, late, ahead }: Course, { passages }: LifeFiles): Plan {
    const { peers, durability, kind } = this.#options
    const prng = this.#prng
    const first = !this.#founded
    return {
      ...{ dataDir: this.dataDir, peers, first, name: String(this.#lives), passages, armed },
      // What all runs stand on is not to be lost.
      durability: first ? 'power' : durability,
      reader: prng.between(1, peers),
      late: late === undefined ? undefined : { sid: late, ms: LATE_MS },
      ahead,
      smallFiles: kind !== 'window' && prng.chance(SMALL_FILES),
      segmentBytes: prng.chance(SMALL_SEGMENTS) ? prng.pick(SEGMENT_BYTES) : undefined,
      segmentBytesMax: this.#lives % 2 === 1 ? SEGMENT_BYTES[0] : undefined,
    }
  }

  /** Most likely to have written what nobody else has is the one that led. */
  #drawLate(): number {
    if (this.#leader !== undefined && this.#prng.chance(ONE_IN_TWO)) return this.#leader
    return this.#prng.between(1, this.#options.peers)
  }

  #orderOf({ registers }: Observed, { peerToKill }: Course): Order {
    const windowed = this.#expectation instanceof Window
    return {
      ...{ kind: 'write', registers, peerToKill },
      deletions: this.#expectation.chooseDeletions(paths =>
        paths.filter(() => this.#prng.chance(0.8)),
      ),
      sequential: !windowed,
      creationsMax: windowed ? 30 : 300,
    }
  }

  #cutPower(): void {
    const { models, kind } = this.#options
    if (models.length === 0) return this.#forgetLives()
    if (kind === 'strict' && !this.#prng.chance(POWER_CUT)) return
    const model = this.#prng.pick(models)
    this.#counters.cuts[model]++
    const holes = kind === 'harsh' && this.#prng.chance(HOLES)
    const worst = kind === 'control' || holes
    const options = { model, tears: kind !== 'window', worst, holes }
    new PowerCut(this.dataDir, this.#ledger, options, this.#prng, this.#counters.loss).apply()
    this.#forgetLives()
  }

  /** What they left is as it will stay. */
  #forgetLives(): void {
    this.#ledger.clear()
    for (const grave of this.#graves.splice(0)) rmSync(grave, { recursive: true })
  }
}

function inodesIn(directory: string): number[] {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return names.map(name => lstatSync(join(directory, name)).ino)
}

/** Certain where a point is only passed in a new directory, likely where that is another matter. */
function chanceOfWipe(point: PointName | undefined): number {
  if (point === undefined) return WIPE
  if (NEED_WIPE.includes(point)) return 1
  return FIRST_SEGMENT.includes(point) ? ONE_IN_TWO : WIPE
}

function harmFor(point: PointName | undefined): Harm | undefined {
  if (point === 'useless heads') return 'chunk'
  return point === 'damage' ? 'group' : undefined
}

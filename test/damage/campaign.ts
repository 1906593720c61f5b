/** A campaign of single harms: each is done to a fresh copy of one peer's directory, which is opened and judged. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sid } from '../../lib/base/zxid.ts'
import { readMark } from '../../lib/storage/tail-mark.ts'
import { Prng } from '../support/prng.ts'
import type { EnsembleQuestion } from './ensemble-prober.ts'
import {
  deletionsOf,
  describeHarm,
  doHarm,
  drawHarm,
  type FileKind,
  fileKindOf,
  type Harm,
  type HarmKind,
  targetsIn,
} from './harm.ts'
import { isFailure, judge, type Outcome, type Verdict } from './judge.ts'
import { Probe } from './probe.ts'
import type { Question } from './prober.ts'
import { copy, peerDirectory, SIDS, type Specimen, type SpecimenKind } from './specimens.ts'
import type { Recovered } from './state.ts'

export interface Case {
  readonly specimen: SpecimenKind
  readonly sid: Sid
  /** A whole ensemble was opened, not just the peer's store. */
  readonly whole: boolean
  /** As `describeHarm` has it. */
  readonly harm: string
  readonly fileKind: FileKind
  readonly harmKind: HarmKind
  readonly outcome: Outcome
  readonly why: string
}

/** One peer's directory before any harm. */
interface Subject {
  readonly specimen: Specimen
  readonly sid: Sid
  readonly directory: string
  readonly original: Recovered
  readonly knownTail: number
}

export class Campaign {
  readonly #place: string
  readonly #prng: Prng
  readonly #probe = new Probe<Question>('prober.ts')
  readonly #ensembles = new Probe<EnsembleQuestion>('ensemble-prober.ts')
  readonly #subjects: Subject[] = []
  readonly cases: Case[] = []
  #copies = 0

  /** @param place an empty directory to work in */
  constructor(place: string, seed: number) {
    this.#place = place
    this.#prng = new Prng(seed)
  }

  get failures(): readonly Case[] {
    return this.cases.filter(({ outcome }) => isFailure(outcome))
  }

  /** Finds out what is in a specimen, from copies of it. */
  async add(specimen: Specimen): Promise<void> {
    for (const sid of SIDS) {
      const directory = peerDirectory(specimen.dataDir, sid)
      const answer = await this.#open(directory, sid, async () => undefined)
      if (answer.kind !== 'recovered' || answer.recovered.damage !== undefined) {
        throw new Error(`what was not damaged cannot be opened: ${JSON.stringify(answer)}`)
      }
      const { recovered: original } = answer
      const knownTail =
        specimen.kind === 'killed' ? await knownTailOf(directory) : original.tail.zxid
      this.#subjects.push({ specimen, sid, directory, original, knownTail })
    }
  }

  /** Random harms to single peers' stores. */
  async run(count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      const subject = this.#prng.pick(this.#subjects)
      await this.#try(subject, drawHarm(this.#prng, await targetsIn(subject.directory)))
    }
  }

  /** Each file of each peer deleted, and each of its parts removed and emptied. */
  async runDeletions(): Promise<void> {
    for (const subject of this.#subjects) {
      for (const { name } of await targetsIn(subject.directory)) {
        const fileKind = fileKindOf(name)
        for (const kind of deletionsOf(fileKind)) {
          await this.#try(subject, { kind, file: name, fileKind, at: 0, detail: 0 })
        }
      }
    }
  }

  /** Random harms to one peer of a whole ensemble. */
  async runEnsembles(count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      const subject = this.#prng.pick(this.#subjects)
      const harm = drawHarm(this.#prng, await targetsIn(subject.directory))
      const { specimen, sid, original } = subject
      const dataDir = await copy(specimen.dataDir, join(this.#place, `copy-${this.#copies++}`))
      const harmed = peerDirectory(dataDir, sid)
      await doHarm(harmed, harm)
      const question = { dataDir, harmed, sid, content: specimen.content }
      const answer = await this.#ensembles.ask(question)
      this.#note(subject, harm, judge(original, answer, 0), true)
      await rm(dataDir, { recursive: true, force: true })
      await rm(`${dataDir}.away`, { recursive: true, force: true })
    }
  }

  close(): void {
    this.#probe.close()
    this.#ensembles.close()
  }

  async #try(subject: Subject, harm: Harm): Promise<void> {
    const { directory, sid, original, knownTail } = subject
    const answer = await this.#open(directory, sid, place => doHarm(place, harm))
    this.#note(subject, harm, judge(original, answer, knownTail), false)
  }

  #note({ specimen, sid }: Subject, harm: Harm, verdict: Verdict, whole: boolean): void {
    this.cases.push({
      ...{ specimen: specimen.kind, sid, whole, harm: describeHarm(harm) },
      ...{ fileKind: harm.fileKind, harmKind: harm.kind, ...verdict },
    })
  }

  async #open(from: string, sid: Sid, harm: (directory: string) => Promise<void>) {
    const directory = await copy(from, join(this.#place, `copy-${this.#copies++}`))
    try {
      await harm(directory)
      return await this.#probe.ask({ directory, sid })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
}

/** Where the peer noted that its log ends, when it was last at rest. */
async function knownTailOf(directory: string): Promise<number> {
  const { mark } = await readMark(directory)
  return mark?.tail.zxid ?? 0
}

/** The directories that are copied and damaged: made once by real ensembles, each kind with its own end. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeSid, type Sid } from '../../lib/base/zxid.ts'
import { partsOf } from '../storage/support.ts'
import { compact } from './compact.ts'
import { type Content, type Ending, PEERS } from './content.ts'

const MAKER = fileURLToPath(new URL('maker.ts', import.meta.url))

/** `compacted` was closed, and then everything was moved from each LevelDB's log into one table. */
export const SPECIMEN_KINDS = ['closed', 'compacted', 'rested', 'killed'] as const
export type SpecimenKind = (typeof SPECIMEN_KINDS)[number]

export interface Specimen {
  readonly kind: SpecimenKind
  /** The ensemble's directory; never opened or changed. */
  readonly dataDir: string
  readonly content: Content
}

export const SIDS: readonly Sid[] = Array.from({ length: PEERS }, (_, at) => makeSid(at + 1))

export function peerDirectory(dataDir: string, sid: Sid): string {
  return join(dataDir, `peer-${sid}`)
}

async function make(dataDir: string, ending: Ending, seed: number): Promise<Content> {
  const child = fork(MAKER, [dataDir, ending, String(seed)], { execArgv: ['--import', 'tsx'] })
  const exit = once(child, 'exit')
  const told = once(child, 'message') as Promise<[Content]>
  // What it says before it kills itself may arrive after its end is known, but not after its channel is closed.
  const gone = Promise.all([exit, once(child, 'disconnect')])
  const first = await Promise.race([told, gone.then(([[code]]) => Promise.reject(failed(code)))])
  const [code, signal] = await exit
  if (ending === 'closed' ? code !== 0 : signal !== 'SIGKILL') throw failed(code ?? signal)
  return first[0]
}

function failed(how: unknown): Error {
  return new Error(`the program that makes directories ended with ${how}`)
}

async function compactAll(dataDir: string): Promise<void> {
  for (const sid of SIDS) {
    const directory = peerDirectory(dataDir, sid)
    const parts = [...(await partsOf(directory, 'log')), ...(await partsOf(directory, 'snapshot'))]
    for (const part of parts) await compact(part)
  }
}

export async function makeSpecimen(
  parent: string,
  kind: SpecimenKind,
  seed: number,
): Promise<Specimen> {
  const dataDir = join(parent, kind)
  const content = await make(dataDir, kind === 'compacted' ? 'closed' : kind, seed)
  if (kind === 'compacted') await compactAll(dataDir)
  return { kind, dataDir, content }
}

/** A copy to be damaged; of the whole ensemble, or of one peer. */
export async function copy(from: string, to: string): Promise<string> {
  await cp(from, to, { recursive: true })
  return to
}

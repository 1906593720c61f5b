/** The harm that is done to a peer's files: where, and what. Drawn from a seed, and told so that it can be repeated. */

import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { endOfData } from '../support/end-of-data.ts'
import type { Prng } from '../support/prng.ts'

/** The directories that a peer's directory consists of, each a LevelDB. */
export const PART_KINDS = ['segment', 'snapshot'] as const
export type PartKind = (typeof PART_KINDS)[number]

/** What a file is to LevelDB or to us; or a whole part. */
export const FILE_KINDS = [
  ...PART_KINDS,
  'log',
  'table',
  'manifest',
  'current',
  'text log',
  'lock',
  'identity',
  'mark',
  'owner',
] as const
export type FileKind = (typeof FILE_KINDS)[number]

/** What becomes of a part: it is gone, or its directory is empty. */
export const PART_HARMS = ['remove', 'empty'] as const
export const HARM_KINDS = [
  ...(['bit', 'byte', 'zeros', 'cut', 'swap', 'delete'] as const),
  ...PART_HARMS,
] as const
export type HarmKind = (typeof HARM_KINDS)[number]

export interface Harm {
  readonly kind: HarmKind
  /** Its name in the peer's directory. */
  readonly file: string
  readonly fileKind: FileKind
  /** Offset of the byte or sector, or the new length. */
  readonly at: number
  /** The bit, the byte's new value or the other sector. */
  readonly detail: number
}

const SECTOR_BYTES = 512
/** How often each kind is drawn, of a hundred; the rest are single bits. */
const SHARES: readonly (readonly [kind: HarmKind, percent: number])[] = [
  ['byte', 12],
  ['zeros', 8],
  ['cut', 10],
  ['swap', 5],
  ['delete', 3],
]
/** Half of all harm is aimed at the ends of a file, where headers, indexes, footers and the last records are. */
const AIMED_SHARE = 0.5
const AIMED_BYTES = 256
/** Files that hold nothing but a few bytes, or nothing of value, get less of it. */
const WEIGHTS: Readonly<Record<FileKind, number>> = {
  ...{ log: 8, table: 8, manifest: 4, current: 1, 'text log': 1, lock: 0.3 },
  ...{ identity: 1, mark: 1, owner: 0.3, segment: 0.5, snapshot: 0.5 },
}

/** The part that a name in a peer's directory stands for, or lies in; undefined for the peer's own files. */
export function partKindOf(path: string): PartKind | undefined {
  if (path.startsWith('log-')) return 'segment'
  if (path.startsWith('snapshot-')) return 'snapshot'
  return undefined
}

function isPart(path: string): boolean {
  return partKindOf(path) !== undefined && !path.includes(posix.sep)
}

export function fileKindOf(path: string): FileKind {
  const part = partKindOf(path)
  if (part !== undefined && isPart(path)) return part
  const name = posix.basename(path)
  if (name.endsWith('.log')) return 'log'
  if (name.endsWith('.ldb') || name.endsWith('.sst')) return 'table'
  if (name.startsWith('MANIFEST')) return 'manifest'
  // LevelDB writes it under another name first, which a kill may leave behind.
  if (name.startsWith('CURRENT') || name.endsWith('.dbtmp')) return 'current'
  if (name.startsWith('LOG')) return 'text log'
  if (name === 'LOCK') return 'lock'
  if (name.startsWith('quorumtree.owner')) return 'owner'
  if (name.startsWith('quorumtree.tail')) return 'mark'
  if (name.startsWith('quorumtree.')) return 'identity'
  throw new Error(`a file of an unknown kind: ${name}`)
}

/** The harms that leave nothing of it. */
export function deletionsOf(kind: FileKind): readonly HarmKind[] {
  return PART_KINDS.some(part => part === kind) ? PART_HARMS : ['delete']
}

export interface Target {
  readonly name: string
  /** 0 for a part. */
  readonly bytes: number
}

function groupBy<Key>(targets: readonly Target[], keyOf: (target: Target) => Key) {
  const groups = new Map<Key, Target[]>()
  for (const target of targets) {
    const key = keyOf(target)
    groups.set(key, [...(groups.get(key) ?? []), target])
  }
  return groups
}

/** The segment that is written to has all that the others do not have, and is but one of many directories. */
function pickPlacedTarget(prng: Prng, targets: readonly Target[], last: string): Target {
  const placeOf = ({ name }: Target) => (name.startsWith(last) ? 'last' : partKindOf(name))
  return prng.pick(prng.pick([...groupBy(targets, placeOf).values()]))
}

function pickTarget(prng: Prng, targets: readonly Target[]): Target {
  const byKind = groupBy(targets, ({ name }) => fileKindOf(name))
  const last = byKind.get('segment')?.at(-1)
  if (last === undefined) throw new Error('a peer without a log')
  const sum = [...byKind.keys()].reduce((total, kind) => total + WEIGHTS[kind], 0)
  let at = prng.unit() * sum
  for (const [kind, files] of byKind) {
    at -= WEIGHTS[kind]
    if (at < 0) return pickPlacedTarget(prng, files, last.name)
  }
  return prng.pick(targets)
}

function pickPlace(prng: Prng, bytes: number): number {
  if (bytes === 0) return 0
  if (!prng.chance(AIMED_SHARE)) return prng.between(0, bytes - 1)
  const distance = prng.between(0, Math.min(AIMED_BYTES, bytes) - 1)
  return prng.chance(0.25) ? distance : bytes - 1 - distance
}

function pickKind(prng: Prng, bytes: number): HarmKind {
  let at = prng.between(0, 99)
  for (const [kind, percent] of SHARES) {
    at -= percent
    if (at >= 0) continue
    const fits = kind === 'delete' || bytes > (kind === 'swap' ? 2 * SECTOR_BYTES : 0)
    return fits ? kind : 'delete'
  }
  return bytes > 0 ? 'bit' : 'delete'
}

export function drawHarm(prng: Prng, targets: readonly Target[]): Harm {
  const { name, bytes } = pickTarget(prng, targets)
  const kind = isPart(name) ? prng.pick(PART_HARMS) : pickKind(prng, bytes)
  const at = pickPlace(prng, bytes)
  const harm = { file: name, fileKind: fileKindOf(name), kind }
  const sector = Math.floor(at / SECTOR_BYTES)
  switch (kind) {
    case 'bit':
      return { ...harm, at, detail: prng.between(0, 7) }
    case 'byte':
      return { ...harm, at, detail: prng.between(1, 255) }
    case 'zeros':
      return { ...harm, at: sector * SECTOR_BYTES, detail: SECTOR_BYTES }
    case 'swap': {
      const sectors = Math.floor(bytes / SECTOR_BYTES)
      const one = Math.min(sector, sectors - 1)
      const other = (one + prng.between(1, sectors - 1)) % sectors
      return { ...harm, at: one * SECTOR_BYTES, detail: other * SECTOR_BYTES }
    }
    default:
      return { ...harm, at, detail: 0 }
  }
}

export function describeHarm({ kind, file, at, detail }: Harm): string {
  return `${kind} of ${file} at ${at} (${detail})`
}

/** A harm in the words of `describeHarm`. */
export function parseHarm(text: string): Harm {
  const match = /^(\w+) of (\S+) at (\d+) \((\d+)\)$/.exec(text)
  const kind = HARM_KINDS.find(known => known === match?.[1])
  if (match === null || kind === undefined) throw new Error(`not a harm: ${text}`)
  const file = match[2]!
  return { kind, file, fileKind: fileKindOf(file), at: Number(match[3]), detail: Number(match[4]) }
}

export async function doHarm(directory: string, harm: Harm): Promise<void> {
  const { kind, at, detail } = harm
  const path = join(directory, harm.file)
  if (kind === 'delete') return rm(path)
  if (kind === 'remove' || kind === 'empty') {
    await rm(path, { recursive: true })
    if (kind === 'empty') await mkdir(path)
    return
  }
  const bytes = await readFile(path)
  switch (kind) {
    case 'bit':
      bytes[at]! ^= 1 << detail
      break
    case 'byte':
      bytes[at]! ^= detail
      break
    case 'zeros':
      bytes.fill(0, at, Math.min(at + detail, bytes.length))
      break
    case 'swap': {
      const one = Buffer.from(bytes.subarray(at, at + SECTOR_BYTES))
      bytes.copy(bytes, at, detail, detail + SECTOR_BYTES)
      one.copy(bytes, detail)
      break
    }
    case 'cut':
      return writeFile(path, bytes.subarray(0, at))
  }
  await writeFile(path, bytes)
}

/** What is written in a file: behind that there may be room in a log, in which nothing can be spoilt. */
async function bytesIn(path: string, size: number): Promise<number> {
  return fileKindOf(path) === 'log' ? endOfData(await readFile(path)) : size
}

/** All files, and the parts themselves, by name. */
export async function targetsIn(directory: string): Promise<Target[]> {
  const targets: Target[] = []
  for (const name of await readdir(directory, { recursive: true })) {
    const found = await stat(join(directory, name))
    const bytes = found.isDirectory() ? 0 : await bytesIn(join(directory, name), found.size)
    targets.push({ name: name.replaceAll(sep, posix.sep), bytes })
  }
  return targets.sort((one, other) => (one.name < other.name ? -1 : 1))
}

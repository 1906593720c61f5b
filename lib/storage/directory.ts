/**
 * The peer's directory before LevelDB touches it. A small file beside LevelDB's says whose directory it is, so that a
 * foreign one is never opened, and whether it was ever in use: LevelDB makes a new, empty database where its files are
 * lost, and only this file then tells a peer that has forgotten its promises from one that never made any.
 */

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Sid } from '../base/zxid.ts'
import { asStorageFailure, storageFailure } from './failures.ts'
import { FORMAT } from './records.ts'

const IDENTITY_FILE = 'quorumtree.json'
const UNFINISHED_FILE = `${IDENTITY_FILE}.new`
/** LevelDB's pointer to its current manifest: no database without it. */
const LEVELDB_CURRENT = 'CURRENT'
/** By such a file the ensemble shows that it has the directory open. */
const OWNER_PREFIX = 'quorumtree.owner-'
/** What operating systems leave in directories that are empty to their users. */
const IGNORED = new Set([UNFINISHED_FILE, '.DS_Store', 'Thumbs.db', 'desktop.ini', 'lost+found'])

interface Identity {
  readonly format: number
  readonly sid: Sid
  /** The first record is durable. Until then nothing was promised, and what LevelDB holds is of no value. */
  readonly inUse: boolean
}

function parseIdentity(text: string, directory: string): Identity {
  const damaged = (cause?: unknown) =>
    storageFailure('DIRECTORY_DAMAGED', directory, `${IDENTITY_FILE} cannot be read`, cause)
  let parsed: Partial<Identity> | null
  try {
    parsed = JSON.parse(text) as Partial<Identity> | null
  } catch (cause) {
    throw damaged(cause)
  }
  const { format, sid, inUse } = parsed ?? {}
  if (typeof format !== 'number' || typeof sid !== 'number' || typeof inUse !== 'boolean') {
    throw damaged()
  }
  return { format, sid, inUse }
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows has no such thing as a sync of a directory.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function writeIdentity(directory: string, identity: Identity): Promise<void> {
  const unfinished = join(directory, UNFINISHED_FILE)
  const handle = await open(unfinished, 'w')
  try {
    await handle.writeFile(`${JSON.stringify(identity)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(unfinished, join(directory, IDENTITY_FILE))
  await syncDirectory(directory)
}

async function claim(directory: string, sid: Sid): Promise<boolean> {
  await mkdir(directory, { recursive: true })
  const names = await readdir(directory)
  if (!names.includes(IDENTITY_FILE)) {
    const foreign = names.find(name => !IGNORED.has(name) && !name.startsWith(OWNER_PREFIX))
    if (foreign !== undefined) {
      const what = `the directory holds other data ('${foreign}')`
      throw storageFailure('DIRECTORY_NOT_OURS', directory, what)
    }
    await writeIdentity(directory, { format: FORMAT, sid, inUse: false })
    await syncDirectory(dirname(directory))
    return false
  }
  const identity = parseIdentity(await readFile(join(directory, IDENTITY_FILE), 'utf8'), directory)
  checkFormat(identity.format, directory)
  checkOwner(identity.sid, sid, directory)
  if (identity.inUse && !names.includes(LEVELDB_CURRENT)) {
    const what = `LevelDB's file ${LEVELDB_CURRENT} is missing`
    throw storageFailure('DIRECTORY_DAMAGED', directory, what)
  }
  return identity.inUse
}

export function checkFormat(format: number, directory: string): void {
  if (format <= FORMAT) return
  const what = `the data have the format ${format}, this version reads up to ${FORMAT}`
  throw storageFailure('FORMAT_TOO_NEW', directory, what)
}

export function checkOwner(owner: Sid, sid: Sid, directory: string): void {
  if (owner === sid) return
  const what = `the data belong to peer ${owner}, not to peer ${sid}`
  throw storageFailure('DIRECTORY_NOT_OURS', directory, what)
}

/**
 * Makes sure that the directory is this peer's, creating it if need be. Tells whether it was in use before.
 * @throws TreeError DIRECTORY_NOT_OURS, DIRECTORY_DAMAGED, FORMAT_TOO_NEW, NO_PERMISSION, NO_SPACE, STORAGE_FAILED.
 */
export async function claimDirectory(directory: string, sid: Sid): Promise<boolean> {
  try {
    return await claim(directory, sid)
  } catch (error) {
    throw asStorageFailure(error, directory)
  }
}

/** Has LevelDB make a new database where it finds a broken one. For a directory that was never in use. */
export async function forgetDatabase(directory: string): Promise<void> {
  await rm(join(directory, LEVELDB_CURRENT), { force: true })
}

/** To be called once the first record is durable. */
export async function markInUse(directory: string, sid: Sid): Promise<void> {
  try {
    await writeIdentity(directory, { format: FORMAT, sid, inUse: true })
  } catch (error) {
    throw asStorageFailure(error, directory)
  }
}

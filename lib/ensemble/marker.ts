/**
 * The file `quorumtree.json` in an ensemble's directory: that the directory is ours, in which format, and who is a
 * member. Replaced as a whole: it is always an earlier or a later version, never a mixture.
 */

import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { TreeError } from '../base/errors.ts'
import { isSid, type Sid } from '../base/zxid.ts'
import { unless, withFile } from './file-errors.ts'

export const MARKER_FILE = 'quorumtree.json'
/** The next version while it is being written; what a crash leaves of it means nothing. */
export const MARKER_DRAFT = 'quorumtree.json.new'

const MAGIC = 'quorumtree'
const FORMAT = 1

export interface Marker {
  /**
   * False until the first leader has served. Nobody can have stored anything before: what the peers' directories hold
   * may be dropped, and the members may change.
   */
  readonly formed: boolean
  readonly voters: readonly Sid[]
  readonly observers: readonly Sid[]
}

/** Reads the directory's marker; undefined when there is none. */
export async function readMarker(directory: string): Promise<Marker | undefined> {
  const file = join(directory, MARKER_FILE)
  const text = await withFile(file, () =>
    unless(['ENOENT'], undefined, () => readFile(file, 'utf8')),
  )
  return text === undefined ? undefined : parseMarker(text, file)
}

function isSidList(value: unknown): value is Sid[] {
  return Array.isArray(value) && value.every(isSid)
}

function parseMarker(text: string, file: string): Marker {
  let found: Partial<Record<string, unknown>>
  try {
    found = JSON.parse(text)
  } catch (cause) {
    const message = `${file} is damaged: restore it from a backup, or give another dataDir`
    throw new TreeError('DIRECTORY_DAMAGED', message, { path: file, cause })
  }
  if (found?.magic !== MAGIC || typeof found.format !== 'number') {
    const message = `${file} does not describe an ensemble: give another dataDir`
    throw new TreeError('DIRECTORY_NOT_OURS', message, { path: file })
  }
  if (found.format > FORMAT) {
    const versions = `format ${found.format}, this version knows up to ${FORMAT}`
    throw new TreeError('FORMAT_TOO_NEW', `${file} has ${versions}: update quorumtree`, {
      path: file,
    })
  }
  const { formed, voters, observers } = found
  if (typeof formed !== 'boolean' || !isSidList(voters) || !isSidList(observers)) {
    const message = `${file} has fields missing: restore it from a backup, or give another dataDir`
    throw new TreeError('DIRECTORY_DAMAGED', message, { path: file })
  }
  return { formed, voters, observers }
}

/** Makes what was created, renamed or removed in a directory outlast a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory to sync it, and keeps its entries in a journal anyway.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces the directory's marker; durable when it resolves. */
export async function writeMarker(directory: string, marker: Marker): Promise<void> {
  const file = join(directory, MARKER_FILE)
  const draft = join(directory, MARKER_DRAFT)
  await withFile(file, async () => {
    const handle = await open(draft, 'w')
    try {
      await handle.writeFile(
        `${JSON.stringify({ magic: MAGIC, format: FORMAT, ...marker }, null, 2)}\n`,
      )
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
    await syncDirectory(directory)
  })
}

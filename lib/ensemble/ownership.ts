/**
 * Who has a directory open. An owner shows itself by a file whose *name* says which thread of which process it is, so
 * that the claim is complete the moment it exists; the file of an owner that died is simply not believed any more.
 * LevelDB's LOCK files, which guard each store as well, are never touched: opening one, even to read it, and closing it
 * again would drop the lock for the whole process.
 *
 * Two that come at once: each first makes its own file and then looks for others, so at least one sees the other. The
 * one with the larger name steps back; the other waits until it has. Only then does a claim count as held, which is
 * written into the file. So a directory never has two owners, and of two that come at once one gets it.
 */

import { open, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TreeError } from '../base/errors.ts'
import { unless, withFile } from './file-errors.ts'
import {
  currentIdentity,
  formatIdentity,
  type Identity,
  isAlive,
  parseIdentity,
} from './identity.ts'

const PREFIX = 'quorumtree.owner-'
const HELD = 'This directory is in use by the process in the name of this file.\n'
/** How often and how long a claim waits for one that came at the same moment. */
const RIVAL_PAUSE_MS = 5
const RIVAL_PATIENCE_MS = 2_000

/** Whether a directory's entry is an owner's file. */
export function isOwnerFile(name: string): boolean {
  return name.startsWith(PREFIX)
}

function lockedBy(directory: string, owner: Identity, here: Identity): TreeError {
  const samePlace = owner.pid === here.pid
  const sameThread = samePlace && owner.thread === here.thread
  const which = sameThread ? ' (this one)' : samePlace ? ' (this one, in another thread)' : ''
  const advice = 'close the ensemble that has it open, or give another dataDir'
  // Without /proc a process id that was given out again cannot be told from the owner's.
  const file = join(directory, PREFIX + formatIdentity(owner))
  const stale = here.boot === '' ? `; if that process is no owner, delete ${file}` : ''
  const message = `${directory} is in use by process ${owner.pid}${which}: ${advice}${stale}`
  return new TreeError('DIRECTORY_LOCKED', message, { path: directory })
}

/** The claims of others in the directory, by file name. */
async function rivalsIn(directory: string, own: string): Promise<Map<string, Identity>> {
  const rivals = new Map<string, Identity>()
  for (const name of await readdir(directory)) {
    if (!isOwnerFile(name) || name === own) continue
    const identity = parseIdentity(name.slice(PREFIX.length))
    if (identity !== undefined) rivals.set(name, identity)
  }
  return rivals
}

async function remove(file: string, directory: string): Promise<void> {
  await withFile(directory, () => unless(['ENOENT'], undefined, () => unlink(file)))
}

async function isHeld(file: string): Promise<boolean> {
  return (await unless(['ENOENT'], '', () => readFile(file, 'utf8'))) !== ''
}

/** The right to a directory, from `take` to `release`. */
export class Ownership {
  readonly directory: string
  readonly #file: string
  /** Files of owners that are not alive as far as can be seen. */
  readonly #stale: readonly string[]

  private constructor(directory: string, file: string, stale: readonly string[]) {
    this.directory = directory
    this.#file = file
    this.#stale = stale
  }

  /**
   * Takes the directory, which must exist; an owner that died is succeeded silently.
   * @throws TreeError DIRECTORY_LOCKED when it has a living owner.
   */
  static async take(directory: string, here: Identity = currentIdentity()): Promise<Ownership> {
    const name = PREFIX + formatIdentity(here)
    const file = join(directory, name)
    return await withFile(directory, async () => {
      const made = await unless(['EEXIST'], undefined, () => open(file, 'wx'))
      if (made === undefined) throw lockedBy(directory, here, here)
      try {
        await made.close()
        const stale = await outlastRivals(directory, name, here)
        await writeFile(file, HELD)
        return new Ownership(directory, file, stale)
      } catch (error) {
        await rm(file, { force: true })
        throw error
      }
    })
  }

  /**
   * Removes the files of earlier owners. Called when the stores are open: the kernel's locks on them have proved what
   * could not be seen of an owner in another container.
   */
  async settle(): Promise<void> {
    await Promise.all(this.#stale.map(file => remove(file, this.directory)))
  }

  /** @throws TreeError when the file cannot be removed; then the directory still has its owner. */
  async release(): Promise<void> {
    await remove(this.#file, this.directory)
  }
}

/** Waits until no other claim of a living thread is left, and returns those of dead ones. */
async function outlastRivals(directory: string, own: string, here: Identity): Promise<string[]> {
  for (let waitedMs = 0; ; waitedMs += RIVAL_PAUSE_MS) {
    const rivals = await rivalsIn(directory, own)
    const alive = [...rivals].filter(([, identity]) => isAlive(identity, here))
    for (const [name, identity] of alive) {
      const yields = name < own || waitedMs >= RIVAL_PATIENCE_MS
      if (yields || (await isHeld(join(directory, name)))) {
        throw lockedBy(directory, identity, here)
      }
    }
    if (alive.length === 0) return [...rivals.keys()].map(name => join(directory, name))
    await delay(RIVAL_PAUSE_MS)
  }
}

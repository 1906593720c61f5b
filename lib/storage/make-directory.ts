/**
 * Makes a directory, one at a time: what Node makes recursively fails with ENOENT whatever the reason, and a full disk
 * would look like a damaged one.
 */

import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes a directory; one that is there already is as good. Its parent must be there. */
export async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    if (!isThere || !(await stat(directory)).isDirectory()) throw error
  }
}

/** As `makeDirectory`, with all parents that are missing. */
export async function makeDirectories(directory: string): Promise<void> {
  try {
    await makeDirectory(directory)
  } catch (error) {
    const parent = dirname(directory)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === directory) throw error
    await makeDirectories(parent)
    await makeDirectory(directory)
  }
}

/**
 * LevelDB's log files, before LevelDB opens them. One that it is not allowed to open, or fails to read, it passes over
 * without a word, and deletes it afterwards: a process that has run out of file descriptors would lose what it has
 * acknowledged. So each is read here first, and there must be descriptors to spare.
 */

import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { asStorageFailure } from './failures.ts'

/** More than one LevelDB needs to open, and the threads of other peers take in the meantime. */
const SPARE_FILES = 24
const READ_BYTES = 1024 * 1024

async function readAll(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter(name => name.endsWith('.log'))
  if (names.length === 0) return
  // Always the same memory: fresh memory for a whole file takes longer than to read it.
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  for (const name of names) {
    const file = await open(join(directory, name), 'r')
    try {
      while ((await file.read(buffer, 0, buffer.length)).bytesRead > 0);
    } finally {
      await file.close()
    }
  }
}

async function findSpareFiles(directory: string): Promise<void> {
  const opened: FileHandle[] = []
  try {
    for (let count = 0; count < SPARE_FILES; count++) opened.push(await open(directory, 'r'))
  } finally {
    await Promise.all(opened.map(file => file.close()))
  }
}

/**
 * @throws TreeError STORAGE_FAILED and the like, when LevelDB had better not be asked to open the directory now; about
 * `path`, the peer's directory.
 */
export async function checkLogs(directory: string, path: string): Promise<void> {
  try {
    await readAll(directory)
    // A directory cannot be opened everywhere.
    if (process.platform !== 'win32') await findSpareFiles(directory)
  } catch (error) {
    throw asStorageFailure(error, path)
  }
}

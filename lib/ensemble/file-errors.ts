/** Failures of the file system in the words of this library: which code, and what the user can do. */

import { type ErrorCode, TreeError } from '../base/errors.ts'

const ADVICE: Readonly<Record<string, readonly [code: ErrorCode, advice: string]>> = {
  EACCES: ['NO_PERMISSION', 'give this user the right to read and write it'],
  EPERM: ['NO_PERMISSION', 'give this user the right to read and write it'],
  EROFS: ['NO_PERMISSION', 'the file system is read-only: give a directory on another'],
  ENOTDIR: ['DIRECTORY_NOT_OURS', 'a file is in the way: give another directory'],
  EEXIST: ['DIRECTORY_NOT_OURS', 'a file is in the way: give another directory'],
  ENOSPC: ['NO_SPACE', 'make room on the disk'],
  EDQUOT: ['NO_SPACE', 'make room within the quota'],
}

/** The errno name of a failed system call; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** A failed file operation on `path` as a TreeError; a TreeError passes unchanged. */
export function fileFailure(error: unknown, path: string): TreeError {
  if (error instanceof TreeError) return error
  const [code, advice] = ADVICE[errnoOf(error) ?? ''] ?? ['STORAGE_FAILED', 'see the cause']
  const why = error instanceof Error ? error.message : String(error)
  return new TreeError(code, `cannot use ${path}: ${why}: ${advice}`, { path, cause: error })
}

/** Runs file operations on `path`, turning what they throw into TreeErrors. */
export async function withFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fileFailure(error, path)
  }
}

/** The outcome of `work`, or `otherwise` when it fails with one of the errno names. */
export async function unless<T>(
  codes: readonly string[],
  otherwise: T,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (codes.includes(errnoOf(error) ?? '')) return otherwise
    throw error
  }
}

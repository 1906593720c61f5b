/**
 * Failures of LevelDB and of the file system as `TreeError`s: the code tells what kind of trouble it is, the sentence
 * what to do. LevelDB passes the system's reason on as text only, so that is where it is looked for.
 */

import { InvariantError } from '../base/assert.ts'
import { type ErrorCode, TreeError } from '../base/errors.ts'

type StorageCode = Extract<
  ErrorCode,
  | 'DIRECTORY_LOCKED'
  | 'DIRECTORY_NOT_OURS'
  | 'DIRECTORY_DAMAGED'
  | 'FORMAT_TOO_NEW'
  | 'NO_PERMISSION'
  | 'NO_SPACE'
  | 'STORAGE_FAILED'
  | 'CLOSED'
>

/** Codes of Node's fs and of classic-level. */
const BY_CODE: Readonly<Record<string, StorageCode>> = {
  LEVEL_LOCKED: 'DIRECTORY_LOCKED',
  LEVEL_CORRUPTION: 'DIRECTORY_DAMAGED',
  EEXIST: 'DIRECTORY_NOT_OURS',
  ENOTDIR: 'DIRECTORY_NOT_OURS',
  EACCES: 'NO_PERMISSION',
  EPERM: 'NO_PERMISSION',
  EROFS: 'NO_PERMISSION',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EFBIG: 'NO_SPACE',
}

/** The system's reasons as LevelDB words them, on POSIX and on Windows. */
const BY_TEXT: readonly (readonly [RegExp, StorageCode])[] = [
  [/no space left|disk quota|file too large|not enough space/i, 'NO_SPACE'],
  [/permission denied|not permitted|read-only|access is denied/i, 'NO_PERMISSION'],
  [/not a directory/i, 'DIRECTORY_NOT_OURS'],
  // A file is gone, or shorter than LevelDB's records of it say.
  [/no such file|cannot find the|\.ldb: invalid argument/i, 'DIRECTORY_DAMAGED'],
]

const ADVICE: Readonly<Record<StorageCode, string>> = {
  DIRECTORY_LOCKED: 'close the other ensemble that uses it, or give this peer another directory',
  DIRECTORY_NOT_OURS: 'give the peer an empty directory of its own',
  DIRECTORY_DAMAGED:
    'move it away and start the peer with an empty one: it gets its data from the others',
  FORMAT_TOO_NEW: 'use the version of quorumtree that wrote it, or a newer one',
  NO_PERMISSION: 'let this process create and write files there',
  NO_SPACE: 'free or grant more space, then start the peer again',
  STORAGE_FAILED: 'check the disk and the limit of open files, then start the peer again',
  CLOSED: 'open the ensemble again to use it',
}

/** `what` is a clause about `path`; the advice that belongs to the code is added. */
export function storageFailure(
  code: StorageCode,
  path: string,
  what: string,
  cause?: unknown,
): TreeError {
  return new TreeError(code, `${path}: ${what}; ${ADVICE[code]}`, { path, cause })
}

interface Described {
  readonly code: string | undefined
  readonly message: string
}

/** classic-level wraps what went wrong at opening. */
function describe(error: unknown): Described {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  const { code } = error as NodeJS.ErrnoException
  if (code === 'LEVEL_DATABASE_NOT_OPEN' && error.cause !== undefined) return describe(error.cause)
  return { code, message: error.message }
}

function codeOf({ code, message }: Described): StorageCode {
  const known = code === undefined ? undefined : BY_CODE[code]
  const found = known ?? BY_TEXT.find(([pattern]) => pattern.test(message))?.[1]
  return found ?? 'STORAGE_FAILED'
}

/** What a storage call threw, as it leaves this room. A broken invariant is not the disk's doing and stays itself. */
export function asStorageFailure(error: unknown, path: string): TreeError | InvariantError {
  if (error instanceof TreeError || error instanceof InvariantError) return error
  const described = describe(error)
  return storageFailure(codeOf(described), path, described.message, error)
}

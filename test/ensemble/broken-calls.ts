/** Calls of the file system that fail as on a disk or in a directory that one may not write to. */

import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'

/** Lets a call of the file system fail for some paths, until the function that is returned is called. */
export function breakCall(
  t: TestContext,
  name: 'rm' | 'unlink',
  isBroken: (path: string) => boolean,
) {
  const call = fs[name] as (...all: unknown[]) => Promise<void>
  const mock = t.mock.method(fs, name, async (path: string, ...rest: unknown[]) => {
    if (!isBroken(path)) return await call(path, ...rest)
    throw Object.assign(new Error(`EPERM: ${name} '${path}'`), { code: 'EPERM' })
  })
  syncBuiltinESMExports()
  return (): void => {
    mock.mock.restore()
    syncBuiltinESMExports()
  }
}

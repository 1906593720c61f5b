/**
 * Directories of the tests of one process. They go when it exits, and not with the test: a test's hooks run in the
 * order in which they were registered, so most directories would go before what is open in them is closed.
 */

import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const NAME_LENGTH_MAX = 40
const directories: string[] = []

function removeAll(): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
}

/** How the names of a test's directories begin. */
export function directoryPrefix({ name }: TestContext): string {
  return `quorumtree-${name.replace(/[^a-zA-Z0-9]+/g, '-').slice(0, NAME_LENGTH_MAX)}-`
}

/** A new one, whose name tells what test it is of. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), directoryPrefix(t)))
  if (directories.push(directory) === 1) process.once('exit', removeAll)
  return directory
}

// Puts the sources of a program of the library into one file. A thread that loads a hundred modules one by one is ready
// later, and each peer is a thread: with one file each, an ensemble is open in two thirds of the time. What comes from
// packages stays there.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What the package ships: the library finds a peer's program beside its own folder, as among the sources. */
export const PROGRAMS = { 'library/index': 'lib/index.ts', 'peer/worker': 'lib/peer/worker.ts' }

/** Writes programs, and maps back to their sources, below `outDir`. */
export async function bundle(programs, outDir) {
  const entries = Object.entries(programs).map(([to, from]) => [to, join(root, from)])
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entries),
    outdir: outDir,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.11',
    sourcemap: true,
    logLevel: 'warning',
  })
}

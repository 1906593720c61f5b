// Puts the sources of a program of the library into one file. A thread that loads a hundred modules one by one is ready
// later, and each peer is a thread: with one file each, an ensemble is open in two thirds of the time. What comes from
// packages stays there.

import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Writes programs, by where they go, and maps back to their sources, below `outDir`. Paths are seen from the root. */
export async function bundle(programs, outDir) {
  await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: programs,
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

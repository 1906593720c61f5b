// Builds what is published: declarations by the compiler, which checks them, and the programs as one file each.

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, PROGRAMS } from './bundle.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const outDir = join(root, 'dist')

rmSync(outDir, { recursive: true, force: true })
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const project = join(root, 'tsconfig.build.json')
const { status } = spawnSync(process.execPath, [compiler, '-p', project], { stdio: 'inherit' })
if (status === 0) await bundle(PROGRAMS, outDir)
process.exitCode = status ?? 1

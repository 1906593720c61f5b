/**
 * What the killed processes run, made once for a whole campaign: the child and its peers' threads as JavaScript, since
 * a child starts again and again and would spend most of its life on loading TypeScript, and the shim.
 */

import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROJECT = fileURLToPath(new URL('tsconfig.json', import.meta.url))
const SHIM_SOURCE = fileURLToPath(new URL('shim/shim.c', import.meta.url))

/** Compiles the child into `directory`, which is made; returns the file to run. */
export async function buildChild(directory: string): Promise<string> {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const compiler = join(typescript, 'bin', 'tsc')
  await mkdir(directory)
  await run(process.execPath, [compiler, '--project', PROJECT, '--outDir', directory])
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }\n')
  // Packages are looked for in the directories above a program.
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'junction')
  return join(directory, 'test', 'crash', 'child.js')
}

/** Compiles the shim to `file`; returns why it cannot be had, if so. */
export async function buildShim(file: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return `it is written for Linux, this is ${process.platform}`
  const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared']
  try {
    await run('cc', [...flags, '-o', file, SHIM_SOURCE, '-ldl', '-lpthread'])
    return undefined
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: string }
    return code === 'ENOENT' ? 'there is no C compiler (cc)' : `it does not compile: ${stderr}`
  }
}

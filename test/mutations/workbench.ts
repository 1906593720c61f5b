/** A copy of the sources to make mistakes in. Each worker has its own, and patches it for one mutation at a time. */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Patch } from './mutation.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COPIED = ['lib', 'test', 'bench', 'package.json', 'tsconfig.json']

/** A patch that does not fit the sources any more: the mutation must follow the code. */
export class MisfitError extends Error {
  override readonly name = 'MisfitError'
}

/** The text with all patches made, each of which must find its place exactly once. */
export function patchText(text: string, patches: readonly Patch[]): string {
  return patches.reduce((before, { file, find, replace }) => {
    const places = before.split(find).length - 1
    if (places !== 1) {
      throw new MisfitError(`${file} has ${places} places that read ${JSON.stringify(find)}, not 1`)
    }
    return before.split(find).join(replace)
  }, text)
}

/** The files that the patches touch, as they are to read. */
export function patchFiles(root: string, patches: readonly Patch[]): Map<string, string> {
  const files = new Map<string, Patch[]>()
  for (const patch of patches) files.set(patch.file, [...(files.get(patch.file) ?? []), patch])
  return new Map(
    Array.from(files, ([file, own]) => {
      const before = readFileSync(join(root, file), 'utf8')
      const after = patchText(before, own)
      if (after === before) throw new MisfitError(`${file} reads the same with its patch`)
      return [file, after]
    }),
  )
}

export class Workbench {
  readonly directory: string
  readonly #originals = new Map<string, string>()

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'quorumtree-mutation-'))
    for (const entry of COPIED) {
      cpSync(join(ROOT, entry), join(this.directory, entry), { recursive: true })
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.directory, 'node_modules'), 'junction')
  }

  apply(patches: readonly Patch[]): void {
    for (const [file, text] of patchFiles(this.directory, patches)) {
      const path = join(this.directory, file)
      this.#originals.set(path, readFileSync(path, 'utf8'))
      writeFileSync(path, text)
    }
  }

  restore(): void {
    for (const [path, text] of this.#originals) writeFileSync(path, text)
    this.#originals.clear()
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

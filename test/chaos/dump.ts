/** The whole tree as one session sees it, to be compared with what another sees later. */

import { type Tree, TreeError } from '../../lib/index.ts'

/** Path → data and stat, as text. What may not be read is there with the refusal. */
export async function dumpTree(tree: Tree): Promise<ReadonlyMap<string, string>> {
  await tree.promises.sync()
  const dump = new Map<string, string>()
  const paths = ['/']
  // Grows while it is walked.
  for (const path of paths) {
    try {
      const [{ data, stat }, names] = await Promise.all([
        tree.promises.get(path),
        tree.promises.children(path),
      ])
      dump.set(path, `${data.toString('latin1')} ${JSON.stringify(stat)}`)
      for (const name of names) paths.push(path === '/' ? `/${name}` : `${path}/${name}`)
    } catch (error) {
      if (!(error instanceof TreeError) || error.code !== 'NO_AUTH') throw error
      dump.set(path, error.code)
    }
  }
  return dump
}

/** What one dump has otherwise than the other, a few of it. */
export function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const paths = new Set([...before.keys(), ...after.keys()])
  return [...paths]
    .filter(path => before.get(path) !== after.get(path))
    .slice(0, 10)
    .map(path => {
      const [was, is] = [before.get(path), after.get(path)].map(text => text?.slice(-300) ?? 'none')
      return `${path}: ${was} -> ${is}`
    })
}

/** Deletes what a workload has left below these paths, as far as it may. */
export async function sweep(tree: Tree, roots: readonly string[]): Promise<void> {
  for (const root of roots) await remove(tree, root)
}

async function remove(tree: Tree, path: string): Promise<void> {
  try {
    const names = await tree.promises.children(path)
    await Promise.all(names.map(name => remove(tree, `${path}/${name}`)))
    await tree.promises.delete(path)
  } catch (error) {
    const kept = ['NO_AUTH', 'NOT_EMPTY', 'NO_NODE']
    if (!(error instanceof TreeError) || !kept.includes(error.code)) throw error
  }
}

/** What files this process has open. */

import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { directoryPrefix } from '../temporary.ts'

/** Those in directories of the test, where they can be seen. */
export function openFiles(t: TestContext): string[] {
  const all = '/proc/self/fd'
  if (!existsSync(all)) return []
  const prefix = directoryPrefix(t)
  return readdirSync(all).flatMap(name => {
    try {
      const path = readlinkSync(`${all}/${name}`)
      return path.includes(prefix) ? [path] : []
    } catch {
      return []
    }
  })
}

/** What files this process has open. */

import { existsSync, readdirSync, readlinkSync } from 'node:fs'

/** Those in directories of the test of that name, where they can be seen. */
export function openFiles(testName: string): string[] {
  const all = '/proc/self/fd'
  if (!existsSync(all)) return []
  const word = testName.replace(/[^a-z]+/gi, '-').slice(0, 20)
  return readdirSync(all).flatMap(name => {
    try {
      const path = readlinkSync(`${all}/${name}`)
      return path.includes(word) ? [path] : []
    } catch {
      return []
    }
  })
}

/** The counts that are held against those of today. */

import { readFileSync } from 'node:fs'
import type { Counts } from './model.ts'

export const RECORD = new URL('recorded.json', import.meta.url)

export function readRecord(): Record<string, Counts> {
  try {
    return JSON.parse(readFileSync(RECORD, 'utf8')) as Record<string, Counts>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

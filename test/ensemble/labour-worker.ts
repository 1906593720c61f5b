/** A peer that does nothing but long turns. Its directory is a file, in which it notes where each begins and ends. */

import { openSync, writeSync } from 'node:fs'
import { Lifeline } from '../../lib/base/lifeline.ts'
import type { PeerBoot } from '../../lib/base/ports.ts'

/** Long beside the moment between two turns, and beside what a busy machine takes to end a thread. */
const TURN_MS = 100

function labour(notes: number): void {
  writeSync(notes, '(')
  const until = performance.now() + TURN_MS
  while (performance.now() < until);
  writeSync(notes, ')')
  setImmediate(labour, notes)
}

export async function runPeer({ lifeline, dataDir, control }: PeerBoot): Promise<void> {
  new Lifeline(lifeline).hold()
  control.postMessage({ kind: 'ready', damage: undefined })
  labour(openSync(dataDir!, 'a'))
  await new Promise(() => undefined)
}

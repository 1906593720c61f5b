/** A thread with `labour-worker.ts`, seen in the midst of a turn. */

import { existsSync, readFileSync } from 'node:fs'
import { makeSid } from '../../lib/base/zxid.ts'
import { KeepAlive } from '../../lib/ensemble/keep-alive.ts'
import { PeerThread, type ThreadBoot } from '../../lib/ensemble/peer-thread.ts'

const WORKER = new URL('labour-worker.ts', import.meta.url)

/** Resolves while the thread is in a turn, as `file` says. Keeps the process alive as long as the thread. */
export async function startLabour(file: string): Promise<PeerThread> {
  const keepAlive = new KeepAlive()
  const thread = await new Promise<PeerThread>(resolve => {
    // The worker looks at nothing else.
    const boot = { sid: makeSid(1), dataDir: file } as ThreadBoot
    const started: PeerThread = new PeerThread(boot, () => resolve(started), WORKER)
  })
  void thread.ended.then(() => keepAlive.end())
  while (!existsSync(file) || !readFileSync(file, 'latin1').endsWith('('));
  return thread
}

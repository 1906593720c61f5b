/** Starts a thread of this folder, with the extension of the build that it runs in. */

import { once } from 'node:events'
import { extname } from 'node:path'
import { type TransferListItem, Worker } from 'node:worker_threads'

/** As `new Worker`; `entry` is a path without extension, seen from the caller's `import.meta.url`. */
export function startThread(
  entry: string,
  from: string,
  workerData: object,
  transferList: TransferListItem[] = [],
): Worker {
  const file = new URL(`${entry}${extname(new URL(from).pathname)}`, from)
  return new Worker(file, { workerData, transferList })
}

/** The next message of a thread; a thread that fails or ends instead is an error. */
export async function nextMessage<T>(thread: Worker): Promise<T> {
  const aborted = new AbortController()
  const { signal } = aborted
  try {
    const ended = once(thread, 'exit', { signal }).then(([code]) => {
      throw new Error(`a thread ended with code ${code} before it had answered`)
    })
    const [message] = await Promise.race([once(thread, 'message', { signal }), ended])
    return message as T
  } finally {
    aborted.abort()
  }
}

/** Takes a directory, tells how that went, and keeps it until the process or thread is ended. */

import { parentPort } from 'node:worker_threads'
import { TreeError } from '../../lib/base/errors.ts'
import { Ownership } from '../../lib/ensemble/ownership.ts'

function tell(message: string): void {
  if (parentPort !== null) parentPort.postMessage(message)
  else process.send?.(message)
}

async function main(): Promise<void> {
  try {
    await Ownership.take(process.argv.at(-1)!)
    tell('taken')
  } catch (error) {
    tell(error instanceof TreeError ? error.code : String(error))
  }
}

setInterval(() => undefined, 2 ** 30)
void main()

/**
 * LevelDB by itself, in a process of its own. Arguments: what to do, and the directory. What it found is its only
 * message.
 */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { FailingSystem } from './failing-system.ts'

const VALUE = 'x'.repeat(1000)
const SYNC = { sync: true }

const [task, directory, control] = process.argv.slice(2)

async function open(): Promise<string> {
  const { Level } = await import('level')
  const database = new Level(directory!)
  try {
    await database.open()
    await database.close()
    return 'opened'
  } catch (error) {
    return ((error as Error).cause as { code?: string }).code ?? 'failed'
  }
}

/** One append fails in the middle of others; then the database is opened again. */
async function append(): Promise<{ acknowledged: number; lost: number }> {
  const system = new FailingSystem(control!, false)
  const { Level } = await import('level')
  const database = new Level(directory!, { compression: false })
  const acknowledged: string[] = []
  for (let at = 0; at < 200; at++) {
    if (at === 50) system.arm(2, false, 'append')
    const key = String(at).padStart(4, '0')
    await database.put(key, VALUE, SYNC).then(
      () => acknowledged.push(key),
      () => undefined,
    )
  }
  system.disarm()
  await database.close()
  await database.open()
  const found = await database.getMany(acknowledged)
  await database.close()
  const lost = found.filter(value => value !== VALUE).length
  return { acknowledged: acknowledged.length, lost }
}

/** Whether the addon is still there when the thread that loaded it is gone. */
async function unload(): Promise<boolean> {
  const level = createRequire(import.meta.url).resolve('level')
  const program = `
    const { Level } = require(${JSON.stringify(level)})
    const database = new Level(${JSON.stringify(directory)})
    database.put('key', 'value').then(() => database.close())
  `
  await once(new Worker(program, { eval: true }), 'exit')
  return readFileSync('/proc/self/maps', 'latin1').includes('classic-level')
}

const tasks: Readonly<Record<string, () => Promise<unknown>>> = { open, append, unload }
const found = await tasks[task!]!()
process.send!({ found }, () => process.disconnect())

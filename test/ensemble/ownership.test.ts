/** A directory has one owner: whoever is alive, in whichever thread or process, and nobody who is dead. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  currentIdentity,
  formatIdentity,
  type Identity,
  isAlive,
  parseIdentity,
} from '../../lib/ensemble/identity.ts'
import { Ownership } from '../../lib/ensemble/ownership.ts'
import { temporaryDirectory } from '../temporary.ts'
import { failsWith, messageOf, runProgram, runThread } from './support.ts'

const HERE = currentIdentity()

/** Puts down the file of an owner, as one that died leaves it. */
async function leaveFile(directory: string, owner: Identity, content = 'held'): Promise<string> {
  const file = join(directory, `quorumtree.owner-${formatIdentity(owner)}`)
  await writeFile(file, content)
  return file
}

test('an identity survives the way through a file name', () => {
  assert.deepEqual(parseIdentity(formatIdentity(HERE)), HERE)
  const bare = { boot: '', namespace: '', pid: 1, thread: 0, start: 12 }
  assert.deepEqual(parseIdentity(formatIdentity(bare)), bare)
  assert.equal(parseIdentity('1-2-3'), undefined)
})

test('this thread is alive; one with its numbers that started at another time is not', () => {
  assert.equal(isAlive(HERE), true)
  assert.equal(isAlive({ ...HERE, start: HERE.start - 10_000 }), false)
  assert.equal(isAlive({ ...HERE, pid: 2 ** 22 + 1, thread: 2 ** 22 + 1 }), false)
})

test('an owner of another start of the machine, or of another container, is taken for dead', () => {
  assert.equal(isAlive({ ...HERE, boot: 'abc' }), false)
  assert.equal(isAlive({ ...HERE, namespace: '1' }), false)
})

test('without /proc a process is known by its id, and this one by its start', () => {
  const here = { boot: '', namespace: '', pid: process.pid, thread: 0, start: 5_000_000 }
  assert.equal(isAlive({ ...here, thread: 3 }, here), true)
  assert.equal(isAlive({ ...here, start: here.start + 1 }, here), true)
  assert.equal(isAlive({ ...here, start: here.start - 60_000 }, here), false)
  assert.equal(isAlive({ ...here, pid: process.ppid, start: 1 }, here), true)
  assert.equal(isAlive({ ...here, pid: 2 ** 22 + 1 }, here), false)
})

test('a directory is taken once, and again when it was given back', async t => {
  const directory = await temporaryDirectory(t)
  const owned = await Ownership.take(directory)
  await assert.rejects(
    Ownership.take(directory),
    failsWith('DIRECTORY_LOCKED', directory, `process ${process.pid} (this one)`),
  )
  await owned.release()
  assert.deepEqual(await readdir(directory), [])
  const again = await Ownership.take(directory)
  await again.release()
})

test('another thread of this process is an owner while it lives', async t => {
  const directory = await temporaryDirectory(t)
  const thread = runThread(t, './own-directory.ts', [directory])
  assert.equal(await messageOf(thread), 'taken')
  await assert.rejects(
    Ownership.take(directory),
    failsWith('DIRECTORY_LOCKED', `process ${process.pid} (this one, in another thread)`),
  )
  await thread.terminate()
  // Where threads cannot be told apart, a thread that was ended keeps the directory until its process ends.
  if (HERE.boot !== '') await (await Ownership.take(directory)).release()
})

test('another process is an owner until kill -9', async t => {
  const directory = await temporaryDirectory(t)
  const child = runProgram(t, './own-directory.ts', [directory])
  assert.equal(await messageOf(child), 'taken')
  await assert.rejects(
    Ownership.take(directory),
    failsWith('DIRECTORY_LOCKED', `process ${child.pid}:`),
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  const owned = await Ownership.take(directory)
  assert.equal((await readdir(directory)).length, 2)
  await owned.settle()
  assert.equal((await readdir(directory)).length, 1)
  await owned.release()
})

test('of many that come at once one gets the directory', async t => {
  for (let round = 0; round < 40; round++) {
    const directory = await temporaryDirectory(t)
    // As threads of this process, where there is no /proc to tell which of them live: all do.
    const threads = Array.from({ length: 6 }, (_, thread) => ({
      ...{ boot: '', namespace: '', pid: process.pid, thread, start: 1 },
    }))
    const outcomes = await Promise.allSettled(
      threads.map(thread => Ownership.take(directory, thread)),
    )
    const taken = outcomes.filter(({ status }) => status === 'fulfilled')
    assert.equal(taken.length, 1, `round ${round}`)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') failsWith('DIRECTORY_LOCKED')(outcome.reason)
    }
    assert.equal((await readdir(directory)).length, 1, `round ${round}`)
  }
})

test('a living rival that does not hold the directory yet wins by its name', async t => {
  const directory = await temporaryDirectory(t)
  // The process that started this one lives, and will not step back.
  const parent = { boot: '', namespace: '', pid: process.ppid, thread: 0, start: 1 }
  const here = { boot: '', namespace: '', pid: process.pid, thread: 0, start: 1 }
  const [smaller, larger] = [parent, here].sort((a, b) =>
    formatIdentity(a) < formatIdentity(b) ? -1 : 1,
  )
  await leaveFile(directory, smaller!, '')
  await assert.rejects(Ownership.take(directory, larger), failsWith('DIRECTORY_LOCKED'))
})

test('a file with a name that is no identity is nobody', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'quorumtree.owner-of-nothing'), 'held')
  await (await Ownership.take(directory)).release()
})

test('a missing directory and a file in its place are told with their path', async t => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'file')
  await writeFile(file, '')
  await assert.rejects(Ownership.take(file), failsWith('DIRECTORY_NOT_OURS', file))
  await assert.rejects(Ownership.take(join(directory, 'gone')), failsWith('STORAGE_FAILED', 'gone'))
})

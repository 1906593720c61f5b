/**
 * Threads that read locally and never turn their event loop once they have begun: everything is done by calls that
 * block. `workerData` says which of them, with a handle, options and words of shared memory to meet the test by.
 */

import assert from 'node:assert/strict'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type ConnectOptions, connectSync, type Tree } from '../../lib/index.ts'
import { countLocally } from './local-counts.ts'

export interface ThreadData {
  readonly script: keyof typeof SCRIPTS
  readonly handle: MessagePort
  readonly options: ConnectOptions
  /** 0: the thread's step, told to the test; 1: the test's, told to the thread. */
  readonly words: Int32Array
}

const counts = countLocally()

/** Tells the test how far this thread is. */
function tell(words: Int32Array, step: number): void {
  Atomics.store(words, 0, step)
  Atomics.notify(words, 0)
}

/** Stands still, as a thread that computes, until the test is so far. */
function waitFor(words: Int32Array, step: number): void {
  for (;;) {
    const now = Atomics.load(words, 1)
    if (now >= step) return
    Atomics.wait(words, 1, now)
  }
}

function untilLocal(tree: Tree, path: string): void {
  const before = counts.reads
  while (counts.reads === before) tree.get(path)
}

function numberAt(tree: Tree, path: string): number {
  return Number(tree.get(path).data.toString())
}

const SCRIPTS = {
  /** Reads what it has written, a hundred times. */
  writes(tree: Tree): void {
    tree.create('/own-', '0', { sequential: true })
    untilLocal(tree, '/')
    for (let at = 1; at <= 100; at++) {
      const path = tree.create('/own-', String(at), { sequential: true })
      assert.equal(numberAt(tree, path), at)
      tree.set(path, String(-at))
      assert.equal(numberAt(tree, path), -at)
      tree.delete(path)
      assert.equal(tree.exists(path), null)
    }
  },

  /** Stands still while the test writes, and reads on: never the past, and after a sync all that was written. */
  stalls(tree: Tree, words: Int32Array): void {
    untilLocal(tree, '/n')
    let told = 0
    let last = numberAt(tree, '/n')
    tree.get('/n', { watch: () => told++ })
    tell(words, 1)
    waitFor(words, 1)
    for (;;) {
      const next = numberAt(tree, '/n')
      assert.ok(next >= last, `${next} after ${last}`)
      assert.ok(next === last || told === 1, 'a change is told before it is shown')
      last = next
      tree.sync()
      if (numberAt(tree, '/n') === Atomics.load(words, 2)) break
    }
    untilLocal(tree, '/n')
    assert.equal(numberAt(tree, '/n'), Atomics.load(words, 2))
    assert.equal(told, 1)
  },

  /** Stands still while its home comes and goes, and is served as before when it wakes. */
  wakes(tree: Tree, words: Int32Array): void {
    tree.create('/n', '0')
    untilLocal(tree, '/n')
    tell(words, 1)
    waitFor(words, 1)
    for (let at = 1; at <= 10; at++) {
      tree.set('/n', String(at))
      assert.equal(numberAt(tree, '/n'), at)
    }
    untilLocal(tree, '/n')
    tree.sync()
    assert.equal(numberAt(tree, '/n'), 10)
  },

  /** Writes once. */
  raises(tree: Tree): void {
    tree.set('/n', '1')
  },

  /** Reads on while the test writes and has peers die. */
  follows(tree: Tree, words: Int32Array): void {
    untilLocal(tree, '/n')
    tell(words, 1)
    let last = 0
    while (last < Atomics.load(words, 2)) {
      const told: number[] = []
      const { data, stat } = tree.get('/n', { watch: ({ zxid }) => told.push(zxid) })
      const next = Number(data.toString())
      assert.ok(next >= last, `${next} after ${last}`)
      last = next
      while (told.length === 0 && last < Atomics.load(words, 2)) {
        const later = tree.get('/n').stat.mzxid
        assert.ok(later === stat.mzxid || told.length > 0, 'a change is told before it is shown')
      }
      tree.set('/mine', String(last))
      assert.equal(numberAt(tree, '/mine'), last)
      assert.ok(told.length <= 1, 'a watch is told once')
    }
    untilLocal(tree, '/n')
  },
}

const { script, handle, options, words } = workerData as ThreadData
const tree = connectSync(handle, options)
SCRIPTS[script](tree, words)
tree.close()
parentPort!.postMessage(counts)

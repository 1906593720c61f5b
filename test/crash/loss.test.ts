/** The shim sees what a process does to its files, and a power cut takes what its model allows, no more and no less. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../storage/support.ts'
import { Prng } from '../support/prng.ts'
import { Ledger } from './ledger.ts'
import { LifeFiles } from './life.ts'
import { type Model, noLoss, PowerCut } from './loss.ts'
import type { Plan } from './messages.ts'
import type { Armed } from './points.ts'
import { buildShim } from './program.ts'

/** Enough for each outcome to come up, and few enough for a process each. */
const SEEDS = 8

interface Bed {
  readonly root: string
  /** Runs a program on the files below `root`, with `fs` and `root` in scope, and kills it at its end. */
  run(program: string, armed?: Armed): { readonly ledger: Ledger; readonly killedAt: string[] }
}

/** Undefined where there is no shim: a power cut cannot be tested there, and `npm run test:power` says so. */
async function makeBed(t: TestContext): Promise<Bed | undefined> {
  const place = await temporaryDirectory(t)
  const shim = join(place, 'shim.so')
  const why = await buildShim(shim)
  if (why !== undefined) {
    t.diagnostic(`not tested here: ${why}`)
    return undefined
  }
  const root = join(place, 'data')
  let life = 0
  return {
    root,
    run: (program, armed) => {
      rmSync(root, { recursive: true, force: true })
      mkdirSync(root)
      const files = new LifeFiles(place, life++, shim)
      const plan = { dataDir: root, armed } as Plan
      const preamble = `const fs = require('node:fs'), root = ${JSON.stringify(root)};`
      const epilogue = "\nprocess.kill(process.pid, 'SIGKILL')"
      const env = { ...process.env, ...files.environment(plan) }
      const child = spawnSync(process.execPath, ['-e', preamble + program + epilogue], { env })
      assert.equal(child.signal, 'SIGKILL', String(child.stderr))
      const ledger = new Ledger()
      ledger.read(files.events(), files.grave)
      const killedAt = files.tally().flatMap(tally => tally.killedAt ?? [])
      return { ledger, killedAt }
    },
  }
}

/** What a program leaves after a power cut, over many seeds: each outcome as the texts of the files by name. */
async function outcomesOf(
  bed: Bed,
  program: string,
  model: Model,
  seeds = SEEDS,
): Promise<Set<string>> {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= seeds; seed++) {
    const { ledger } = bed.run(program)
    const options = { model, tears: true, worst: false, holes: false }
    new PowerCut(ledger, options, new Prng(seed), noLoss()).apply(bed.root)
    const files = readdirSync(bed.root).sort()
    outcomes.add(files.map(name => `${name}=${readFileSync(join(bed.root, name))}`).join(' '))
  }
  return outcomes
}

const WRITE_AND_SYNC = `
  function write(name, text, flag = 'w', ...syncs) {
    const file = fs.openSync(root + '/' + name, flag)
    fs.writeSync(file, text)
    if (syncs.includes('file')) fs.fdatasyncSync(file)
    fs.closeSync(file)
    if (syncs.includes('directory')) {
      const directory = fs.openSync(root, 'r')
      fs.fsyncSync(directory)
      fs.closeSync(directory)
    }
  }
`

test('what was synced stays, what was appended since may go in part', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  for (const model of ['tails', 'journal'] as const) {
    const program = `${WRITE_AND_SYNC} write('a.log', 'kept', 'w', 'file'); write('a.log', 'end', 'a')`
    const outcomes = await outcomesOf(bed, program, model)
    for (const outcome of outcomes) assert.match(outcome, /^a\.log=kept.{0,3}$/s)
    assert.ok(outcomes.has('a.log=kept'), 'all that was not synced is lost at times')
    assert.ok(outcomes.has('a.log=keptend'), 'nothing is lost at times')
    assert.ok(outcomes.size > 2, 'a part is lost, or spoilt')
  }
})

test('a file that was never synced is gone, or left with anything', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC} write('a', 'kept', 'w', 'file'); write('b', 'lost')`
  for (const model of ['tails', 'journal'] as const) {
    const outcomes = await outcomesOf(bed, program, model)
    assert.ok(outcomes.has('a=kept'), 'it is gone')
    assert.ok(
      [...outcomes].some(outcome => /b=/.test(outcome)),
      'it is there',
    )
    for (const outcome of outcomes) assert.match(outcome, /^a=kept( b=.{0,4})?$/s)
  }
})

test('names change in order, and any sync makes the changes before it durable', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC}
    write('old', 'old', 'w', 'file')
    write('new', 'new', 'w', 'file')
    fs.renameSync(root + '/new', root + '/old')
    fs.mkdirSync(root + '/sub')
    fs.rmdirSync(root + '/sub')`
  assert.deepEqual(await outcomesOf(bed, program, 'tails'), new Set(['old=new']))
  assert.deepEqual(
    await outcomesOf(bed, program, 'journal'),
    new Set(['old=new', 'new=new old=old']),
  )
  const settled = `${program}; write('other', '', 'w'); write('more', '1', 'w', 'file')`
  for (const outcome of await outcomesOf(bed, settled, 'journal')) {
    assert.match(outcome, /^more=1 old=new( other=)?$/)
  }
})

test('what was removed comes back when its removal is lost', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC}
    write('a', 'first', 'w', 'file')
    write('b', 'second', 'w', 'file')
    fs.unlinkSync(root + '/a')
    fs.unlinkSync(root + '/b')`
  assert.deepEqual(
    await outcomesOf(bed, program, 'journal', 2 * SEEDS),
    new Set(['', 'b=second', 'a=first b=second']),
  )
})

test('what was written over comes back, whole or in part, until it is synced', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC}
    write('quorumtree.tail', 'before', 'w', 'file')
    const file = fs.openSync(root + '/quorumtree.tail', 'r+')
    fs.writeSync(file, 'after!', 0)`
  const outcomes = await outcomesOf(bed, program, 'tails', 2 * SEEDS)
  assert.ok(outcomes.has('quorumtree.tail=before'))
  assert.ok(outcomes.has('quorumtree.tail=after!'))
  assert.ok(outcomes.size > 2)
  for (const outcome of outcomes) {
    const text = outcome.slice(-6)
    const from = [...text].findIndex((letter, at) => letter !== 'after!'[at])
    assert.equal(text, from < 0 ? 'after!' : 'after!'.slice(0, from) + 'before'.slice(from))
  }
  assert.deepEqual(
    await outcomesOf(bed, `${program}; fs.fdatasyncSync(file)`, 'tails', 3),
    new Set(['quorumtree.tail=after!']),
  )
})

test('in the strict model a name is durable with its directory only', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC} write('a', 'text', 'w', 'file')`
  assert.deepEqual(await outcomesOf(bed, program, 'strict'), new Set(['', 'a=text']))
  assert.deepEqual(await outcomesOf(bed, program, 'journal'), new Set(['a=text']))
  const synced = `${WRITE_AND_SYNC} write('a', 'text', 'w', 'file', 'directory')`
  assert.deepEqual(await outcomesOf(bed, synced, 'strict'), new Set(['a=text']))
})

test('a log that is synced before its name is told', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const count = (program: string): number[] => {
    const { ledger } = bed.run(WRITE_AND_SYNC + program)
    return [ledger.logSyncs, ledger.earlyLogSyncs]
  }
  const again = "write('1.log', 'b', 'a', 'file')"
  assert.deepEqual(count(`write('1.log', 'a', 'w', 'file'); ${again}`), [2, 2])
  assert.deepEqual(count(`write('1.log', 'a', 'w', 'file', 'directory'); ${again}`), [2, 1])
  assert.deepEqual(count("write('1.ldb', 'a', 'w', 'file')"), [0, 0])
})

test('a process dies just before or just after the call it is told to', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC}
    write('1.log', 'one', 'w', 'file')
    write('2.log', 'two', 'w', 'file')
    write('quorumtree.json.new', '{}')
    fs.renameSync(root + '/quorumtree.json.new', root + '/quorumtree.json')`
  const at = (name: Armed['name'], phase: Armed['phase'], nth: number): string[] => {
    const { ledger, killedAt } = bed.run(program, { name, phase, nth, sid: undefined })
    const changes = ledger.changes.map(({ kind }) => kind).join()
    return [...killedAt, readdirSync(bed.root).sort().join(), changes, String(ledger.settled)]
  }
  assert.deepEqual(at('create log', 'before', 2), ['create log,before', '1.log', 'create', '1'])
  assert.deepEqual(at('create log', 'after', 1), ['create log,after', '1.log', 'create', '0'])
  assert.deepEqual(at('sync log', 'before', 1), ['sync log,before', '1.log', 'create', '0'])
  assert.deepEqual(at('sync log', 'after', 2), [
    ...['sync log,after', '1.log,2.log', 'create,create', '2'],
  ])
  const [killedAt] = at('rename marker', 'before', 1)
  assert.equal(killedAt, 'rename marker,before')
  assert.ok(!existsSync(join(bed.root, 'quorumtree.json')))
})

/** The shim sees what a process does to its files, and a power cut takes what its model allows, no more and no less. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Prng } from '../support/prng.ts'
import { temporaryDirectory } from '../temporary.ts'
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
  /** Runs a program on the files below `root`, with `fs` and `root` in scope, and kills it when `done` settles. */
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
      const preamble = `const fs = require('node:fs'), root = ${JSON.stringify(root)}; let done;`
      const epilogue = "\nPromise.resolve(done).then(() => process.kill(process.pid, 'SIGKILL'))"
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
    new PowerCut(bed.root, ledger, options, new Prng(seed), noLoss()).apply()
    outcomes.add(describe(bed.root))
  }
  return outcomes
}

/** Files by name with their texts; of directories the names, those that are empty included. */
function describe(directory: string, above = ''): string {
  const entries = readdirSync(directory, { withFileTypes: true })
  const texts = entries.map(entry => {
    const path = join(directory, entry.name)
    const name = above + entry.name
    if (!entry.isDirectory()) return `${name}=${readFileSync(path)}`
    return describe(path, `${name}/`) || `${name}/`
  })
  return texts.sort().join(' ')
}

const WRITE_AND_SYNC = `
  function sync(name) {
    const file = fs.openSync(root + '/' + name, 'r')
    fs.fsyncSync(file)
    fs.closeSync(file)
  }
  function write(name, text, flag = 'w', ...syncs) {
    const file = fs.openSync(root + '/' + name, flag)
    fs.writeSync(file, text)
    if (syncs.includes('file')) fs.fdatasyncSync(file)
    fs.closeSync(file)
    if (syncs.includes('directory')) sync('.')
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

test('of a log with room what was appended may go, and a sync keeps no names', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC}
    const log = fs.openSync(root + '/1.log', 'w')
    fs.truncateSync(root + '/1.log', 12)
    fs.writeSync(log, 'kept')
    fs.fdatasyncSync(log)
    write('name', '')
    fs.writeSync(log, 'more')
    fs.fdatasyncSync(log)
    fs.writeSync(log, 'end')`
  const outcomes = await outcomesOf(bed, program, 'journal', 2 * SEEDS)
  for (const outcome of outcomes) assert.match(outcome, /^1\.log=keptmore.{4}( name=)?$/s)
  const seen = [...outcomes]
  const nothing = '1.log=keptmore\0\0\0\0'
  const all = '1.log=keptmoreend\0'
  for (const beginning of [nothing, all]) assert.ok(seen.some(text => text.startsWith(beginning)))
  assert.ok(seen.some(text => text.endsWith(' name=')))
  assert.ok(outcomes.has(nothing), 'a sync within the room keeps no name')
  const again = `${program}; sync('1.log')`
  for (const outcome of await outcomesOf(bed, again, 'journal', 3)) {
    assert.ok(outcome.startsWith(all), outcome)
  }
})

test('of room that was made since a log was synced, any part may be missing', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC}
    const log = fs.openSync(root + '/1.log', 'w')
    fs.truncateSync(root + '/1.log', 8)
    fs.writeSync(log, 'kept')
    fs.fdatasyncSync(log)
    fs.truncateSync(root + '/1.log', 40)`
  const emptied = await outcomesOf(bed, program, 'tails')
  for (const outcome of emptied) assert.match(outcome, /^1\.log=kept\0{4,36}$/)
  const lengths = new Set([...emptied].map(outcome => outcome.length - '1.log='.length))
  assert.ok(lengths.has(8) && lengths.has(40) && lengths.size > 2, [...lengths].join())
  const filled = `${program}; fs.writeSync(log, 'appended')`
  const outcomes = [...(await outcomesOf(bed, filled, 'tails', 2 * SEEDS))]
  for (const outcome of outcomes) assert.match(outcome, /^1\.log=kept.{4,36}$/s)
  assert.ok(outcomes.some(outcome => /[^\0]$/.test(outcome)))
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

/** A part of a peer's directory as the store makes it. */
const MAKE_PART = `${WRITE_AND_SYNC}
  fs.mkdirSync(root + '/log-1')
  write('log-1/a', '1', 'w', 'file')
  write('log-1/b', '2', 'w', 'file')
`
const WHOLE = 'log-1/a=1 log-1/b=2'

/** Nothing but what is possible, and each of `seen`. */
function among(
  outcomes: ReadonlySet<string>,
  possible: readonly string[],
  ...seen: readonly string[]
): void {
  for (const outcome of outcomes) assert.ok(possible.includes(outcome), outcome)
  for (const outcome of seen) assert.ok(outcomes.has(outcome), `never: ${outcome || 'nothing'}`)
}

test('a new directory is kept with any sync after it, or not at all', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const unsynced = `${WRITE_AND_SYNC} fs.mkdirSync(root + '/log-1'); write('log-1/a', '')`
  among(await outcomesOf(bed, unsynced, 'journal'), ['', 'log-1/', 'log-1/a='], '', 'log-1/a=')
  among(await outcomesOf(bed, MAKE_PART, 'journal', 3), [WHOLE])
  among(await outcomesOf(bed, MAKE_PART, 'tails', 3), [WHOLE])
})

test('in the strict model a directory is there with a sync of the one above only', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const outcomes = (syncs: string, seeds?: number): Promise<Set<string>> =>
    outcomesOf(bed, MAKE_PART + syncs, 'strict', seeds)
  const parts = ['log-1/', 'log-1/a=1', WHOLE]
  among(await outcomes(''), ['', ...parts], '', 'log-1/')
  among(await outcomes("sync('log-1')"), ['', WHOLE], '', WHOLE)
  among(await outcomes("sync('.')"), parts, 'log-1/', WHOLE)
  among(await outcomes("sync('log-1'); sync('.')", 3), [WHOLE])
})

/** As the store does it: what is inside goes in no order. */
const REMOVE = "done = fs.promises.rm(root + '/log-1', { recursive: true })"

test('of a removed directory a part comes back, the last that went first', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const parts = ['', 'log-1/', 'log-1/a=1', 'log-1/b=2', WHOLE]
  const program = `${MAKE_PART}; sync('log-1'); sync('.'); ${REMOVE}`
  const settled = `${program}.then(() => sync('.'))`
  among(await outcomesOf(bed, program, 'tails', 3), [''])
  for (const model of ['journal', 'strict'] as const) {
    const outcomes = await outcomesOf(bed, program, model, 2 * SEEDS)
    among(outcomes, parts, '', WHOLE)
    assert.ok(outcomes.size > 2, 'it is back in part')
    among(await outcomesOf(bed, settled, model, 3), [''])
  }
})

test('nothing of a removed directory comes back in another of its name', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${MAKE_PART}; sync('log-1'); sync('.')
    ${REMOVE}.then(() => {
      sync('.')
      fs.mkdirSync(root + '/log-1')
      write('log-1/c', '3', 'w', 'file')
    })`
  among(await outcomesOf(bed, program, 'journal', 3), ['log-1/c=3'])
  among(await outcomesOf(bed, program, 'strict'), ['', 'log-1/', 'log-1/c=3'], '', 'log-1/')
})

test('what is spared for a hole is the newest log of the last segment', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const names = ['log-1/3.log', 'log-2/3.log', 'log-2/4.log', 'snapshot-1/5.log']
  const program = `${WRITE_AND_SYNC}
    for (const name of ['log-1', 'log-2', 'snapshot-1']) fs.mkdirSync(root + '/' + name)
    const names = ${JSON.stringify(names)}
    for (const name of names) write(name, 'kept', 'w', 'file')
    for (const name of ['log-1', 'log-2', 'snapshot-1', '.']) sync(name)
    for (const name of names) write(name, 'lost', 'a')`
  const { ledger } = bed.run(program)
  const options = { model: 'tails', tears: false, worst: true, holes: true } as const
  new PowerCut(bed.root, ledger, options, new Prng(1), noLoss()).apply()
  assert.equal(
    describe(bed.root),
    names.map(name => `${name}=${name === 'log-2/4.log' ? 'keptlost' : 'kept'}`).join(' '),
  )
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

test('a process dies where a part of a directory comes or goes', async t => {
  const bed = await makeBed(t)
  if (bed === undefined) return
  const program = `${WRITE_AND_SYNC}
    for (const name of ['log-1', 'snapshot-1', 'snapshot-2']) {
      fs.mkdirSync(root + '/' + name)
      write(name + '/CURRENT', 'x')
      sync(name)
    }
    // As LevelDB does at each opening.
    try { fs.mkdirSync(root + '/log-1') } catch {}
    done = fs.promises.rm(root + '/snapshot-1', { recursive: true })`
  const at = (name: Armed['name'], phase: Armed['phase'], nth = 1): string => {
    const { killedAt } = bed.run(program, { name, phase, nth, sid: undefined })
    assert.deepEqual(killedAt.slice(0, 1), [`${name},${phase}`])
    return describe(bed.root)
  }
  const first = 'log-1/CURRENT=x'
  const [one, two] = ['snapshot-1/CURRENT=x', 'snapshot-2/CURRENT=x']
  assert.equal(at('mkdir segment', 'before'), '')
  assert.equal(at('mkdir segment', 'after'), 'log-1/')
  assert.equal(at('sync segment', 'after'), first)
  assert.equal(at('mkdir snapshot', 'before', 2), `${first} ${one}`)
  assert.equal(at('sync snapshot', 'before', 2), `${first} ${one} ${two}`)
  assert.equal(at('unlink current', 'before'), `${first} ${one} ${two}`)
  assert.equal(at('unlink current', 'after'), `${first} snapshot-1/ ${two}`)
  assert.equal(at('rmdir snapshot', 'before'), `${first} snapshot-1/ ${two}`)
  assert.equal(at('rmdir snapshot', 'after'), `${first} ${two}`)
  const { ledger } = bed.run(program)
  const made = ledger.changes.map(({ kind }) => kind)
  assert.deepEqual(made.slice(-2), ['unlink', 'rmdir'])
  assert.equal(made.filter(kind => kind === 'mkdir').length, 3)
})

/** The house rules can fail: each is shown a good and a bad snippet. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as rules from './rules.ts'
import { parseSource, type SourceFile } from './source.ts'

function sources(files: Record<string, string>): SourceFile[] {
  return Object.entries(files).map(([path, text]) => parseSource(path, text))
}

/** `rule` finds exactly these `file:line`s. */
function check(rule: rules.Rule, files: Record<string, string>, expected: readonly string[]): void {
  const places = rule(sources(files)).map(finding => finding.split(': ')[0])
  assert.deepEqual(places, expected)
}

test('the scanner tells code, comments and literals apart', () => {
  const { code, comments, uncommented } = parseSource(
    'x.ts',
    [
      "a('it // is', /[/'`]+/g) // why 'not'",
      'b = `one ${c({ d: `two ${e}` })} // three` / 2 / f',
      '/* g\n`h */ return /"/.test(i) ? j : "k\\"l"',
    ].join('\n'),
  )
  const words = (view: string): string[] => view.match(/\w+/g) ?? []
  assert.deepEqual(words(code), 'a b c d e 2 f return test i j'.split(' '))
  assert.deepEqual(words(comments), 'why not g h'.split(' '))
  assert.deepEqual(
    words(uncommented),
    'a it is g b one c d two e three 2 f return test i j k l'.split(' '),
  )
})

test('the scanner finds every way to import', () => {
  const { imports } = parseSource(
    'x.ts',
    [
      "import './a.ts'",
      "import b, { type c } from './b.ts'",
      "import type { d } from './d.ts'",
      "export {\n  e,\n} from './e.ts'",
      "export * from './f.ts'",
      "const g = await import('./g.ts')",
      "// import './no.ts'",
      'const text = "import \'./no.ts\'"',
      "new Worker(new URL(isBuilt ? './h.js' : './h.ts', import.meta.url))",
      'new URL(`./i${extension}`, import.meta.url)',
      "export const from = './no.ts'",
    ].join('\n'),
  )
  const short = imports.map(i => `${i.line} ${i.specifier} ${i.kind}${i.typeOnly ? ' type' : ''}`)
  assert.deepEqual(short, [
    '1 ./a.ts import',
    '2 ./b.ts import',
    '3 ./d.ts import type',
    '4 ./e.ts export',
    '7 ./f.ts export',
    '8 ./g.ts dynamic',
    '11 ./h.ts url',
    '11 ./h.ts url',
    '12 ./i.ts url',
  ])
})

test('import direction', () => {
  const { importDirection } = rules
  check(importDirection, { 'lib/tree/a.ts': "import '../base/x.ts'\nimport './b.ts'" }, [])
  check(importDirection, { 'lib/base/a.ts': "\nimport type { T } from '../tree/x.ts'" }, [
    'lib/base/a.ts:2',
  ])
  check(importDirection, { 'lib/tree/a.ts': "export * from '../zab/types.ts'" }, [
    'lib/tree/a.ts:1',
  ])
  check(importDirection, { 'lib/storage/a.ts': "import '../zab/types.ts'\nimport '../zab/b.ts'" }, [
    'lib/storage/a.ts:2',
  ])
  check(importDirection, { 'lib/ensemble/a.ts': "await import('../peer/worker.ts')" }, [
    'lib/ensemble/a.ts:1',
  ])
  check(
    importDirection,
    { 'lib/ensemble/a.ts': "new URL('../peer/worker.ts', import.meta.url)" },
    [],
  )
  check(importDirection, { 'lib/client/a.ts': "import '../../test/x.ts'" }, ['lib/client/a.ts:1'])
  check(importDirection, { 'lib/storage/a.ts': "import 'level'\nimport 'piscina'" }, [
    'lib/storage/a.ts:2',
  ])
  check(importDirection, { 'lib/attic/a.ts': '' }, ['lib/attic/a.ts:1'])
  check(importDirection, { 'lib/index.ts': "export * from './peer/core.ts'" }, ['lib/index.ts:1'])
})

test('purity: what a pure file may not use', () => {
  const bad = [
    'Date.now()',
    'new Date()',
    'Math.random()',
    '`${Math.random()}`',
    'performance.now()',
    'f(...process.argv)',
    'console.log()',
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
    'setImmediate(f)',
    'queueMicrotask(f)',
    'globalThis.a',
    "import 'node:fs'",
    "import { level } from 'level'",
    "await import('node:fs')",
  ]
  for (const line of bad) {
    check(rules.purity, { 'lib/zab/a.ts': `\n${line}` }, ['lib/zab/a.ts:2'])
    check(rules.purity, { 'lib/client/core.ts': `\n${line}` }, ['lib/client/core.ts:2'])
    check(rules.purity, { 'lib/client/line.ts': `\n${line}` }, [])
  }
})

test('purity: what a pure file may use', () => {
  const good = [
    "import type { MessagePort } from 'node:worker_threads'",
    '// Date.now() is not for us',
    "throw new Error('process.exit')",
    'this.process.next()',
    'Math.imul(1, 2)',
    'const candidateDate = 1',
  ]
  for (const line of good) check(rules.purity, { 'lib/tree/a.ts': line }, [])
})

test('purity: what a pure core imports is pure too, unless only its types are wanted', () => {
  const files = (clause: string): Record<string, string> => ({
    'lib/peer/core.ts': `${clause} './turn.ts'`,
    'lib/peer/turn.ts': "import './clock.ts'",
    'lib/peer/clock.ts': '\n\nDate.now()',
  })
  check(rules.purity, files('import'), ['lib/peer/clock.ts:3'])
  check(rules.purity, files('import type { Turn } from'), [])
})

test('file length', () => {
  check(rules.fileLength, { 'lib/base/a.ts': 'a\n'.repeat(400) }, [])
  check(rules.fileLength, { 'lib/base/a.ts': 'a\n'.repeat(401) }, ['lib/base/a.ts:401'])
})

test('line length', () => {
  const { lineLength } = rules
  check(lineLength, { 'a.ts': `${'a'.repeat(100)},` }, [])
  check(lineLength, { 'a.ts': `\n${'a'.repeat(101)}` }, ['a.ts:2'])
  check(lineLength, { 'a.ts': `f('${'a'.repeat(110)}')` }, [])
  check(lineLength, { 'a.ts': `// ${'a'.repeat(117)}` }, [])
  check(lineLength, { 'a.ts': `// ${'a'.repeat(118)}` }, ['a.ts:1'])
})

test('no deferred work', () => {
  check(rules.noDeferredWork, { 'a.ts': '\n// TODO: later\n/* FIXME */' }, ['a.ts:2', 'a.ts:3'])
  check(rules.noDeferredWork, { 'a.ts': "const word = 'TODO'" }, [])
})

test('no partial tests', () => {
  for (const line of ["test.only('a', f)", "describe.skip('a', f)", "test('a', { skip: true }, f)"])
    check(rules.noPartialTests, { 'test/a.test.ts': `\n${line}` }, ['test/a.test.ts:2'])
  // Some tests need what a machine may not have.
  check(rules.noPartialTests, { 'test/a.test.ts': "if (!server) t.skip('no ZooKeeper')" }, [])
})

test('opening comment', () => {
  check(rules.openingComment, { 'lib/base/a.ts': '/** The words everyone uses here. */\na' }, [])
  check(rules.openingComment, { 'lib/base/a.ts': '// The words everyone uses here.\na' }, [])
  check(rules.openingComment, { 'lib/base/a.ts': 'a\n/** The words everyone uses here. */' }, [
    'lib/base/a.ts:1',
  ])
  check(rules.openingComment, { 'lib/base/a.ts': '/** Words. */\na' }, ['lib/base/a.ts:1'])
})

test('no dead files', () => {
  const files = {
    'lib/index.ts': "export * from './client/tree.ts'",
    'lib/client/tree.ts': "import type { Path } from '../base/path.ts'",
    'lib/client/observer.ts': '',
    'lib/base/path.ts': '',
    'lib/peer/worker.ts': "new URL('./helper.ts', import.meta.url)",
    'lib/peer/helper.ts': '',
    'test/a.test.ts': "import '../lib/client/observer.ts'",
  }
  check(rules.noDeadFiles, files, ['lib/client/observer.ts:1'])
})

test('no barrels', () => {
  check(rules.noBarrels, { 'lib/index.ts': "export * from './base/a.ts'" }, [])
  check(rules.noBarrels, { 'lib/base/a.ts': "\nexport { b } from './b.ts'" }, ['lib/base/a.ts:2'])
  check(rules.noBarrels, { 'lib/base/index.ts': 'export const a = 1' }, ['lib/base/index.ts:1'])
})

test('no machine paths', () => {
  const slash = '/'
  const bad = ['srv/quorumtree/data', 'home/ada/data', 'Users/ada/data'].map(path => slash + path)
  for (const path of bad) {
    const found = rules.noMachinePaths(
      sources({ 'README.md': `\nsee ${path}` }),
      `${slash}srv/quorumtree`,
    )
    assert.equal(found.length, 1, path)
    assert.match(found[0]!, /^README\.md:2: /)
  }
  const good = sources({ 'README.md': 'see https://example.org/home/ada and lib/base' })
  assert.deepEqual(rules.noMachinePaths(good, `${slash}srv/quorumtree`), [])
})

/** The catalogue fits the sources as they are, so that the gate can make every mistake in it. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CATALOGUE } from './catalogue.ts'
import { patchFiles, ROOT } from './workbench.ts'

const MUTATIONS_MIN = 25

test('there are enough mutations, each with a name of its own', () => {
  assert.ok(CATALOGUE.length >= MUTATIONS_MIN, `${CATALOGUE.length} mutations`)
  const names = CATALOGUE.map(({ name }) => name)
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  )
  for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/)
})

for (const { name, says, patches, killers } of CATALOGUE) {
  test(`${name} fits`, () => {
    assert.match(says, /^[A-Z].+\.$/)
    assert.ok(patchFiles(ROOT, patches).size > 0, 'it changes something')
    assert.ok(killers.length > 0, 'something must kill it')
    for (const killer of killers) {
      if (killer.kind !== 'campaign') assert.ok(existsSync(join(ROOT, killer.file)), killer.file)
    }
    for (const { file } of patches) assert.match(file, /^lib\//)
  })
}

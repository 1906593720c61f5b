/** Who closes the road to a peer's LevelDBs is told so when nobody is on it any more. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Disk } from '../../lib/storage/disk.ts'

const PLACES = [
  ['in the line', (disk: Disk, call: () => Promise<void>) => disk.run('background', call)],
  ['beside the line', (disk: Disk, call: () => Promise<void>) => disk.aside(call)],
] as const
const ENDS = [
  ['succeeds', () => {}],
  [
    'fails',
    () => {
      throw new Error('the disk is full')
    },
  ],
] as const

for (const [where, begin] of PLACES) {
  for (const [how, end] of ENDS) {
    test(`closing waits for a call ${where} that ${how}`, async () => {
      const disk = new Disk('/nowhere', true)
      const done: string[] = []
      let goOn: () => void = () => {}
      const held = new Promise<void>(resolve => {
        goOn = resolve
      })
      const call = held.then(() => void done.push('call')).then(end)
      const running = begin(disk, () => call)
      const closing = disk.close(async () => void done.push('last'))
      await new Promise(resolve => setImmediate(resolve))
      assert.deepEqual(done, [])
      goOn()
      const [outcome] = await Promise.allSettled([running, closing])
      assert.deepEqual(done, ['call', 'last'])
      assert.equal(outcome.status, how === 'fails' ? 'rejected' : 'fulfilled')
    })
  }
}

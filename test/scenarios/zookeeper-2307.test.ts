/**
 * ZOOKEEPER-2307 and 4269: the accepted and the current epoch were two files, each written by way of a temporary one. A
 * crash between them left a server that had entered an epoch it had never accepted, or a temporary file that was in the
 * way of the next start; either way it did not start any more.
 *
 * Here both epochs, and how the log begins, are one record, written with the log that depends on it. Every prefix of a
 * store's writes has its epochs in order and forgets no promise; and what is left of a directory's own small file is in
 * nobody's way.
 */

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { LOG_START, pointOf } from '../../lib/base/group.ts'
import { epochOf, type Zxid } from '../../lib/base/zxid.ts'
import type { Epochs } from '../../lib/zab/types.ts'
import { batch, epochs, headAt, openLevel, recover, session } from '../storage/support.ts'
import { temporaryDirectory } from '../temporary.ts'
import { makeGroups } from './follower.ts'
import { MapDatabase, openFresh, Shelf } from './map-database.ts'

interface Promised {
  readonly writes: number
  readonly epochs: Epochs
  readonly last: Zxid
}

test('whatever prefix of its writes survives, the epochs are in order and kept', async t => {
  const database = new MapDatabase()
  const store = await openFresh(t, database)
  await recover(store)
  const promised: Promised[] = [{ writes: 0, epochs: epochs(0), last: LOG_START.zxid }]
  const write = async (parts: Parameters<typeof batch>[0], last: Zxid) => {
    await store.write(batch(parts))
    promised.push({ writes: database.safe, epochs: parts.epochs!, last })
  }
  const [a, b] = makeGroups(2, 1)
  const [c] = makeGroups(1, 2, pointOf(b!))
  const [d, e] = makeGroups(2, 5, pointOf(a!))
  const [f] = makeGroups(1, 6, pointOf(e!))
  await write({ epochs: epochs(1, 0) }, LOG_START.zxid)
  await write({ epochs: epochs(1), groups: [a!] }, a!.last)
  await write({ epochs: epochs(1), groups: [b!] }, b!.last)
  await write({ epochs: epochs(2, 1) }, b!.last)
  await write({ epochs: epochs(2), groups: [c!] }, c!.last)
  // Two promises to leaders that never were, then a leader with another log.
  await write({ epochs: epochs(3, 2) }, c!.last)
  await write({ epochs: epochs(5, 2) }, c!.last)
  await write({ epochs: epochs(5), truncateAfter: pointOf(a!), groups: [d!, e!] }, e!.last)
  await write({ epochs: epochs(6, 5) }, e!.last)
  await store.stage(Buffer.from('image'))
  await write({ epochs: epochs(6), install: headAt(pointOf(e!)), groups: [f!] }, f!.last)
  await store.close()
  const shelf = await Shelf.make(t)
  for (let count = 1; count <= database.journal.length; count++) {
    const again = await shelf.open(database.after(count))
    const { epochs: found, groups, snapshot, damage } = await recover(again)
    assert.equal(damage, undefined, `after ${count} writes`)
    const last = groups.at(-1)?.last ?? snapshot?.point.zxid ?? LOG_START.zxid
    assert.ok(found.acceptedEpoch >= found.currentEpoch, 'accepted before it is entered')
    assert.ok(found.currentEpoch >= epochOf(last), 'entered before anything of it is logged')
    const least = promised.filter(({ writes }) => writes <= count).at(-1)!
    assert.ok(found.acceptedEpoch >= least.epochs.acceptedEpoch, 'no promise is forgotten')
    assert.ok(found.currentEpoch >= least.epochs.currentEpoch)
    const known = promised.find(({ epochs: each, last: end }) => {
      const same = each.acceptedEpoch === found.acceptedEpoch
      return same && each.currentEpoch === found.currentEpoch && end === last
    })
    assert.ok(known, 'log and epochs are of one moment')
    await again.close()
  }
})

test("a temporary file that was left over is in nobody's way", async t => {
  const directory = join(await temporaryDirectory(t), 'peer')
  const leave = async (names: readonly string[], text: string) => {
    for (const name of names) await writeFile(join(directory, `${name}.new`), text)
  }
  await mkdir(directory)
  // The first start died while it was writing its first file.
  for (const text of ['', '{"format":1,"si']) {
    await leave(['quorumtree.json'], text)
    await session(
      () => openLevel(directory),
      async (store, { epochs: found }) => {
        await store.write(batch({ epochs: epochs(found.acceptedEpoch + 1, 0) }))
      },
    )
  }
  const own = (await readdir(directory)).filter(name => name.startsWith('quorumtree.'))
  assert.ok(own.includes('quorumtree.json'))
  const identity = await readFile(join(directory, 'quorumtree.json'), 'utf8')
  for (const text of ['', identity.slice(0, 9), identity]) {
    await leave(own, text)
    await session(
      () => openLevel(directory),
      async (_, { epochs: found, damage }) => {
        assert.equal(damage, undefined)
        assert.deepEqual(found, epochs(2, 0))
      },
    )
  }
})

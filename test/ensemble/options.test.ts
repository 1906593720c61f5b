/** What `openEnsemble` may be told, and what it says to a mistake. */

import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { openEnsemble } from '../../lib/ensemble/open.ts'
import { checkEnsemble, type EnsembleOptions } from '../../lib/ensemble/options.ts'
import { RestartDelay } from '../../lib/ensemble/restart-delay.ts'
import { failsWith } from './support.ts'

const MEMORY = { durability: 'memory' } as const

test('defaults', () => {
  const config = checkEnsemble({ peers: 3, dataDir: 'somewhere' })
  assert.deepEqual(
    config.peers,
    [1, 2, 3].map(sid => ({ sid, votes: true, dataDir: resolve(`somewhere/peer-${sid}`) })),
  )
  assert.equal(config.dataDir, resolve('somewhere'))
  assert.equal(config.durability, 'power')
  assert.deepEqual([config.tickMs, config.initLimitTicks, config.syncLimitTicks], [50, 200, 20])
  assert.equal(config.dataBytesMax, 1_048_575)
  assert.deepEqual([config.snapshotLogBytes, config.snapshotsKept], [32 * 1024 * 1024, 3])
  assert.deepEqual(config.restart, { policy: 'always', delayMs: 50, delayMaxMs: 10_000 })
  assert.equal(config.openTimeoutMs, 10_000)
})

test('a list of peers is sorted by server id, each with its own role and directory', () => {
  const peers = [
    { sid: 7, role: 'observer' },
    { sid: 2, dataDir: '/disk/two' },
    { sid: 5, role: 'participant' },
  ] as const
  const config = checkEnsemble({ peers, dataDir: '/data' })
  assert.deepEqual(config.peers, [
    { sid: 2, votes: true, dataDir: resolve('/disk/two') },
    { sid: 5, votes: true, dataDir: resolve('/data/peer-5') },
    { sid: 7, votes: false, dataDir: resolve('/data/peer-7') },
  ])
})

test('memory has no directories, not even those that are given', () => {
  const peers = [{ sid: 1, dataDir: '/disk/one' }]
  const config = checkEnsemble({ ...MEMORY, peers, dataDir: '/data' })
  assert.equal(config.dataDir, undefined)
  assert.equal(config.peers[0]!.dataDir, undefined)
})

test('an own pause before restarts may be longer than the usual longest one', () => {
  const { restart } = checkEnsemble({ ...MEMORY, peers: 1, restart: { delayMs: 60_000 } })
  assert.deepEqual(restart, { policy: 'always', delayMs: 60_000, delayMaxMs: 60_000 })
})

/** Null stands for no default: only what is left out does. */
const NULLABLE = [
  ...['dataDir', 'durability', 'tickMs', 'initLimitTicks', 'syncLimitTicks', 'dataBytesMax'],
  ...['snapshotLogBytes', 'snapshotsKept', 'restart', 'openTimeoutMs', 'onPeerFailure'],
]

const WRONG: readonly (readonly [options: unknown, ...parts: string[]])[] = [
  [undefined, 'peers: 3'],
  [null, 'must be an object'],
  ['./data', 'must be an object'],
  [{ ...MEMORY }, 'option peers', 'undefined'],
  [{ ...MEMORY, peers: 0 }, 'option peers', '1 to 254', '0'],
  [{ ...MEMORY, peers: 2.5 }, 'option peers', '2.5'],
  [{ ...MEMORY, peers: 255 }, 'option peers', '255'],
  [{ ...MEMORY, peers: '3' }, 'option peers', '"3"'],
  [{ ...MEMORY, peers: [] }, 'option peers', 'participant'],
  // biome-ignore lint/suspicious/noSparseArray: what a stray comma makes
  [{ ...MEMORY, peers: [, { sid: 1 }] }, 'option peers[0]', '{ sid: 1 }', 'undefined'],
  [{ ...MEMORY, peers: [3] }, 'option peers[0]', '{ sid: 1 }'],
  [{ ...MEMORY, peers: [{ sid: 0 }] }, 'peers[0].sid', '1 to 254'],
  [{ ...MEMORY, peers: [{ sid: 1 }, { sid: 255 }] }, 'peers[1].sid', '255'],
  [{ ...MEMORY, peers: [{ sid: 4 }, { sid: 2 }, { sid: 4 }] }, 'peers[0] and peers[2]', 'sid 4'],
  [{ ...MEMORY, peers: [{ sid: 1, role: 'leader' }] }, 'peers[0].role', "'observer'"],
  [{ ...MEMORY, peers: [{ sid: 1, role: 'observer' }] }, "role 'participant'"],
  [{ ...MEMORY, peers: [{ sid: 1, dir: '/x' }] }, '"dir"', 'peers[0]', 'dataDir'],
  [{ peers: [{ sid: 1, dataDir: 7 }], dataDir: '/d' }, 'peers[0].dataDir', '7'],
  [{ peers: 3 }, 'option dataDir', 'undefined'],
  [{ dataDir: 7 }, 'option peers', 'undefined'],
  [{ peers: 3, dataDir: '' }, 'option dataDir'],
  [{ peers: 3, dataDir: 'a\0b' }, 'option dataDir'],
  [{ peers: [{ sid: 1, dataDir: '/d' }], dataDir: '/d' }, 'peer 1', "ensemble's dataDir"],
  [{ peers: [{ sid: 1, dataDir: '/' }], dataDir: '/d' }, 'peer 1', "ensemble's dataDir"],
  [
    {
      peers: [
        { sid: 1, dataDir: '/x' },
        { sid: 2, dataDir: '/x/' },
      ],
      dataDir: '/d',
    },
    'peer 1 and peer 2',
  ],
  [{ peers: [{ sid: 1 }, { sid: 2, dataDir: '/d/peer-1/x' }], dataDir: '/d' }, 'peer 1 and peer 2'],
  [{ ...MEMORY, peers: 3, durability: 'disk' }, 'option durability', "'power'", '"disk"'],
  [{ ...MEMORY, peers: 3, datadir: '/d' }, '"datadir"', 'dataDir'],
  [{ ...MEMORY, peers: 3, tickMs: 0 }, 'option tickMs', '1 to'],
  [{ ...MEMORY, peers: 3, tickMs: '50' }, 'option tickMs', '"50"'],
  [{ ...MEMORY, peers: 3, initLimitTicks: 4 }, 'option initLimitTicks', '5 to'],
  [{ ...MEMORY, peers: 3, syncLimitTicks: 2 }, 'option syncLimitTicks', '3 to'],
  [{ ...MEMORY, peers: 3, dataBytesMax: 2 ** 30 }, 'option dataBytesMax', '67108864'],
  [{ ...MEMORY, peers: 3, snapshotLogBytes: -1 }, 'option snapshotLogBytes'],
  [{ ...MEMORY, peers: 3, snapshotsKept: 0 }, 'option snapshotsKept'],
  [{ ...MEMORY, peers: 3, openTimeoutMs: Number.POSITIVE_INFINITY }, 'option openTimeoutMs'],
  [{ ...MEMORY, peers: 3, restart: 'always' }, 'options of restart'],
  [{ ...MEMORY, peers: 3, restart: { policy: 'sometimes' } }, 'restart.policy', "'never'"],
  [{ ...MEMORY, peers: 3, restart: { delayMs: 0 } }, 'restart.delayMs'],
  [{ ...MEMORY, peers: 3, restart: { delayMs: 9, delayMaxMs: 8 } }, 'restart.delayMaxMs', '9 to'],
  [{ ...MEMORY, peers: 3, restart: { delay: 9 } }, '"delay"', 'delayMs'],
  ...NULLABLE.map(name => [{ ...MEMORY, peers: 3, [name]: null }, name, 'null'] as const),
  [{ ...MEMORY, peers: null }, 'option peers', 'null'],
  [{ ...MEMORY, peers: [{ sid: 1, role: null }] }, 'peers[0].role', 'null'],
  [{ ...MEMORY, peers: [{ sid: 1, dataDir: null }] }, 'peers[0].dataDir', 'null'],
  [{ ...MEMORY, peers: 3, restart: { policy: null } }, 'restart.policy', 'null'],
  [{ ...MEMORY, peers: 3, restart: { delayMs: null } }, 'restart.delayMs', 'null'],
  [{ ...MEMORY, peers: 3, restart: { delayMaxMs: null } }, 'restart.delayMaxMs', 'null'],
  [{ ...MEMORY, peers: 3, onPeerFailure: 'log' }, 'option onPeerFailure', 'function'],
]

for (const [options, ...parts] of WRONG) {
  test(`refused: ${JSON.stringify(options)}`, async () => {
    const refusal = failsWith('BAD_ARGUMENTS', ...parts)
    assert.throws(() => checkEnsemble(options as EnsembleOptions), refusal)
    await assert.rejects(openEnsemble(options as EnsembleOptions), refusal)
  })
}

test('the pause before a restart doubles up to the longest, and begins anew in time', () => {
  const delay = new RestartDelay({ policy: 'always', delayMs: 50, delayMaxMs: 300 })
  const soon = Array.from({ length: 5 }, () => delay.next(10))
  assert.deepEqual(soon, [50, 100, 200, 300, 300])
  assert.deepEqual([delay.next(300), delay.next(299)], [50, 100])
})

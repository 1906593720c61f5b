/** The link: what goes wrong in it ends the session, and never the application. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { parsePath } from '../../lib/base/path.ts'
import { makeSid } from '../../lib/base/zxid.ts'
import { noAnswer } from '../../lib/client/answers.ts'
import { ClientCore } from '../../lib/client/core.ts'
import { Call } from '../../lib/client/core-call.ts'
import { Doors } from '../../lib/client/doors.ts'
import { Link } from '../../lib/client/link.ts'
import { COMMANDS } from './fake-commands.ts'
import { FakeEnsemble } from './fake-ensemble.ts'

test('a call that cannot be sent again ends the session, not the application', async () => {
  const ensemble = new FakeEnsemble(1, 2)
  const core = new ClientCore({ timeoutMs: 1000, password: new Uint8Array(16) })
  let arrived: () => void = () => {}
  const arrival = (): Promise<void> =>
    new Promise(done => {
      arrived = done
    })
  const doors = new Doors(ensemble.handle(), () => {})
  const options = {
    timeoutMs: 1000,
    operationTimeoutMs: 1000,
    peer: undefined,
    reads: 'peer' as const,
    onState: undefined,
  }
  const link = new Link(core, doors, options, () => arrived())
  const opened = arrival()
  link.patrol()
  await opened
  assert.equal(core.state, 'connected')

  let sends = 0
  const call = new Call(
    {
      kind: 'set',
      get path() {
        if (sends++ > 0) throw new RangeError('no bytes for this')
        return parsePath('/a')
      },
      data: Buffer.from(COMMANDS.mute),
      version: -1,
    },
    noAnswer,
  )
  call.startedAt = performance.now()
  core.submit(call)
  link.flush()
  const warned = once(process, 'warning')
  const ended = arrival()
  ensemble.crash(makeSid(1))
  await ended
  assert.equal(core.state, 'closed')
  assert.ok(call.ended)
  assert.match(((await warned)[0] as Error).message, /no bytes for this/)
  link.close()
})

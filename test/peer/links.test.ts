/** Links and the faults on them, port by port. */

import assert from 'node:assert/strict'
import { on, once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { LinkFault } from '../../lib/base/ports.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import { Links, type LinksListener } from '../../lib/peer/links.ts'

const OTHER = 2 as Sid
const NO_DELAY = { delayMs: 0, jitterMs: 0 }
const LATE: LinkFault = { to: OTHER, cut: false, delayMs: 600_000, jitterMs: 0 }
const CUT: LinkFault = { to: OTHER, cut: true, ...NO_DELAY }

const GREETING = new Uint8Array(0)

class Recorder implements LinksListener {
  readonly heard: string[] = []
  #tellUp: () => void = () => {}
  #tellDown: () => void = () => {}
  #tellGone: () => void = () => {}
  onLinkUp(sid: Sid): void {
    this.heard.push(`up ${sid}`)
    this.#tellUp()
  }
  onFrame(from: Sid, frame: Uint8Array): void {
    this.heard.push(`frame ${frame[0]} from ${from}`)
  }
  onLinkDown(sid: Sid): void {
    this.heard.push(`down ${sid}`)
    this.#tellDown()
  }
  onPeerGone(sid: Sid, incarnation: number): void {
    this.heard.push(`${sid} died as ${incarnation}`)
    this.#tellGone()
  }
  gone(): Promise<void> {
    return new Promise(resolve => {
      this.#tellGone = resolve
    })
  }
  /** The next link that comes up; to be asked for before it can. */
  up(): Promise<void> {
    return new Promise(resolve => {
      this.#tellUp = resolve
    })
  }
  /** The next link that goes down; to be asked for before it can. */
  down(): Promise<void> {
    return new Promise(resolve => {
      this.#tellDown = resolve
    })
  }
}

/** The other end is up. */
async function greet(recorder: Recorder, far: MessagePort): Promise<void> {
  const up = recorder.up()
  far.postMessage(GREETING)
  await up
}

/** The other end of a link, and the word that both ends share. */
interface End {
  readonly far: MessagePort
  readonly replaced: Int32Array
}

interface Wired extends End {
  readonly links: Links
  readonly recorder: Recorder
  connect(): End
}

function wire(t: TestContext): Wired {
  const recorder = new Recorder()
  const links = new Links(recorder)
  t.after(() => links.close())
  const connect = (): End => {
    const { port1, port2 } = new MessageChannel()
    const replaced = new SharedArrayBuffer(4)
    links.connect({ kind: 'link', sid: OTHER, incarnation: 7, port: port1, replaced })
    assert.equal(receiveMessageOnPort(port2)?.message.length, 0, 'a greeting')
    return { far: port2, replaced: new Int32Array(replaced) }
  }
  return { links, recorder, connect, ...connect() }
}

/** All that has got through when the link is closed behind it. */
async function receive(wired: Wired, far: MessagePort): Promise<number[]> {
  const arrived: number[] = []
  far.on('message', (frame: Uint8Array) => arrived.push(frame[0]!))
  wired.links.close()
  await once(far, 'close')
  return arrived
}

function send(links: Links, ...numbers: readonly number[]): void {
  for (const number of numbers) links.post(OTHER, Uint8Array.of(number))
}

test('frames pass, and none to a peer that there is no link to', async t => {
  const wired = wire(t)
  send(wired.links, 1)
  wired.links.post(3 as Sid, Uint8Array.of(9))
  wired.links.post(OTHER, new Uint8Array(100_000).fill(2))
  assert.deepEqual(await receive(wired, wired.far), [1, 2])
})

test('a cut loses everything, also what is held, until the link is replaced', async t => {
  const wired = wire(t)
  const { links } = wired
  send(links, 1)
  links.disturb([LATE])
  send(links, 2)
  links.disturb([CUT])
  send(links, 3)
  links.disturb([])
  send(links, 4)
  links.disturb([LATE])
  send(links, 5)
  links.disturb([])
  const first = wired.far
  const second = wired.connect().far
  send(links, 6)
  const arrived: number[] = []
  first.on('message', (frame: Uint8Array) => arrived.push(frame[0]!))
  await once(first, 'close')
  assert.deepEqual(arrived, [1])
  assert.deepEqual(await receive(wired, second), [6])
})

test('a fault outlasts the link it was set on', async t => {
  const wired = wire(t)
  wired.links.disturb([CUT])
  const second = wired.connect().far
  send(wired.links, 1)
  assert.deepEqual(await receive(wired, second), [])
})

test('what is late stays in order, and is a copy', async t => {
  const wired = wire(t)
  const { links, far } = wired
  const arrived: number[] = []
  const all = new Promise<void>(resolve => {
    far.on('message', (frame: Uint8Array) => {
      arrived.push(frame[0]!)
      if (arrived.length === 60) resolve()
    })
  })
  const frame = new Uint8Array(1)
  for (let number = 0; number < 60; number++) {
    // Less and less late: each would overtake those before it.
    if (number < 30) links.disturb([{ ...CUT, cut: false, delayMs: 30 - number, jitterMs: 5 }])
    if (number === 45) links.disturb([])
    frame[0] = number
    links.post(OTHER, frame)
    if (number % 10 === 0) await new Promise(resolve => setTimeout(resolve, 1))
  }
  await all
  assert.deepEqual(arrived, [...arrived.keys()])
})

test('a shorter delay hurries what a longer one holds, and a longer one leaves it', async t => {
  const wired = wire(t)
  const { links, far } = wired
  links.disturb([LATE])
  send(links, 1, 2)
  links.disturb([{ ...LATE, delayMs: 1 }])
  send(links, 3)
  links.disturb([LATE])
  const arrived: number[] = []
  for await (const [frame] of on(far, 'message')) {
    arrived.push(frame[0])
    if (arrived.length === 3) break
  }
  assert.deepEqual(arrived, [1, 2, 3])
})

test('a delay beyond what a timer can wait is one', async t => {
  const warnings: Error[] = []
  const listener = (warning: Error) => warnings.push(warning)
  process.on('warning', listener)
  t.after(() => process.off('warning', listener))
  const wired = wire(t)
  wired.links.disturb([{ ...LATE, delayMs: 2 ** 32 }])
  send(wired.links, 1)
  // Warnings are told of before the next turn.
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(warnings, [])
  assert.deepEqual(await receive(wired, wired.far), [])
})

test('a frame that is late is not early', async t => {
  const wired = wire(t)
  const { links } = wired
  links.disturb([LATE])
  send(links, 1)
  // A whole turn later it is still held, and goes down with the link.
  await new Promise(resolve => setTimeout(resolve, 5))
  assert.deepEqual(await receive(wired, wired.far), [])
})

test('before the other end has greeted, a link neither comes up nor goes down', async t => {
  const { recorder, links, far, connect } = wire(t)
  links.disturb([CUT])
  assert.deepEqual(recorder.heard, [])
  await greet(recorder, far)
  assert.deepEqual(recorder.heard.splice(0), ['up 2'])

  const second = connect()
  assert.deepEqual(recorder.heard.splice(0), ['down 2'])
  const third = connect()
  await once(second.far, 'close')
  assert.deepEqual(recorder.heard, [])
  const gone = recorder.gone()
  third.far.close()
  await gone
  assert.deepEqual(recorder.heard, ['2 died as 7'])
})

test('a link that closes tells of a death, unless it was replaced at one of its ends', async t => {
  const { recorder, connect, ...first } = wire(t)
  await greet(recorder, first.far)
  const second = connect()
  assert.deepEqual(recorder.heard.splice(0), ['up 2', 'down 2'])
  await once(first.far, 'close')
  assert.deepEqual([first.replaced[0], second.replaced[0]], [1, 0])

  // The other end has got its new link first.
  await greet(recorder, second.far)
  second.replaced[0] = 1
  second.far.close()
  await recorder.down()
  assert.deepEqual(recorder.heard.splice(0), ['up 2', 'down 2'])

  const third = connect()
  third.far.postMessage(GREETING)
  third.far.postMessage(Uint8Array.of(5))
  third.far.close()
  await recorder.down()
  assert.deepEqual(recorder.heard, ['up 2', 'frame 5 from 2', '2 died as 7', 'down 2'])
})

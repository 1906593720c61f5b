import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSid, type Sid } from '../../lib/base/zxid.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import { stream } from './knobs.ts'
import { SimNet } from './net.ts'
import { World } from './world.ts'

const A = makeSid(1)
const B = makeSid(2)
const SECOND_US = 1_000_000

function openNet() {
  const world = new World({ seed: 1, knobs: { linkUs: { low: 10, high: 50_000 } } })
  const dead = new Set<Sid>()
  const heard = new Map<Sid, PeerInput[]>([
    [A, []],
    [B, []],
  ])
  const net = new SimNet(world, stream(1, 0), [A, B], {
    isAlive: sid => !dead.has(sid),
    deliver: (sid, input) => heard.get(sid)?.push(input),
  })
  const pass = (): void => world.agenda.runUntil(world.agenda.now + SECOND_US)
  net.replace(A, B)
  pass()
  /** What B has heard since the last look: links and the numbers in frames. */
  const takeB = (): (string | number)[] =>
    heard
      .get(B)!
      .splice(0)
      .map(input => (input.kind === 'peerFrame' ? input.frame[0]! : input.kind))
  assert.deepEqual(takeB(), ['linkUp'])
  const say = (...words: number[]): void => {
    for (const word of words) net.send(A, B, new Uint8Array([word]))
  }
  return { world, net, dead, pass, say, takeB }
}

test('frames arrive in the order they were sent', () => {
  const { say, pass, takeB } = openNet()
  say(1, 2, 3, 4, 5)
  pass()
  assert.deepEqual(takeB(), [1, 2, 3, 4, 5])
})

test('a cut loses everything from some moment on, until the link is replaced', () => {
  for (const abruptly of [false, true]) {
    const { net, say, pass, takeB } = openNet()
    say(1)
    net.cut(A, B, abruptly)
    say(2)
    pass()
    assert.deepEqual(takeB(), abruptly ? [] : [1])
    net.replace(A, B)
    say(3)
    pass()
    assert.deepEqual(takeB(), ['linkDown', 'linkUp'], 'the old port stays deaf')
    say(4)
    pass()
    assert.deepEqual(takeB(), [4])
  }
})

test('a clogged link holds frames back and loses none', () => {
  const { world, net, say, pass, takeB } = openNet()
  say(1)
  net.clog(A, B, world.agenda.now + 3 * SECOND_US)
  say(2)
  pass()
  assert.deepEqual(takeB(), [])
  say(3)
  pass()
  pass()
  pass()
  assert.deepEqual(takeB(), [1, 2, 3])
})

test('what a peer said before it died arrives, then the news of its death', () => {
  const { net, dead, say, pass, takeB } = openNet()
  say(1, 2)
  dead.add(A)
  net.died(A, true)
  say(3)
  pass()
  assert.deepEqual(takeB(), [1, 2, 'linkDown'])
})

test('an unnoticed death is noticed when the peer comes back', () => {
  const { net, dead, pass, takeB } = openNet()
  dead.add(A)
  net.died(A, false)
  pass()
  assert.deepEqual(takeB(), [])
  dead.delete(A)
  net.started(A)
  pass()
  assert.deepEqual(takeB(), ['linkDown', 'linkUp'])
})

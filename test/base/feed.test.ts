/** What a peer and a local observer say to each other, as bytes: it comes back as it was, or it is malformed. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter, MalformedError } from '../../lib/base/bytes.ts'
import {
  decodeFeedMessage,
  decodeObserverMessage,
  encodeFeedMessage,
  encodeObserverMessage,
  type FeedMessage,
  type ObserverMessage,
} from '../../lib/base/feed.ts'
import type { Zxid } from '../../lib/base/zxid.ts'

const RUNS = 200
const WORD_MAX = 2 ** 32 - 1

const PLAIN = { noNullPrototype: true } as const

const zxids = fc.maxSafeNat().map(number => number as Zxid)
const words = fc.nat(WORD_MAX)
const payloads = fc.uint8Array({ maxLength: 100 })
const points = fc.record({ zxid: zxids, chain: words }, PLAIN)
const groups = fc.record(
  { first: zxids, last: zxids, crc: words, chain: words, payload: payloads },
  PLAIN,
)

const feedMessages: fc.Arbitrary<FeedMessage> = fc.oneof(
  fc.constant({ kind: 'continue' } as const),
  fc.record(
    { kind: fc.constant('snapshot' as const), point: points, digest: fc.maxSafeNat() },
    PLAIN,
  ),
  fc.record({ kind: fc.constant('chunk' as const), bytes: payloads, last: fc.boolean() }, PLAIN),
  fc.record({ kind: fc.constant('group' as const), group: groups }, PLAIN),
  fc.constant({ kind: 'live' } as const),
)

const observerMessages: fc.Arbitrary<ObserverMessage> = fc.oneof(
  fc.record({ kind: fc.constant('observe' as const), point: points }, PLAIN),
  fc.record({ kind: fc.constant('taken' as const), bytes: words }, PLAIN),
)

interface Codec<Message> {
  readonly encode: (out: ByteWriter, message: Message) => void
  readonly decode: (from: ByteReader) => Message
}

const FEED: Codec<FeedMessage> = { encode: encodeFeedMessage, decode: decodeFeedMessage }
const OBSERVER: Codec<ObserverMessage> = {
  encode: encodeObserverMessage,
  decode: decodeObserverMessage,
}

function pack<Message>({ encode }: Codec<Message>, messages: readonly Message[]): Uint8Array {
  const out = new ByteWriter()
  for (const message of messages) encode(out, message)
  return out.take()
}

function unpack<Message>({ decode }: Codec<Message>, frame: Uint8Array): Message[] {
  const from = new ByteReader(frame)
  const messages: Message[] = []
  while (!from.done) messages.push(decode(from))
  return messages
}

/** Bytes that nobody sent end in a MalformedError or in messages: in no other error, and not in a loop. */
function takesAnything<Message>(codec: Codec<Message>, frame: Uint8Array): void {
  try {
    unpack(codec, frame)
  } catch (error) {
    assert.ok(error instanceof MalformedError, `${error}`)
  }
}

function checkCodec<Message>(codec: Codec<Message>, arbitrary: fc.Arbitrary<Message>): void {
  fc.assert(
    fc.property(fc.array(arbitrary, { maxLength: 8 }), messages => {
      assert.deepEqual(unpack(codec, pack(codec, messages)), messages)
    }),
    { numRuns: RUNS },
  )
  fc.assert(
    fc.property(arbitrary, fc.maxSafeNat(), (message, cut) => {
      const frame = pack(codec, [message])
      const length = cut % frame.length
      if (length === 0) assert.deepEqual(unpack(codec, frame.slice(0, 0)), [])
      else assert.throws(() => unpack(codec, frame.slice(0, length)), MalformedError)
    }),
    { numRuns: RUNS },
  )
  fc.assert(
    fc.property(arbitrary, fc.maxSafeNat(), fc.nat(255), (message, place, byte) => {
      const frame = pack(codec, [message]).slice()
      frame[place % frame.length] = byte
      takesAnything(codec, frame)
    }),
    { numRuns: RUNS },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), frame => takesAnything(codec, frame)),
    { numRuns: RUNS },
  )
}

test('what a peer says to an observer comes back as it was; what is cut is malformed', () => {
  checkCodec(FEED, feedMessages)
})

test('what an observer says to a peer comes back as it was; what is cut is malformed', () => {
  checkCodec(OBSERVER, observerMessages)
})

test('a message of an unknown kind is malformed, also that of the other direction', () => {
  for (const code of [0, 7, 255]) {
    assert.throws(() => unpack(FEED, Uint8Array.of(code)), MalformedError)
    assert.throws(() => unpack(OBSERVER, Uint8Array.of(code)), MalformedError)
  }
  const live = pack(FEED, [{ kind: 'live' }])
  assert.throws(() => unpack(OBSERVER, live), MalformedError)
})

test('a length beyond the frame is malformed, however large', () => {
  const out = new ByteWriter()
  encodeFeedMessage(out, { kind: 'chunk', bytes: Uint8Array.of(1, 2, 3), last: true })
  out.setU32(2, WORD_MAX)
  const frame = out.take()
  assert.throws(() => unpack(FEED, frame), MalformedError)
})

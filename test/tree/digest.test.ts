import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { OPEN_ACL } from '../../lib/base/acl.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { SessionId, Sid, Zxid } from '../../lib/base/zxid.ts'
import {
  addDigest,
  hashAcl,
  hashData,
  hashPath,
  type NodeFacts,
  nodeDigest,
  removeDigest,
  type SessionFacts,
  sessionDigest,
} from '../../lib/tree/digest.ts'

const NODE: NodeFacts = {
  pathHash: 1,
  czxid: 2 as Zxid,
  mzxid: 3 as Zxid,
  pzxid: 4 as Zxid,
  ctime: 5,
  mtime: 6,
  version: 7,
  creates: 8,
  aversion: 9,
  ephemeralOwner: 10 as SessionId,
  dataHash: 11,
  aclHash: 12,
}

const SESSION: SessionFacts = {
  id: 1 as SessionId,
  timeoutMs: 2,
  owner: 3 as Sid,
  connection: 4,
  lastCxid: 5,
}

const WIDE_FACTS = ['czxid', 'mzxid', 'pzxid', 'ctime', 'mtime', 'ephemeralOwner'] as const

describe('digest', () => {
  it('hashes data as MurmurHash3 does', () => {
    const vectors: [string, number][] = [
      ['', 0],
      ['test', 0xba6bd213],
      ['Hello, world!', 0xc0363e43],
      ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
    ]
    for (const [text, hash] of vectors) assert.equal(hashData(Buffer.from(text)) >>> 0, hash)
  })

  it('tells apart whatever differs in one fact', () => {
    const seen = new Set([nodeDigest(NODE)])
    const facts = Object.keys(NODE) as (keyof NodeFacts)[]
    for (const fact of facts) seen.add(nodeDigest({ ...NODE, [fact]: 100 }))
    for (const fact of WIDE_FACTS) seen.add(nodeDigest({ ...NODE, [fact]: NODE[fact] + 2 ** 40 }))
    assert.equal(seen.size, 1 + facts.length + WIDE_FACTS.length)

    const sessions = new Set([sessionDigest(SESSION)])
    const sessionFacts = Object.keys(SESSION) as (keyof SessionFacts)[]
    for (const fact of sessionFacts) sessions.add(sessionDigest({ ...SESSION, [fact]: 100 }))
    sessions.add(sessionDigest({ ...SESSION, connection: 4 + 2 ** 40 }))
    assert.equal(sessions.size, 2 + sessionFacts.length)
  })

  it('tells apart facts that have changed places', () => {
    const swapped = { ...NODE, mzxid: NODE.pzxid, pzxid: NODE.mzxid }
    assert.notEqual(nodeDigest(swapped), nodeDigest(NODE))
  })

  it('tells apart paths and ACLs', () => {
    const paths = ['/', '/a', '/b', '/ab', '/ba', '/aa', '/aaa', '/ü', '/日'] as ZPath[]
    assert.equal(new Set(paths.map(hashPath)).size, paths.length)
    const [entry] = OPEN_ACL
    const acls = [OPEN_ACL, [{ ...entry!, permissions: 1 }], [entry!, entry!]]
    assert.equal(new Set(acls.map(hashAcl)).size, acls.length)
    assert.equal(hashAcl([{ ...entry! }]), hashAcl(OPEN_ACL))
  })

  it('is an integer below 2^52 that uses all 52 bits', () => {
    let ones = 0
    let zeros = 0
    for (let version = 0; version < 500; version++) {
      const value = nodeDigest({ ...NODE, version })
      assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 52)
      const high = Math.floor(value / 2 ** 26)
      const low = value % 2 ** 26
      ones |= high & low
      zeros |= ~high & ~low
    }
    assert.equal(ones & 0x3ffffff, 0x3ffffff)
    assert.equal(zeros & 0x3ffffff, 0x3ffffff)
  })

  it('adds and removes items in any order', () => {
    const term = fc.integer({ min: 0, max: 2 ** 52 - 1 })
    fc.assert(
      fc.property(fc.array(term, { minLength: 1 }), fc.nat(), (terms, at) => {
        const total = terms.reduce(addDigest, 0)
        assert.equal(terms.toReversed().reduce(addDigest, 0), total)
        const [gone] = terms.splice(at % terms.length, 1)
        assert.equal(removeDigest(total, gone!), terms.reduce(addDigest, 0))
      }),
    )
  })
})

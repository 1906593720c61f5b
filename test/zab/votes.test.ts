/** What one peer makes of the votes it hears: which count, which are answered, and when a leader may be joined. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Epoch, Sid, Zxid } from '../../lib/base/zxid.ts'
import { Election } from '../../lib/zab/election.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import type { Notification, Role, Vote } from '../../lib/zab/types.ts'

const VOTERS = [1, 2, 3, 4, 5] as Sid[]

function voteFor(leader: number, zxid = 1): Vote {
  return { leader: leader as Sid, zxid: zxid as Zxid, epoch: 1 as Epoch }
}

/** Peer 1 of five, linked to all others, in its first round. */
class Voter {
  readonly said: { readonly to: Sid; readonly heard: Notification }[] = []
  readonly reachable = new Set(VOTERS.slice(1))
  readonly election = new Election({
    sid: 1 as Sid,
    quorum: new Majority(VOTERS),
    reachable: this.reachable,
    send: (to, heard) => this.said.push({ to, heard }),
  })

  constructor() {
    this.election.start(voteFor(1))
  }

  hear(from: number, role: Role, vote: Vote, round = this.election.round): void {
    this.election.receive(from as Sid, { kind: 'notification', vote, round, role })
  }

  lose(sid: number): void {
    this.reachable.delete(sid as Sid)
    this.election.linkDown(sid as Sid)
  }
}

test('a vote of an earlier round is answered and does not count', () => {
  const voter = new Voter()
  voter.election.start(voteFor(1))
  assert.equal(voter.election.round, 2)
  voter.hear(2, 'looking', voteFor(1))
  voter.said.length = 0
  voter.hear(3, 'looking', voteFor(1), 1)
  assert.deepEqual(
    voter.said.map(({ to, heard }) => [to, heard.round]),
    [[3, 2]],
    '3 hears which round it is',
  )
  for (let ticks = 0; ticks < 20; ticks++) voter.election.tick()
  assert.equal(voter.election.elected, undefined, 'two votes of five')
  voter.hear(3, 'looking', voteFor(1))
  for (let ticks = 0; ticks < 20; ticks++) voter.election.tick()
  assert.equal(voter.election.elected, 1)
})

test('a leader is joined when it says itself that it leads', () => {
  const voter = new Voter()
  for (const sid of [2, 3, 4]) voter.hear(sid, 'following', voteFor(5))
  assert.equal(voter.election.elected, undefined, 'a quorum follows it, as far as they know')
  voter.hear(5, 'leading', voteFor(5))
  assert.equal(voter.election.elected, 5)
})

test('a leader is joined when a quorum that is still there follows it', () => {
  const voter = new Voter()
  // Of another round than ours: our own vote does not help.
  const round = 7
  voter.hear(5, 'leading', voteFor(5), round)
  voter.hear(2, 'following', voteFor(5), round)
  voter.lose(2)
  voter.hear(3, 'following', voteFor(5), round)
  assert.equal(voter.election.elected, undefined, '3 and 5 are no quorum, and 2 is gone')
  voter.hear(4, 'following', voteFor(5), round)
  assert.equal(voter.election.elected, 5)
})

test('a leader that is gone is not joined on the word of its followers', () => {
  const voter = new Voter()
  const round = 7
  voter.hear(5, 'leading', voteFor(5), round)
  voter.hear(2, 'following', voteFor(5), round)
  voter.lose(5)
  for (const sid of [3, 4]) voter.hear(sid, 'following', voteFor(5), round)
  assert.equal(voter.election.elected, undefined)
})

test('votes for others are no votes for ours', () => {
  const voter = new Voter()
  // 2 and 3 are elsewhere: their candidates cannot be reached from here.
  voter.lose(4)
  voter.lose(5)
  voter.hear(2, 'looking', voteFor(4, 2))
  voter.hear(3, 'looking', voteFor(5, 2))
  for (let ticks = 0; ticks < 20; ticks++) voter.election.tick()
  assert.equal(voter.election.elected, undefined)
})

test('a candidate that does not stand itself is no choice, however many vote for it', () => {
  const voter = new Voter()
  const said = () => voter.said.at(-1)!.heard.vote
  for (const sid of [2, 3, 4]) voter.hear(sid, 'looking', voteFor(5, 2))
  assert.deepEqual(said(), voteFor(1), '5 may be cut off from here alone')
  voter.hear(5, 'looking', voteFor(5, 2))
  assert.equal(voter.election.elected, 5)
  voter.election.start(voteFor(1))
  for (const sid of [2, 3, 4]) voter.hear(sid, 'looking', voteFor(5, 2))
  assert.equal(voter.election.elected, undefined, 'what 5 said before this round is past')
})

test('a candidate that is for another one now is no choice any more', () => {
  const voter = new Voter()
  const said = () => voter.said.at(-1)!.heard.vote
  voter.hear(2, 'looking', voteFor(2))
  voter.hear(4, 'looking', voteFor(4))
  assert.deepEqual(said(), voteFor(4))
  // Only 4 can hear 5.
  voter.hear(4, 'looking', voteFor(5))
  assert.deepEqual(said(), voteFor(2))
  voter.hear(3, 'looking', voteFor(2))
  for (let ticks = 0; ticks < 20; ticks++) voter.election.tick()
  assert.equal(voter.election.elected, 2)
})

test('whom a quorum follows already leads, though it would prefer another', () => {
  const voter = new Voter()
  voter.hear(5, 'looking', voteFor(5))
  voter.hear(2, 'following', voteFor(1, 0))
  voter.hear(2, 'looking', voteFor(2))
  voter.hear(3, 'following', voteFor(1, 0))
  assert.equal(voter.election.elected, undefined, '2 has given up')
  voter.hear(2, 'following', voteFor(1, 0))
  assert.equal(voter.election.elected, 1)
})

test('a round that elects nobody is followed by another, without those who are silent', () => {
  const voter = new Voter()
  voter.hear(5, 'looking', voteFor(5))
  for (const sid of [2, 3]) voter.hear(sid, 'looking', voteFor(1))
  assert.deepEqual(voter.said.at(-1)!.heard.vote, voteFor(5), 'it can be heard from here alone')
  for (let ticks = 0; ticks < 100 && voter.election.round === 1; ticks++) voter.election.tick()
  for (const sid of [2, 3]) voter.hear(sid, 'looking', voteFor(1))
  for (let ticks = 0; ticks < 20; ticks++) voter.election.tick()
  assert.equal(voter.election.elected, 1)
})

test('whoever follows us already agrees with us, whatever its own log', () => {
  const voter = new Voter()
  voter.election.start(voteFor(1, 2))
  for (const sid of [2, 3]) voter.hear(sid, 'looking', voteFor(1, 2))
  assert.equal(voter.election.elected, undefined, '4 and 5 can be reached and may know better')
  // It saw that 4 and 5 are gone. What it says now is where its own log ends.
  voter.hear(2, 'following', voteFor(1, 1))
  voter.lose(4)
  for (let ticks = 0; ticks < 20; ticks++) voter.election.tick()
  assert.equal(voter.election.elected, 1)
})

test('a quorum waits a little for those that can be reached and have not voted', () => {
  const voter = new Voter()
  for (const sid of [2, 3]) voter.hear(sid, 'looking', voteFor(1))
  assert.equal(voter.election.elected, undefined, 'three of five agree, and two may know better')
  voter.hear(4, 'looking', voteFor(4, 2))
  for (const sid of [2, 3]) voter.hear(sid, 'looking', voteFor(4, 2))
  assert.equal(voter.election.elected, undefined)
  voter.hear(5, 'looking', voteFor(4, 2))
  assert.equal(voter.election.elected, 4, 'all have voted')
})

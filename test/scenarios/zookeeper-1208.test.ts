/**
 * ZOOKEEPER-1208, 1367, 1496, 2355, 3471, 4837 and 5010: ephemeral nodes whose session was gone and that stayed for
 * ever. A create was queued behind the close of its session; a session that a new leader did not know of never
 * expired; a follower missed the close in its synchronisation.
 *
 * Here a session is closing from the moment its close is proposed, a close names every node it takes away, and each
 * new leader gives every session in its tree a clock. Whatever dies at whatever step, in the end every ephemeral node
 * belongs to a session that is there, on every peer; those of the dead are gone, those of the living are not.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyTree, create, path, Solo, TICK_MS } from '../replica/support.ts'
import type { HandClient } from './hand-client.ts'
import { HandEnsemble, SESSION_TICKS, SYNC_LIMIT_TICKS } from './hand-ensemble.ts'

const NODES = ['/e1', '/e2'] as const

function askForNodes(client: HandClient): void {
  for (const at of NODES) client.ask(create(at, { ephemeral: true }))
  client.pump()
}

/** At rest: who owns a node has a session, on every peer, and so does every client that lives. */
function assertOwned(ensemble: HandEnsemble): void {
  ensemble.findTogether()
  ensemble.assertEqual()
  const alive = ensemble.clients.filter(({ dead, core }) => !dead && !core.finished)
  const expected = alive.map(({ core }) => core.sessionId).sort()
  for (const { core, sid } of ensemble.peers.values()) {
    const sessions = [...core.tree.sessions()]
    assert.deepEqual(sessions.map(({ id }) => id).sort(), expected, `sessions at ${sid}`)
    let owned = 0
    for (const { id, ephemerals } of sessions) {
      for (const at of ephemerals) {
        owned++
        assert.equal(core.tree.node(at)?.ephemeralOwner, id)
      }
    }
    assert.equal(core.tree.nodeCount, 1 + owned, 'nobody owns any other node')
  }
}

/** Time for a dead client's session to run out under a leader that has just begun. */
function waitForExpiry(ensemble: HandEnsemble): void {
  ensemble.tick(SESSION_TICKS + 2 * SYNC_LIMIT_TICKS)
}

interface Death {
  readonly name: string
  /** 3 leads. */
  readonly home: number
  /** The client survives the peer, or dies with it, or dies alone. */
  readonly client: 'lives' | 'dies'
  readonly peer: number | undefined
  readonly comesBack: boolean
}

const DEATHS: readonly Death[] = [
  { name: 'the client', home: 2, client: 'dies', peer: undefined, comesBack: false },
  { name: 'its home', home: 2, client: 'lives', peer: 2, comesBack: false },
  { name: 'the client and its home', home: 2, client: 'dies', peer: 2, comesBack: true },
  { name: 'the leader', home: 2, client: 'lives', peer: 3, comesBack: true },
  { name: 'the client and the leader', home: 2, client: 'dies', peer: 3, comesBack: true },
  { name: 'the client and a follower', home: 2, client: 'dies', peer: 1, comesBack: true },
  {
    name: 'the client and the leader it was with',
    home: 3,
    client: 'dies',
    peer: 3,
    comesBack: false,
  },
]

for (const { name, home, client: fate, peer, comesBack } of DEATHS) {
  test(`${name} dying at any step leaves no stray ephemeral node, and takes none away`, () => {
    for (let steps = 0; ; steps++) {
      const ensemble = new HandEnsemble()
      const client = ensemble.join('client', home)
      let taken = 0
      // From the first word of the session to the last answer.
      let asked = false
      for (; taken < steps; taken++) {
        if (client.core.state === 'connected' && !asked) {
          asked = true
          askForNodes(client)
        }
        if (!ensemble.advance()) break
      }
      if (taken < steps) break
      if (fate === 'dies') ensemble.kill(client)
      const disk = peer === undefined ? undefined : ensemble.crash(peer, steps % 2 === 1)
      ensemble.tick(SYNC_LIMIT_TICKS)
      if (fate === 'lives' && !asked) askForNodes(client)
      if (disk !== undefined && comesBack) ensemble.start(peer!, disk)
      waitForExpiry(ensemble)
      assertOwned(ensemble)
      const { tree } = ensemble.leader!.core
      for (const at of NODES) {
        const isThere = tree.node(path(at)) !== undefined
        assert.equal(isThere, fate === 'lives', `${at} after ${steps} steps`)
      }
    }
  })
}

test('a create that comes after the close of its session was proposed makes no node', () => {
  const home = new Solo()
  const client = home.join(SESSION_TICKS * TICK_MS)
  // A leader that hears nothing of the client's home.
  const leader = new Solo(copyTree(home.replica.tree), 2, 2)
  for (let ticks = 0; ticks <= SESSION_TICKS; ticks++) leader.replica.tick()
  leader.propose()
  assert.equal(leader.proposed.length, 1, 'the close is proposed and not applied')
  home.replica.unlead()
  for (const at of NODES) client.write(create(at, { ephemeral: true }))
  leader.replica.prepare(home.replica.takeSubmissions()!, 1)
  leader.propose()
  for (const group of leader.proposed) home.replica.apply(group)
  leader.apply()
  home.deliver()
  assert.deepEqual(client.takeStory(), ['goodbye SESSION_EXPIRED'])
  for (const { replica } of [home, leader]) {
    assert.equal(replica.tree.nodeCount, 1)
    assert.equal(replica.tree.session(client.sessionId), undefined)
  }
  assert.equal(home.replica.tree.digest, leader.replica.tree.digest)
})

test('a close takes away what its session has only proposed so far', () => {
  const ensemble = new HandEnsemble()
  const client = ensemble.join('client', 3)
  ensemble.findTogether()
  ensemble.slowDisks.add(1).add(2).add(3)
  askForNodes(client)
  ensemble.settle()
  assert.equal(ensemble.peer(3).core.tree.node(path(NODES[0])), undefined, 'not applied yet')
  client.ask({ kind: 'closeSession' })
  client.pump()
  ensemble.settle()
  ensemble.slowDisks.clear()
  ensemble.findTogether()
  assertOwned(ensemble)
  assert.equal(client.core.state, 'closed')
})

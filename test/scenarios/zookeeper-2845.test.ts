/**
 * ZOOKEEPER-2845: a server that lost its leadership kept its database in memory and first brought it up to the end of
 * its own log, proposals included that nobody else had. The next leader told it to cut those from the log; in memory
 * they stayed, and were served.
 *
 * Here a tree holds what is committed and nothing else. A leader that proposed alone is cut off at every step, rejoins
 * with what it has in memory or after a restart, and later leads again: all trees have one digest, and what a client
 * was told is in them.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Zxid } from '../../lib/base/zxid.ts'
import { create, path } from '../replica/support.ts'
import { HandEnsemble } from './hand-ensemble.ts'

interface Rejoin {
  readonly name: string
  readonly rejoin: (ensemble: HandEnsemble) => void
}

const REJOINS: readonly Rejoin[] = [
  {
    name: 'with what it has in memory',
    rejoin: ensemble => {
      for (const sid of [1, 2]) ensemble.link(3, sid)
    },
  },
  { name: 'after a restart', rejoin: ensemble => void ensemble.start(3, ensemble.crash(3)) },
  {
    name: 'after a death in the middle of a write',
    rejoin: ensemble => void ensemble.start(3, ensemble.crash(3, true)),
  },
]

/** 3 leads; a client of it and one of 1. */
function established() {
  const ensemble = new HandEnsemble()
  const lonely = ensemble.join('lonely', 3)
  const other = ensemble.join('other', 1)
  ensemble.findTogether()
  assert.equal(ensemble.leader?.sid, 3)
  return { ensemble, lonely, other }
}

for (const { name, rejoin } of REJOINS) {
  test(`a leader that was cut off with proposals of its own comes back ${name}`, () => {
    let cutAway = 0
    for (let steps = 0; ; steps++) {
      const { ensemble, lonely, other } = established()
      const shown = new Set<Zxid>()
      ensemble.onTurn = ({ core }) => shown.add(core.tree.zxid)
      const asked = ['/x1', '/x2'].map(at => lonely.ask(create(at)))
      lonely.pump()
      let taken = 0
      while (taken < steps && ensemble.advance()) taken++
      if (taken < steps) break
      const told = asked.filter(({ reply }) => reply !== undefined).map(({ reply }) => reply!.path!)
      ensemble.kill(lonely)
      for (const sid of [1, 2]) ensemble.cut(3, sid)
      ensemble.tick(5)
      const proposed = ensemble.peer(3).core.zab.view.last
      other.ask(create('/y'))
      other.pump()
      ensemble.settle()
      rejoin(ensemble)
      ensemble.findTogether()
      if (ensemble.peer(3).core.zab.history.pointAt(proposed) === undefined) cutAway++
      ensemble.assertEqual()
      for (const at of ['/y', ...told]) {
        assert.ok(ensemble.peer(3).core.tree.node(path(at)), `${at} is there`)
      }
      // Once more with the one that came back as the leader.
      const away = ensemble.crash(ensemble.leader!.sid)
      ensemble.tick(5)
      other.ask(create('/z'))
      other.pump()
      ensemble.findTogether()
      const missing = [1, 2, 3].find(sid => !ensemble.peers.has(sid))!
      ensemble.start(missing, away)
      ensemble.findTogether()
      ensemble.assertEqual()
      const { history } = ensemble.leader!.core.zab
      for (const zxid of shown) {
        const isKept = zxid === 0 || history.pointAt(zxid) !== undefined
        assert.ok(isKept, `no tree showed what is not in the log, as ${zxid}`)
      }
    }
    assert.ok(cutAway > 0, 'sometimes its proposals were its own alone')
  })
}

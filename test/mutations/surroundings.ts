/** Mistakes around the peers: who may found an ensemble, whose directories these are, what links and clients do. */

import { type Mutation, patch, testFile } from './mutation.ts'

const DIRECTORY = 'lib/ensemble/directory.ts'
const LINKS = 'lib/peer/links.ts'
const ON_READY = 'onReady(peer: SupervisedPeer): void {'
const LINK_TO_ALL = 'for (const other of this.peers) if (other !== peer) this.#link(peer, other)'

export const SURROUNDINGS_MUTATIONS: readonly Mutation[] = [
  {
    name: 'memory-peer-is-founded-again',
    says: 'A peer in memory that is started again votes at once, although it has forgotten what it promised.',
    patches: [
      patch('lib/ensemble/supervisor.ts', 'return peer.starts === 0', 'return peer.starts >= 0'),
    ],
    killers: [testFile('test/ensemble/supervision.test.ts', 'a killed peer stays down')],
  },
  {
    name: 'ensemble-is-founded-again',
    says: 'An ensemble that has served counts as one that never did, so that a wiped peer votes.',
    patches: [
      patch(
        DIRECTORY,
        'return this.#marker?.formed !== true',
        'return this.#marker?.formed !== undefined',
      ),
    ],
    killers: [testFile('test/ensemble/directory.test.ts', 'a new directory is made')],
  },
  {
    name: 'opened-without-a-majority',
    says: 'An ensemble is opened although a majority of its directories is empty.',
    patches: [
      patch(
        DIRECTORY,
        'if (lost.length * 2 < this.#members().voters.length) return',
        'if (lost.length < this.#members().voters.length) return',
      ),
    ],
    killers: [testFile('test/ensemble/directory.test.ts', 'a minority may lose')],
  },
  {
    name: 'members-exchanged',
    says: 'An ensemble is opened with other voters than it was made with.',
    patches: [
      patch(
        DIRECTORY,
        'if (sameSids(voters, marker.voters)) return',
        'if (voters.length === marker.voters.length) return',
      ),
    ],
    killers: [testFile('test/ensemble/directory.test.ts', 'the participants are fixed')],
  },
  {
    name: 'directory-with-two-owners',
    says: 'A directory is taken although another ensemble that lives holds it.',
    patches: [
      patch(
        'lib/ensemble/ownership.ts',
        'filter(([, identity]) => isAlive(identity, here))',
        'filter(([, identity]) => isAlive(identity, here) && identity.pid < 0)',
      ),
    ],
    killers: [testFile('test/ensemble/ownership.test.ts', 'another thread of this process')],
  },
  {
    name: 'replaced-link-is-a-death',
    says: 'A peer whose link was replaced is shown to everybody as dead.',
    patches: [
      patch(LINKS, 'if (!wasReplaced) this.#listener.onPeerGone', 'this.#listener.onPeerGone'),
    ],
    killers: [testFile('test/peer/links.test.ts')],
  },
  {
    name: 'link-up-without-a-greeting',
    says: 'A peer counts as reachable although it has not recovered yet.',
    patches: [
      patch(
        LINKS,
        'port.postMessage(GREETING)',
        'port.postMessage(GREETING)\n    this.#take(sid, link, GREETING)',
      ),
    ],
    killers: [testFile('test/peer/links.test.ts')],
  },
  {
    name: 'end-of-a-link-that-never-was',
    says: 'A link that never came up is told of when it goes down.',
    patches: [
      patch(
        LINKS,
        'if (link.isUp) this.#listener.onLinkDown(sid)',
        'this.#listener.onLinkDown(sid)',
      ),
    ],
    killers: [testFile('test/peer/links.test.ts')],
  },
  {
    name: 'recovers-at-once',
    says: 'A peer recovers although others are to go first.',
    patches: [
      patch('lib/peer/life.ts', 'stall(mayRecover, Number.POSITIVE_INFINITY, false)', 'undefined'),
    ],
    killers: [testFile('test/ensemble/peer-thread.test.ts', 'until it may go on')],
  },
  {
    name: 'recoveries-stop',
    says: 'Peers that wait for their turn to recover are forgotten once the ensemble is open.',
    patches: [
      patch(
        'lib/ensemble/recoveries.ts',
        'this.#atOnce = Number.POSITIVE_INFINITY\n    this.#advance()',
        '',
      ),
    ],
    killers: [testFile('test/ensemble/recoveries.test.ts')],
  },
  {
    name: 'waits-twice',
    says: 'A peer that is started again while an ensemble is opened waits behind observers that may hang.',
    patches: [
      patch('lib/ensemble/recoveries.ts', 'if (this.#had.has(peer)) return peer.recover()\n', ''),
    ],
    killers: [testFile('test/ensemble/recoveries.test.ts', 'started again')],
  },
  {
    name: 'voter-without-an-epoch',
    says: 'A new ensemble is open before every voter has entered an epoch; closed then, it has lost a vote.',
    patches: [
      patch(
        'lib/ensemble/supervisor.ts',
        'return isNew ? peer.hasServed : peer.hasOpened',
        'return peer.hasOpened',
      ),
    ],
    killers: [testFile('test/ensemble/opening.test.ts', 'a new ensemble')],
  },
  {
    name: 'linked-when-ready',
    says: 'A peer that recovers late is linked by the thread that opened the ensemble, which may be blocked.',
    patches: [
      patch(
        'lib/ensemble/supervisor.ts',
        'if (!one.isStarted || !other.isStarted ||',
        'if (!one.isUp || !other.isUp ||',
      ),
      patch('lib/ensemble/supervisor.ts', ON_READY, `${ON_READY}\n${LINK_TO_ALL}`),
    ],
    killers: [testFile('test/ensemble/opening.test.ts', 'needs nothing of a blocked thread')],
  },
  {
    name: 'ended-in-a-turn',
    says: 'A peer that is killed is ended wherever it is, be it within native code.',
    patches: [
      patch(
        'lib/ensemble/peer-thread.ts',
        '    await Promise.race([this.#lifeline.stopped(STOP_PATIENCE_MS), this.#exited])\n',
        '',
      ),
    ],
    killers: [testFile('test/ensemble/peer-thread.test.ts', 'and is killed')],
  },
  {
    name: 'exit-in-a-turn',
    says: 'A process that exits cuts its peers off wherever they are.',
    patches: [
      patch(
        'lib/ensemble/peer-thread.ts',
        '  for (const lifeline of lifelines) lifeline.awaitStop(Math.max(until - performance.now(), 0))\n',
        '',
      ),
    ],
    killers: [testFile('test/ensemble/peer-thread.test.ts', 'and the process exits')],
  },
]

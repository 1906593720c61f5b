/** Mistakes in what a session is promised: its life, its order, its watches, and its way from peer to peer. */

import { type Mutation, patch, testFile } from './mutation.ts'

const CLIENT = 'lib/client/core.ts'
const CORE = 'lib/peer/core.ts'
const HOME = 'lib/replica/home.ts'
const PREPARE = 'lib/replica/prepare.ts'
const READS = 'lib/replica/reads.ts'
const REPLICA = 'lib/replica/replica.ts'
const TRACKER = 'lib/replica/tracker.ts'
const WATCHES = 'lib/replica/watches.ts'
const WINDOW = 'lib/client/core-window.ts'

export const SESSION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'reads-overtake-writes',
    says: 'A read is answered at once, although writes before it in its session are under way.',
    patches: [
      patch(
        HOME,
        '    } else if (alone) this.#answers.look(line, message)\n',
        '    } else if (alone || line.listens) this.#answers.look(line, message)\n',
      ),
    ],
    killers: [testFile('test/replica/order.test.ts')],
  },
  {
    name: 'reads-before-the-attach',
    says: 'A session that moved is served by its new peer before that peer has applied all it may have seen.',
    patches: [
      patch(
        HOME,
        `        this.#submissions.hello(line.connection, message)
        return`,
        `        this.#submissions.hello(line.connection, message)
        if (message.kind === 'attach' && this.#tree.session(message.sessionId) !== undefined) {
          if (!this.#served.has(message.sessionId)) this.#join(line, message.sessionId)
        }
        return`,
      ),
    ],
    killers: [testFile('test/replica/world.test.ts')],
  },
  {
    name: 'end-of-the-hidden-told',
    says: 'Who waits for a node is told that one went which nobody may read.',
    patches: [
      patch(
        READS,
        '  if (acl !== undefined) return mayRead({ acl })\n',
        '  if (acl !== undefined) return true\n',
      ),
    ],
    killers: [testFile('test/replica/watches.test.ts')],
  },
  {
    name: 'hidden-taken-for-read',
    says: 'A watch on a node that may not be read is taken for one on a node that was read.',
    patches: [
      patch(
        'lib/replica/answers.ts',
        'node !== undefined && mayRead(node) ? data : exist',
        'node !== undefined ? data : exist',
      ),
    ],
    killers: [testFile('test/replica/watches.test.ts')],
  },
  {
    name: 'event-after-reply',
    says: 'The answer of a write goes out before the watch events that it causes.',
    patches: [
      patch(HOME, '    this.#answers.fire(changes, zxid)\n    const { body', '    const { body'),
      patch(
        HOME,
        `      if (line === undefined) return
      if (body.type !== 'close') this.#answers.outcome(line, cxid, outcome)`,
        `      if (line !== undefined && body.type !== 'close') {
        this.#answers.outcome(line, cxid, outcome)
      }
      this.#answers.fire(changes, zxid)
      if (line === undefined) return
      if (body.type !== 'close') return`,
      ),
    ],
    killers: [testFile('test/replica/watches.test.ts')],
  },
  {
    name: 'watch-fires-again',
    says: 'A watch stays after it has fired.',
    patches: [
      patch(WATCHES, '    this.#byPath.delete(path)\n    const watchers', '    const watchers'),
    ],
    killers: [testFile('test/replica/parts.test.ts')],
  },
  {
    name: 'watch-of-two-kinds-fires-once',
    says: 'A deletion does not reach those who watch the children of the node.',
    patches: [
      patch(
        WATCHES,
        `type === 'childrenChanged' || type === 'deleted' ?`,
        `type === 'childrenChanged' ?`,
      ),
    ],
    killers: [testFile('test/replica/parts.test.ts')],
  },
  {
    name: 'watches-not-set-again',
    says: 'After a fail-over the client does not set its watches again.',
    patches: [patch(CLIENT, '    if (!this.#watches.isEmpty) {', '    if (this.finished) {')],
    killers: [testFile('test/client/core.test.ts')],
  },
  {
    name: 'missed-change-not-told',
    says: 'A watch that is set again does not tell what changed since.',
    patches: [
      patch(
        READS,
        'else if (node.mzxid > held.since && mayRead(node)) {',
        'else if (node.mzxid > tree.zxid && mayRead(node)) {',
      ),
    ],
    killers: [testFile('test/replica/watches.test.ts')],
  },
  {
    name: 'missed-children-not-told',
    says: 'A watch on children that is set again does not tell which came and went since.',
    patches: [
      patch(
        READS,
        'else if (node.pzxid > held.since && mayRead(node)) {',
        'else if (node.pzxid > tree.zxid && mayRead(node)) {',
      ),
    ],
    killers: [testFile('test/replica/watches.test.ts')],
  },
  {
    name: 'welcome-counts-as-seen',
    says: 'A client takes what its new peer has for seen before it was told the events it missed.',
    patches: [
      patch(
        CLIENT,
        '        this.#timeoutMs = message.timeoutMs\n',
        `        this.#timeoutMs = message.timeoutMs
        if (message.zxid > this.#seenZxid) this.#seenZxid = message.zxid\n`,
      ),
    ],
    killers: [testFile('test/client/core.test.ts')],
  },
  {
    name: 'unanswered-not-sent-again',
    says: 'After a fail-over the client does not send again what is unanswered.',
    patches: [patch(CLIENT, '    this.#window.resend()\n', '')],
    killers: [testFile('test/client/core.test.ts')],
  },
  {
    name: 'resent-under-new-numbers',
    says: 'After a fail-over the client gives its unanswered writes new numbers.',
    patches: [
      patch(
        WINDOW,
        `      this.#sentWeight += call.weight
      this.#encode(call)`,
        `      this.#sentWeight += call.weight
      if (call.cxid !== 0) call.cxid = ++this.#sentCxid
      this.#encode(call)`,
      ),
    ],
    killers: [testFile('test/client/core.test.ts')],
  },
  {
    name: 'given-up-writes-leave-a-gap',
    says: 'A write that nobody waits for any more is left out when the others are sent again.',
    patches: [
      patch(WINDOW, 'if (call.ended && isRead(call.request)) continue', 'if (call.ended) continue'),
    ],
    killers: [testFile('test/client/core.test.ts')],
  },
  {
    name: 'second-open',
    says: 'A client sends its calls before its session has a number.',
    patches: [
      patch(CLIENT, 'return this.#linked && this.#sessionId !== NO_SESSION', 'return this.#linked'),
    ],
    killers: [testFile('test/client/opening.test.ts')],
  },
  {
    name: 'reports-of-followers-ignored',
    says: 'The leader does not count what followers report of their sessions.',
    patches: [
      patch(
        CORE,
        '    for (const touched of deliveries.touched) this.#replica.touch(touched)\n',
        '',
      ),
    ],
    killers: [testFile('test/peer/core.test.ts')],
  },
  {
    name: 'own-sessions-not-touched',
    says: `The leader forgets the sessions that are connected to itself.`,
    patches: [
      patch(REPLICA, '    for (const id of this.#home.sessions()) preparer.touch(id)\n', ''),
    ],
    killers: [testFile('test/replica/sessions.test.ts')],
  },
  {
    name: 'paused-leader-expires',
    says: 'A leader that was held up expires sessions before it looks at what came meanwhile.',
    patches: [
      patch(
        CORE,
        `    this.#settle(now)
    this.#zab.step({ kind: 'tick' })`,
        `    this.#zab.step({ kind: 'tick' })`,
      ),
    ],
    killers: [testFile('test/peer/core.test.ts')],
  },
  {
    name: 'expiry-without-grace',
    says: 'A touch does not put off the end of a session.',
    patches: [
      patch(
        TRACKER,
        'if (clock !== undefined) clock.deadline = this.#now + clock.lifeTicks',
        'if (clock !== undefined) clock.deadline = Math.max(clock.deadline, this.#now)',
      ),
    ],
    killers: [testFile('test/replica/parts.test.ts')],
  },
  {
    name: 'new-sessions-closed-with-the-old',
    says: 'A leader that is told late to close the sessions of an earlier life closes those of this one too.',
    patches: [
      patch(TRACKER, '.filter(id => (id as number) <= zxid)', '.filter(id => zxid >= 0 && id > 0)'),
    ],
    killers: [testFile('test/replica/sessions.test.ts')],
  },
  {
    name: 'sessions-never-expire',
    says: 'A session whose client is gone is never closed by its time-out.',
    patches: [
      patch(
        PREPARE,
        'for (const id of this.#clocks.tick()) this.#expired.push(id)',
        'this.#clocks.tick()',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'attach-without-password',
    says: 'Anybody who knows the number of a session can take it over.',
    patches: [
      patch(
        PREPARE,
        'session !== undefined && Buffer.compare(session.password, password) === 0',
        'session !== undefined && Buffer.compare(password, password) === 0',
      ),
    ],
    killers: [testFile('test/replica/sessions.test.ts')],
  },
  {
    name: 'moved-session-is-closed',
    says: 'A peer whose client went away closes its session, although it is served elsewhere by then.',
    patches: [
      patch(
        PREPARE,
        'session?.owner === submission.owner && session.connection === submission.connection',
        'session !== undefined',
      ),
    ],
    killers: [testFile('test/replica/prepare.test.ts')],
  },
  {
    name: 'served-by-two-peers',
    says: 'A peer goes on serving a session that was attached elsewhere.',
    patches: [
      patch(
        HOME,
        `    if (served !== undefined && served !== line) this.#end(served, 'SESSION_MOVED')\n`,
        `    if (served !== undefined && line !== undefined && served !== line) this.#end(served, 'SESSION_MOVED')\n`,
      ),
    ],
    killers: [testFile('test/replica/moving.test.ts')],
  },
  {
    name: 'tree-goes-back-in-sight',
    says: 'Clients stay with a peer whose tree went back.',
    patches: [patch(HOME, '    if (tree.zxid < before.zxid) this.sendAway()\n', '')],
    killers: [testFile('test/replica/sessions.test.ts')],
  },
  {
    name: 'clients-of-a-lost-peer-stay',
    says: 'A peer that has found no leader for long keeps its clients and shows them the past.',
    patches: [patch(CORE, '      this.#replica.sendAway()\n', '')],
    killers: [testFile('test/peer/core.test.ts')],
  },
  {
    name: 'not-submitted-to-the-next-leader',
    says: 'What is unanswered is not submitted again when the leader changes.',
    patches: [patch(CORE, '      this.#replica.resubmit()\n', '')],
    killers: [testFile('test/peer/core.test.ts')],
  },
  {
    name: 'preparer-outlives-the-reign',
    says: 'A leader that is deposed and elected again prepares on what it proposed in its former reign.',
    patches: [
      patch(
        CORE,
        'if (this.#leads && (!leads || newReign)) this.#replica.unlead()',
        'if (this.#leads && !leads && this.#ticks < 0) this.#replica.unlead()',
      ),
    ],
    killers: [testFile('test/peer/core.test.ts')],
  },
  {
    name: 'watches-lost-with-the-tree',
    says: 'When a snapshot takes the place of the tree, watches do not tell what it changed.',
    patches: [patch(HOME, '      this.#answers.resumeAfter(line, before)\n', '')],
    killers: [testFile('test/replica/watches.test.ts')],
  },
  {
    name: 'window-without-an-end',
    says: 'A session has more writes under way than the ensemble keeps outcomes of.',
    patches: [patch(WINDOW, '    if (length >= SESSION_WINDOW) return false\n', '')],
    killers: [testFile('test/client/core.test.ts')],
  },
]

/** Mistakes in reading in the caller's thread: in the feed, in the replica, and in the session that reads from it. */

import { campaign, type Mutation, patch, testFile } from './mutation.ts'

const CLIENT = 'lib/client/core.ts'
const FEEDS = 'lib/peer/core-feeds.ts'
const LINK = 'lib/client/link.ts'
const LOCAL = 'lib/client/local-observer.ts'
const OBSERVER = 'lib/replica/observer.ts'
const PEER = 'lib/peer/core.ts'
const SEAT = 'lib/client/core-seat.ts'
const WINDOW = 'lib/client/core-window.ts'

const ENDS_TEST = testFile('test/peer/feed-ends.test.ts')
const FEEDS_TEST = testFile('test/peer/feeds.test.ts')
const LOCAL_TEST = 'test/client/local-observer.test.ts'
const OBSERVER_TEST = testFile('test/replica/observer.test.ts')
const PACE_TEST = testFile('test/peer/feed-pace.test.ts')
const SEAT_TEST = testFile('test/client/seat.test.ts')
const UNSEATED_TEST = testFile('test/client/unseated.test.ts')

const SESSIONS: readonly Mutation[] = [
  {
    name: 'seat-behind-an-event',
    says: 'A session reads in its thread although its home has told it of a change that the observer does not show.',
    patches: [patch(CLIENT, '    if (observer.zxid < this.#toldZxid) return\n', '')],
    killers: [SEAT_TEST, campaign(200)],
  },
  {
    name: 'fed-what-was-cut',
    says: 'A feed tells of groups that the store had read before the next leader cut them off.',
    patches: [patch(FEEDS, 'ofOurLog(loaded.groups, history)', 'loaded.groups')],
    killers: [testFile('test/peer/feeds-cut-log.test.ts')],
  },
  {
    name: 'reads-shut-the-loop-out',
    says: 'Who awaits one read after the other in the thread never lets its event loop turn.',
    patches: [
      patch(
        'lib/client/line.ts',
        'if (++this.#turnsInRow < TURNS_MAX) process.nextTick(this.#turn)',
        'if (++this.#turnsInRow > 0) process.nextTick(this.#turn)',
      ),
    ],
    killers: [testFile('test/ensemble/local-reads.test.ts')],
  },
  {
    name: 'answers-not-held',
    says: 'An answer is handed on before the observer shows what it shows: the next read goes back in time.',
    patches: [
      patch(CLIENT, 'this.#inbox.next(this.#seat?.zxid ?? ZXID_MAX)', 'this.#inbox.next(ZXID_MAX)'),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'events-told-at-once',
    says: 'What the observer tells overtakes answers that show an earlier state.',
    patches: [
      patch(
        CLIENT,
        '    if (this.#window.allAnswered) this.#tellEvents(ZXID_MAX)\n',
        '    this.#tellEvents(ZXID_MAX)\n',
      ),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'event-behind-its-answer',
    says: 'An answer that shows a change is handed on before what the observer told of it.',
    patches: [patch(CLIENT, '    this.#tellEvents(reply.zxid)\n', '')],
    killers: [SEAT_TEST],
  },
  {
    name: 'seat-with-watches-ahead',
    says: 'A session with watches sits down at an observer that shows more than was seen.',
    patches: [
      patch(
        CLIENT,
        '    if (!this.#watches.isEmpty && observer.zxid !== this.#seenZxid) return\n',
        '',
      ),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'seat-behind',
    says: 'A session sits down at an observer that shows less than was seen.',
    patches: [patch(CLIENT, ' || observer.zxid < this.#seenZxid) return', ') return')],
    killers: [SEAT_TEST],
  },
  {
    name: 'seat-before-a-watch',
    says: 'A session sits down while a read is under way that leaves a watch at its home.',
    patches: [patch(CLIENT, '    if (this.#window.watches) return\n', '')],
    killers: [SEAT_TEST],
  },
  {
    name: 'told-by-the-home-too',
    says: 'A session that reads in its thread is told of a change by its home as well.',
    patches: [
      patch(
        CLIENT,
        'if (this.#seat !== undefined) return\n        this.#tell(message.event)',
        'this.#tell(message.event)',
      ),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'local-read-overtakes-calls',
    says: 'A read is answered in the thread while calls before it are under way.',
    patches: [
      patch(CLIENT, 'if (this.#seatIsLevel && this.#window.isEmpty)', 'if (this.#seatIsLevel)'),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'watched-reads-sent-home',
    says: 'A session that reads in its thread leaves a watch at its home, which nobody heeds.',
    patches: [
      patch(CLIENT, 'this.#window.send(this.#seat !== undefined)', 'this.#window.send(false)'),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'watched-read-out-of-turn',
    says: 'A read that leaves a watch does not wait for the calls before it.',
    patches: [
      patch(
        WINDOW,
        'if (this.#sent.length > 0 || this.#waiting.first?.watcher === undefined) return undefined',
        'if (this.#waiting.first?.watcher === undefined) return undefined',
      ),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'look-before-what-is-to-be-told',
    says: 'A look shows a change that a watch has not been told of yet.',
    patches: [
      patch(
        CLIENT,
        '!this.#window.isEmpty || this.#deliveries.length > 0)',
        '!this.#window.isEmpty)',
      ),
    ],
    killers: [SEAT_TEST],
  },
  {
    name: 'replica-lent-out',
    says: 'Who reads is handed the memory of the replica, and may write to it.',
    patches: [patch(SEAT, 'data: data && new Uint8Array(data),', 'data,')],
    killers: [SEAT_TEST],
  },
  {
    name: 'unseated-without-a-word',
    says: 'A session that lost its seat stays with its home, which does not know of its watches.',
    patches: [patch(CLIENT, 'this.#farewell = this.depart()', 'this.#stand()')],
    killers: [UNSEATED_TEST],
  },
  {
    name: 'leaves-without-farewell',
    says: 'A session that lost its seat leaves its home without a word, as one does that died.',
    patches: [patch(CLIENT, 'this.#farewell = this.depart()', 'this.depart()')],
    killers: [UNSEATED_TEST],
  },
  {
    name: 'events-lost-with-the-seat',
    says: 'What the observer had told, and waited for its turn, is lost with the seat.',
    patches: [
      patch(
        CLIENT,
        `    this.#tellEvents(ZXID_MAX)
    if (seat.zxid > this.#seenZxid)`,
        '    if (seat.zxid > this.#seenZxid)',
      ),
    ],
    killers: [UNSEATED_TEST],
  },
]

const REPLICAS: readonly Mutation[] = [
  {
    name: 'observer-skips-groups',
    says: 'An observer applies a group although one before it is missing.',
    patches: [
      patch(
        OBSERVER,
        `    if (!follows(this.#point, group)) throw new MalformedError('a group of a feed follows the last')\n`,
        '',
      ),
      patch('lib/tree/tree.ts', 'if (!this.#precedes(zxid)) {', 'if (zxid < 0) {'),
    ],
    killers: [OBSERVER_TEST],
  },
  {
    name: 'taken-never-told',
    says: 'An observer does not tell its peer what it has taken in, and is fed no more when the window is full.',
    patches: [
      patch(
        OBSERVER,
        `    encodeObserverMessage(this.#out, { kind: 'taken', bytes: this.#untold })\n`,
        '',
      ),
    ],
    killers: [OBSERVER_TEST],
  },
  {
    name: 'watches-of-the-gone-kept',
    says: 'An observer keeps the watches of a session that left its seat.',
    patches: [patch(OBSERVER, '    this.#watches.drop(reader)\n', '')],
    killers: [OBSERVER_TEST],
  },
  {
    name: 'snapshot-under-the-readers',
    says: 'Sessions stay seated while a snapshot takes the place of their tree, and miss what it changed.',
    patches: [
      patch(
        OBSERVER,
        `        this.#unseatAll()
        this.#incoming`,
        '        this.#incoming',
      ),
    ],
    killers: [OBSERVER_TEST],
  },
  {
    name: 'live-across-feeds',
    says: 'An observer passes for live on a new feed before that peer has said so.',
    patches: [
      patch(
        OBSERVER,
        `  #unseatAll(): void {
    this.#live = false
`,
        `  #unseatAll(): void {
`,
      ),
    ],
    killers: [OBSERVER_TEST],
  },
  {
    name: 'look-past-the-acl',
    says: 'A look in the thread shows what may not be read.',
    patches: [
      patch(
        OBSERVER,
        'return node !== undefined && mayRead(node) ? node : undefined',
        'return node !== undefined && node.acl.length > 0 ? node : undefined',
      ),
    ],
    killers: [SEAT_TEST],
  },
]

const FEEDING: readonly Mutation[] = [
  {
    name: 'feed-of-the-uncommitted',
    says: 'A feed tells groups that are logged and not committed.',
    patches: [patch(FEEDS, '      if (group.last > committed) break\n', '')],
    killers: [FEEDS_TEST],
  },
  {
    name: 'live-too-early',
    says: 'A feed says that all was told while the window is full and more is to come.',
    patches: [
      patch(
        FEEDS,
        'if (feed.live || feed.sent.zxid !== committed) return',
        'if (feed.live) return',
      ),
    ],
    killers: [PACE_TEST],
  },
  {
    name: 'feed-without-a-window',
    says: 'A thread that stands still is sent everything, and the memory of its peer fills up.',
    patches: [
      patch(FEEDS, '      if (feed.underWay >= this.#windowBytes) continue\n', ''),
      patch(FEEDS, '      if (feed.underWay + this.#out.length >= this.#windowBytes) break\n', ''),
    ],
    killers: [PACE_TEST],
  },
  {
    name: 'feed-goes-on-from-another-past',
    says: 'A feed goes on from a place whose chain is not that of the log.',
    patches: [
      patch(
        FEEDS,
        'if (history.pointAt(sent.zxid)?.chain === sent.chain) {',
        'if (history.pointAt(sent.zxid) !== undefined) {',
      ),
    ],
    killers: [FEEDS_TEST],
  },
  {
    name: 'observer-ahead-is-fed',
    says: 'An observer that is ahead of what is committed here is sent back by a snapshot.',
    patches: [
      patch(
        FEEDS,
        `if (feed.phase === 'waiting' && feed.sent.zxid <= history.committed) this.#join`,
        `if (feed.phase === 'waiting') this.#join`,
      ),
    ],
    killers: [FEEDS_TEST],
  },
  {
    name: 'purged-taken-for-damaged',
    says: 'A feed that fell behind what the log still holds is ended as if the log were damaged.',
    patches: [patch(FEEDS, '(isPurged || !feed.joined)', '!feed.joined')],
    killers: [PACE_TEST],
  },
  {
    name: 'hole-passed-over',
    says: 'A feed that meets a hole in the stored log is not ended, and nobody makes up for the hole.',
    patches: [patch(FEEDS, `    if (asked?.kind !== 'chunk') this.#wantsSnapshot = true\n`, '')],
    killers: [FEEDS_TEST],
  },
  {
    name: 'snapshot-of-the-gone-held',
    says: 'The snapshot that is open for a feed stays open when the feed ends.',
    patches: [
      patch(
        FEEDS,
        `  #forget(feed: Feed): void {
    this.#closeSnapshot(feed)
`,
        `  #forget(feed: Feed): void {
`,
      ),
    ],
    killers: [ENDS_TEST],
  },
  {
    name: 'late-snapshot-held',
    says: 'A snapshot that the store opens for a feed that ended meanwhile is never let go.',
    patches: [patch(FEEDS, `      if (loaded.kind === 'snapshot') this.#release(loadId)\n`, '')],
    killers: [ENDS_TEST],
  },
  {
    name: 'observers-stay-with-a-lost-peer',
    says: 'A peer that has found no leader for long goes on feeding observers.',
    patches: [patch(PEER, '      this.#feeds.sendAway()\n', '')],
    killers: [ENDS_TEST],
  },
]

const THREADS: readonly Mutation[] = [
  {
    name: 'observer-of-each-session',
    says: 'Each session of a thread has an observer of its own.',
    patches: [patch(LOCAL, '    if (present !== undefined) return present\n', '')],
    killers: [testFile('test/ensemble/local-reads.test.ts', 'the sessions of a thread share')],
  },
  {
    name: 'feed-outlives-its-sessions',
    says: 'The feed of a thread goes on when the last session that read from it is closed.',
    patches: [
      patch(
        LOCAL,
        '    if (this.#users.size > 0) return\n    this.#hangUp()\n',
        '    if (this.#users.size >= 0) return\n    this.#hangUp()\n',
      ),
    ],
    killers: [testFile('test/ensemble/local-reads.test.ts', 'the sessions of a thread share')],
  },
  {
    name: 'observer-unasked-for',
    says: 'A session that is to read at its peer begins a replica all the same.',
    patches: [patch(LINK, `this.#options.reads === 'peer' || `, '')],
    killers: [testFile(LOCAL_TEST, 'begins no feed')],
  },
  {
    name: 'broken-replica-is-kept',
    says: 'A replica that came to differ goes on from where it broke.',
    patches: [patch(LOCAL, '      this.core.reset()\n', '')],
    killers: [testFile(LOCAL_TEST, 'nonsense on a feed costs a warning')],
  },
]

export const LOCAL_READ_MUTATIONS: readonly Mutation[] = [
  ...SESSIONS,
  ...REPLICAS,
  ...FEEDING,
  ...THREADS,
]

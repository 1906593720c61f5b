/**
 * The order of one client's requests at its home peer. A line is one connection: replies leave it in the order of the
 * requests, and a read waits until the writes before it are applied here.
 */

import type { ByteWriter } from '../base/bytes.ts'
import { Fifo } from '../base/fifo.ts'
import type { ClientMessage, Hello } from '../base/request.ts'
import { NO_SESSION, type SessionId } from '../base/zxid.ts'

/** What takes its turn in a line. */
export type Waiting = Extract<ClientMessage, { readonly kind: 'read' | 'write' | 'setWatches' }>
export type Write = Extract<Waiting, { readonly kind: 'write' }>
/** What only looks at the tree as it is. */
export type Look = Exclude<Waiting, Write>

/**
 * new → joining → joined → ended. A client that goes away while its open is under way leaves an orphaned line behind:
 * only when the open is applied does the session that must be closed get its name.
 */
export type Phase = 'new' | 'joining' | 'joined' | 'orphaned' | 'ended'

export class Line {
  /** Never used for another connection, not even before a restart of the peer. */
  readonly connection: number
  phase: Phase = 'new'
  /** How the client came: with a new session or an old one. Present in all phases but the first. */
  hello: Hello | undefined
  /** The session served here, since it was joined. */
  sessionId: SessionId = NO_SESSION
  /** The session's last write that is applied here. */
  appliedCxid = 0
  /** Requests without an answer. Invariant: once joined, the first is a write that is not applied yet. */
  readonly waiting = new Fifo<Waiting>()
  /** This turn's frame, lent by the outbox. */
  frame: ByteWriter | undefined

  constructor(connection: number) {
    this.connection = connection
  }

  /** Whether a client is there. */
  get listens(): boolean {
    return this.phase === 'new' || this.phase === 'joining' || this.phase === 'joined'
  }
}

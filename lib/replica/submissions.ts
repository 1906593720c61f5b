/**
 * What this peer asks of the leader, and the sessions it wants to see closed. It is packed into one frame per turn for
 * another peer; a leader takes its own as they are.
 */

import { ByteWriter } from '../base/bytes.ts'
import { encodeSubmission, type Hello, type Submission } from '../base/request.ts'
import type { SessionId, Sid } from '../base/zxid.ts'
import type { Line, Write } from './order.ts'

export class Submissions {
  readonly #owner: Sid
  readonly #out = new ByteWriter(4096)
  #untaken: Submission[] = []
  /** Sessions whose client died here, by the connection it died on, until they are closed or served elsewhere. */
  readonly #abandoned = new Map<SessionId, number>()

  constructor(owner: Sid) {
    this.#owner = owner
  }

  hello(connection: number, hello: Hello): void {
    const { password } = hello
    const common = { owner: this.#owner, connection, password }
    this.#untaken.push(
      hello.kind === 'open'
        ? { kind: 'open', timeoutMs: hello.timeoutMs, ...common }
        : { kind: 'attach', sessionId: hello.sessionId, ...common },
    )
  }

  write(sessionId: SessionId, { cxid, unanswered, request }: Write): void {
    this.#untaken.push({ kind: 'write', sessionId, cxid, unanswered, request })
  }

  abandon(sessionId: SessionId, connection: number): void {
    this.#abandoned.set(sessionId, connection)
    this.#submitAbandon(sessionId, connection)
  }

  /** The session is closed, or somebody serves it. */
  forgetAbandoned(sessionId: SessionId): void {
    this.#abandoned.delete(sessionId)
  }

  /** The sessions given up, with the connection each was last served on. */
  abandoned(): ReadonlyMap<SessionId, number> {
    return this.#abandoned
  }

  /** Everything that has no outcome yet, from the start, in place of what was not taken. */
  again(lines: Iterable<Line>): void {
    this.#untaken = []
    for (const line of lines) {
      if (line.phase === 'joined') this.#writesOf(line)
      else if (line.hello !== undefined) this.hello(line.connection, line.hello)
    }
    for (const [sessionId, connection] of this.#abandoned) {
      this.#submitAbandon(sessionId, connection)
    }
  }

  /** For the leader that this peer is itself. */
  take(): readonly Submission[] {
    const untaken = this.#untaken
    if (untaken.length > 0) this.#untaken = []
    return untaken
  }

  /** For another peer. */
  takePacked(): Uint8Array | undefined {
    if (this.#untaken.length === 0) return undefined
    for (const submission of this.take()) encodeSubmission(this.#out, submission)
    return this.#out.take()
  }

  /** The line's writes that are not applied yet. */
  #writesOf(line: Line): void {
    for (const message of line.waiting) {
      if (message.kind === 'write') this.write(line.sessionId, message)
    }
  }

  #submitAbandon(sessionId: SessionId, connection: number): void {
    this.#untaken.push({ kind: 'abandon', owner: this.#owner, connection, sessionId })
  }
}

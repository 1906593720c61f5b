/** A call whose reply can be looked at: how it was answered, and what the world had seen when it was made. */

import type { ErrorCode } from '../../lib/base/errors.ts'
import type { Reply } from '../../lib/base/reply.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import type { Zxid } from '../../lib/base/zxid.ts'
import { Call } from '../../lib/client/core-call.ts'
import type { Watcher } from '../../lib/client/core-watches.ts'

export class SimCall extends Call<Reply> {
  /** The last transaction that anybody had been told of when this call was made. */
  readonly knownZxid: Zxid
  /** Breaks of its session when it was made: with another since, it may have been sent again. */
  readonly breaks: number
  reply: Reply | undefined
  failure: ErrorCode | undefined

  constructor(
    request: ReadRequest | WriteRequest,
    knownZxid: Zxid,
    breaks: number,
    watcher: Watcher | undefined,
  ) {
    super(request, reply => reply, watcher)
    this.knownZxid = knownZxid
    this.breaks = breaks
  }

  override end(reply: Reply): void {
    super.end(reply)
    this.reply = reply
  }

  override fail(code: ErrorCode): void {
    super.fail(code)
    this.failure = code
  }
}

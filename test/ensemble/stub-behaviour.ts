/** How a stub peer misbehaves; handed to its thread in an environment variable, as JSON by server id. */

import type { ErrorCode } from '../../lib/base/errors.ts'

export const STUB_VARIABLE = 'QUORUMTREE_TEST_STUB'

export interface Behaviour {
  /** Reports this failure instead of becoming ready, and ends. */
  readonly refuse?: ErrorCode
  /** Throws instead of becoming ready. */
  readonly crash?: boolean
  /** Its store opens at once; it becomes ready only when the others have been serving for a while. */
  readonly late?: boolean
  /** Its store opens, and it never becomes ready. */
  readonly slow?: boolean
  /** Its store never opens. */
  readonly hang?: boolean
  /** Becomes ready, links, and serves nobody. */
  readonly idle?: boolean
  /** Throws in its first life, as soon as it serves. */
  readonly diesOnce?: boolean
  /** Takes no notice of being asked for its status. */
  readonly mute?: boolean
  /** Tells of this many sessions until it is told to close them. */
  readonly sessions?: number
  /** Closes no session, whatever it is told. */
  readonly clings?: boolean
}

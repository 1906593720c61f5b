/** How a fake peer is told to misbehave: in band, so that a blocked thread can do it too. */

/** What a write's data can ask for. The write itself is done, except by `crash-before`. */
export const COMMANDS = {
  /** The peer dies before it has done it. */
  crashBefore: 'crash-before',
  /** The peer does it, then dies without an answer. */
  crashAfter: 'crash-after',
  /** As `crashAfter`, for all peers; they are started again 30 ms later. */
  restartAll: 'restart-all',
  /** The peer acts on nothing it hears any more. */
  mute: 'mute',
  /** As `mute`, and the peer with the next number leads. */
  depose: 'depose',
  /** The session expires. */
  expire: 'expire',
  /** The answer is bytes that are no frame. */
  garbage: 'garbage',
  /** The node changes right after each read that leaves a watch: answer and event come in one frame. */
  fickle: 'fickle',
} as const

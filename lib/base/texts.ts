/**
 * Short ASCII texts that come again and again: the same paths at every peer and in every frame. Bytes are compared with
 * a string that is there in less time than one is made, and it is looked up in less, too, since it knows its hash.
 *
 * Where each text is another, as when nodes are created, none is kept and none is looked at: a text is kept when it
 * comes twice with no other at the same slot in between, which the hashes of those that came last tell.
 */

export const KEPT_LENGTH_MAX = 64

/** A power of two. A text takes the place of whatever had its slot. */
const SLOTS = 4096
const hashes = new Int32Array(SLOTS)
const texts: (string | undefined)[] = new Array(SLOTS).fill(undefined)

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}

/** Of the bytes of a text, to find it by. */
export function hashOf(bytes: Uint8Array, from: number, length: number): number {
  let hash = length
  for (let at = from; at < from + length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash
}

/** The text of these bytes, if it is kept. */
export function recall(
  hash: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): string | undefined {
  const slot = slotOf(hash)
  if (hashes[slot] !== hash) return undefined
  const text = texts[slot]
  if (text === undefined || text.length !== length) return undefined
  // From behind: paths that differ do so at their ends.
  for (let at = length - 1; at >= 0; at--) {
    if (text.charCodeAt(at) !== bytes[from + at]) return undefined
  }
  return text
}

/** A text came that was not kept. */
export function came(hash: number, text: string): void {
  const slot = slotOf(hash)
  if (hashes[slot] === hash) texts[slot] = text
  else hashes[slot] = hash
}

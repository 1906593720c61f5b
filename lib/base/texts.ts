/**
 * Short ASCII texts that were read before. The same paths come again and again, at every peer and in every frame:
 * bytes are compared with a string that is there in less time than one is made, and it is looked up in less, too, since
 * it knows its hash.
 */

export const KEPT_LENGTH_MAX = 64

/** A power of two. A text takes the place of whatever had its slot. */
const SLOTS = 4096
const texts: (string | undefined)[] = new Array(SLOTS).fill(undefined)

/** Where the text of these bytes is kept, if it is. */
export function slotOf(bytes: Uint8Array, from: number, length: number): number {
  let hash = length
  for (let at = from; at < from + length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}

/** The text of these bytes, if it is the one in the slot. */
export function recall(
  slot: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): string | undefined {
  const text = texts[slot]
  if (text === undefined || text.length !== length) return undefined
  // From behind: paths that differ do so at their ends.
  for (let at = length - 1; at >= 0; at--) {
    if (text.charCodeAt(at) !== bytes[from + at]) return undefined
  }
  return text
}

export function keep(slot: number, text: string): void {
  texts[slot] = text
}

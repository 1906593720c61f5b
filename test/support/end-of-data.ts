/** A log of LevelDB's may have room behind what was written. */

/** Where the last byte of a file is that is not zero. */
export function endOfData(bytes: Uint8Array): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}

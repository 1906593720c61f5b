/** CRC-32C (Castagnoli), as LevelDB puts it behind each block of its files, and the mask it wears there. */

const POLYNOMIAL = 0x82f63b78
const SLICES = 8
/** One after the other, 256 entries each. */
const TABLES = buildTables()
const MASK_DELTA = 0xa282ead8

function buildTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    tables[byte] = value
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!
    tables[at] = (previous >>> 8) ^ tables[previous & 0xff]!
  }
  return tables
}

export function crc32c(bytes: Uint8Array): number {
  const tables = TABLES
  const end = bytes.length
  let crc = ~0
  let at = 0
  for (const wide = end - 7; at < wide; at += 8) {
    const low =
      crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      tables[1792 + (low & 0xff)]! ^
      tables[1536 + ((low >>> 8) & 0xff)]! ^
      tables[1280 + ((low >>> 16) & 0xff)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/** A sum as it was before it was masked. */
export function unmask(masked: number): number {
  const turned = (masked - MASK_DELTA) >>> 0
  return ((turned >>> 17) | (turned << 15)) >>> 0
}

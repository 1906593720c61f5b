/**
 * Paths as bytes: a byte for each character of an ASCII path, two for each UTF-16 unit of any other, so that a path is
 * compared with a string without making one. The packed length tells both how many units there are and which it is.
 */

import type { AsciiText } from '../base/bytes.ts'
import { ROOT, type ZPath } from '../base/path.ts'

/** A path as a string, or as it stands in an image, packed already. */
export type PathText = ZPath | AsciiText

/** Up to here a loop is faster than a call of the buffer's. */
const SHORT = 24

/** Twice the number of units, and one more when each takes two bytes. */
export function packedLengthOf(path: PathText): number {
  const { length } = path
  if (typeof path !== 'string') return 2 * length
  let units = 0
  for (let at = 0; at < length; at++) units |= path.charCodeAt(at)
  return 2 * length + (units > 0x7f ? 1 : 0)
}

export function packedBytes(packedLength: number): number {
  return (packedLength >>> 1) << (packedLength & 1)
}

export function packPath(bytes: Buffer, at: number, packedLength: number, path: PathText): void {
  if (typeof path !== 'string') copyAscii(bytes, at, path)
  else if ((packedLength & 1) === 1) bytes.write(path, at, 'utf16le')
  else if (path.length > SHORT) bytes.write(path, at, 'latin1')
  else for (let unit = 0; unit < path.length; unit++) bytes[at + unit] = path.charCodeAt(unit)
}

function copyAscii(bytes: Buffer, at: number, path: AsciiText): void {
  for (let unit = 0; unit < path.length; unit++) bytes[at + unit] = path.bytes[path.at + unit]!
}

/** The path, or its end from the unit `from` on. */
export function unpackPath(bytes: Buffer, at: number, packedLength: number, from = 0): string {
  const end = at + packedBytes(packedLength)
  if ((packedLength & 1) === 1) return bytes.toString('utf16le', at + 2 * from, end)
  return bytes.toString('latin1', at + from, end)
}

export function isPacked(bytes: Buffer, at: number, packedLength: number, path: PathText): boolean {
  const { length } = path
  if (packedLength >>> 1 !== length) return false
  if (typeof path !== 'string') return (packedLength & 1) === 0 && equalsAscii(bytes, at, path)
  if ((packedLength & 1) === 1) return unpackPath(bytes, at, packedLength) === path
  for (let unit = 0; unit < length; unit++) {
    if (bytes[at + unit] !== path.charCodeAt(unit)) return false
  }
  return true
}

function equalsAscii(bytes: Buffer, at: number, path: AsciiText): boolean {
  for (let unit = 0; unit < path.length; unit++) {
    if (bytes[at + unit] !== path.bytes[path.at + unit]) return false
  }
  return true
}

const SLASH = 0x2f

/** The path of the parent; of a valid path, and not the root's. */
export function parentOfAscii({ bytes, at, length }: AsciiText): AsciiText {
  let end = length - 1
  while (end > 0 && bytes[at + end] !== SLASH) end--
  return { bytes, at, length: Math.max(end, ROOT.length) }
}

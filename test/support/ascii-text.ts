/** What `asciiOrText` reads, as a string. */

import type { AsciiText } from '../../lib/base/bytes.ts'

export function stringOf(text: AsciiText | string): string {
  if (typeof text === 'string') return text
  const { bytes, at, length } = text
  return Buffer.from(bytes.subarray(at, at + length)).toString('latin1')
}

/**
 * Paths of znodes. `parsePath` is the one gateway: a `ZPath` has passed it and is not checked again.
 * Rules are ZooKeeper's (PathUtils.validatePath).
 */

import { show, TreeError } from './errors.ts'
import { PATH_BYTES_MAX } from './limits.ts'

declare const brand: unique symbol
/** A valid absolute path. */
export type ZPath = string & { readonly [brand]: 'ZPath' }

/** The unit that parts names, and begins each path. */
export const SLASH = 0x2f
export const ROOT = '/' as ZPath

/** What ZooKeeper forbids in a path: control characters, surrogates and private use, specials. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/

/** As long as any sequence number. */
const SEQUENCE_ZERO = '0000000000'

function reject(given: unknown, why: string): never {
  const path = typeof given === 'string' ? given : undefined
  throw new TreeError('BAD_ARGUMENTS', `invalid path ${show(given)}: ${why}`, { path })
}

/** Fast road for the common case: printable ASCII, no dots. Returns false when the slow road has to decide. */
function plainlyValid(text: string): boolean {
  let previous = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x20 || unit > 0x7e || unit === 0x2e) return false
    if (unit === SLASH && previous === SLASH) return false
    previous = unit
  }
  return previous !== SLASH
}

/** Checks what becomes the path of a node; errors name what was given. */
function check(text: string, given: string): void {
  if (text.charCodeAt(0) !== SLASH) reject(given, 'start it with "/"')
  if (text.length < PATH_BYTES_MAX / 3 && plainlyValid(text)) return
  if (text.endsWith('/')) reject(given, 'remove the "/" at its end')
  if (Buffer.byteLength(text) > PATH_BYTES_MAX)
    reject(given, `keep it under ${PATH_BYTES_MAX} bytes`)
  const bad = FORBIDDEN.exec(text)
  if (bad !== null) {
    const unit = bad[0].charCodeAt(0).toString(16).padStart(4, '0')
    reject(given, `the character U+${unit} at ${bad.index} is not allowed`)
  }
  for (const name of text.slice(1).split('/')) {
    if (name === '') reject(given, 'remove the empty component ("//")')
    if (name === '.' || name === '..') reject(given, 'relative components are not allowed')
  }
}

/**
 * Checks a user's path.
 * @throws TreeError BAD_ARGUMENTS when it is not a string, not absolute, ends in `/`, has an empty, `.` or `..`
 * component, a forbidden character, or is longer than 32,767 bytes.
 */
export function parsePath(text: string): ZPath {
  if (typeof text !== 'string') reject(text, 'give a string')
  if (text !== ROOT) check(text, text)
  return text as ZPath
}

/**
 * The path a sequential create starts from: whatever becomes a path when digits follow, so it may end in `/`
 * (`/a/` makes `/a/0000000001`).
 * @throws TreeError BAD_ARGUMENTS as `parsePath`.
 */
export function parseSequentialPrefix(text: string): ZPath {
  if (typeof text !== 'string') reject(text, 'give a string')
  check(text + SEQUENCE_ZERO, text)
  return text as ZPath
}

/** Parent of any path but the root; also of a sequential prefix that ends in `/`. */
export function parentOf(path: ZPath): ZPath {
  const cut = path.lastIndexOf('/')
  return cut <= 0 ? ROOT : (path.slice(0, cut) as ZPath)
}

/** Last component: `c` of `/a/b/c`; empty for the root. */
export function nameOf(path: ZPath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Path of a child by its name. */
export function childOf(parent: ZPath, name: string): ZPath {
  return (parent === ROOT ? `/${name}` : `${parent}/${name}`) as ZPath
}

/** The sequence number as it stands at the end of a sequential node's name. */
export function formatSequence(sequence: number): string {
  return String(sequence).padStart(10, '0')
}

/** The bytes of an entry, piece by piece, as they go into znodes. */

import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs'
import type { Entry } from './listing.ts'

/** The most that one znode gets. Well under its limit of 1 MiB, so that a big file does not hold up the others. */
export const PIECE_BYTES = 256 * 1024

// A file may have become a link or a pipe since it was listed, and reading a pipe may never end.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

const scratch = Buffer.allocUnsafeSlow(PIECE_BYTES)

/**
 * Gives the pieces of an entry; an empty file is one empty piece. A piece is good until the next one, or one of another
 * entry, is asked for. Reads synchronously: the peers run in threads of their own and do not wait for this one, but
 * they share the few threads that asynchronous reads would take.
 */
export function* piecesOf(entry: Entry): Generator<Buffer, void, undefined> {
  if (entry.kind === 'directory') yield Buffer.alloc(0)
  else if (entry.kind === 'link') yield readlinkSync(entry.source, 'buffer')
  else yield* piecesOfFile(entry.source)
}

function* piecesOfFile(source: Buffer): Generator<Buffer, void, undefined> {
  const file = openSync(source, FLAGS)
  try {
    let piece = readPiece(file)
    yield piece
    while (piece.length === PIECE_BYTES) {
      piece = readPiece(file)
      if (piece.length > 0) yield piece
    }
  } finally {
    closeSync(file)
  }
}

/** A full piece, or what is left of the file. */
function readPiece(file: number): Buffer {
  let length = 0
  while (length < PIECE_BYTES) {
    const bytes = readSync(file, scratch, length, PIECE_BYTES - length, null)
    if (bytes === 0) break
    length += bytes
  }
  return scratch.subarray(0, length)
}

/**
 * A peer's note of where its log ends, in a file beside LevelDB's. A spoilt record at the end of LevelDB's log looks
 * like one whose writing was cut short, and is dropped with all that follows in its block, without a word; so are a
 * lost log file and the spoilt end of a manifest. The note tells such a loss from writes that never happened.
 *
 * It is written when the store is closed, with each change of the meta record, and else at most once a second, never
 * before what it vouches for is durable. So it is always true and may only be old, and one that cannot be written is
 * left. Of two places in the file the older one is written over: a write cut short leaves the newer.
 */

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { MalformedError } from '../base/bytes.ts'
import { readOwnFile } from './directory.ts'
import { asStorageFailure } from './failures.ts'
import { decodeMark, encodeMark, MARK_BYTES, type Mark } from './records.ts'

const MARK_FILE = 'quorumtree.tail'
/** What a disk writes as one piece. */
const PLACE_BYTES = 512
const PLACES = 2
const PAUSE_MS = 1000

export interface FoundMark {
  readonly mark: Mark | undefined
  /** Why it cannot be read. */
  readonly fault: string | undefined
  /** To be written over next. */
  readonly nextPlace: number
}

function isNewer(one: Mark, other: Mark): boolean {
  if (one.revision !== other.revision) return one.revision > other.revision
  return one.tail.zxid > other.tail.zxid
}

/** A place that was never written to, or cut short with the first write to it, says nothing. */
function parseMarks(bytes: Uint8Array): FoundMark {
  let mark: Mark | undefined
  let nextPlace = 0
  let unreadable = 0
  for (let place = 0; place < PLACES; place++) {
    const value = bytes.subarray(place * PLACE_BYTES, place * PLACE_BYTES + MARK_BYTES)
    if (value.every(byte => byte === 0)) continue
    try {
      const found = decodeMark(value)
      if (mark !== undefined && !isNewer(found, mark)) continue
      mark = found
      nextPlace = (place + 1) % PLACES
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      unreadable++
    }
  }
  const fault = unreadable < PLACES ? undefined : "the note of the log's end cannot be read"
  return { mark, fault, nextPlace }
}

/** What a directory's note says. */
export async function readMark(directory: string): Promise<FoundMark> {
  return parseMarks(await readOwnFile(directory, MARK_FILE))
}

export class TailMark {
  readonly #file: FileHandle
  #nextPlace: number
  #noted: Mark | undefined
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle, nextPlace: number) {
    this.#file = file
    this.#nextPlace = nextPlace
  }

  /** @param found what `readMark` said */
  static async open(directory: string, found: FoundMark): Promise<TailMark> {
    let file: FileHandle | undefined
    try {
      file = await open(join(directory, MARK_FILE), constants.O_RDWR | constants.O_CREAT)
      // Of full length from the beginning, so that no write has to make it longer.
      if ((await file.stat()).size < PLACES * PLACE_BYTES) {
        await file.truncate(PLACES * PLACE_BYTES)
        await file.sync()
      }
      return new TailMark(file, found.nextPlace)
    } catch (error) {
      await file?.close()
      throw asStorageFailure(error, directory)
    }
  }

  /** What `mark` says is durable from now on; to be written at once, or after the pause since the last time. */
  note(mark: Mark): void {
    this.#noted = mark
    if (this.#timer !== undefined) return
    this.#write()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#noted !== undefined) this.note(this.#noted)
    }, PAUSE_MS).unref()
  }

  /** As `note`, but resolves when it is written. */
  async keep(mark: Mark): Promise<void> {
    this.#noted = mark
    this.#write()
    await this.#writing
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#write()
    await this.#writing
    await this.#file.close()
  }

  #write(): void {
    const mark = this.#noted
    this.#noted = undefined
    if (mark === undefined) return
    // One after the other; should one fail, the older note stays, which is no harm.
    this.#writing = this.#writing.then(() => this.#replace(mark)).catch(() => undefined)
  }

  async #replace(mark: Mark): Promise<void> {
    await this.#file.write(encodeMark(mark), 0, MARK_BYTES, this.#nextPlace * PLACE_BYTES)
    await this.#file.datasync()
    this.#nextPlace = (this.#nextPlace + 1) % PLACES
  }
}

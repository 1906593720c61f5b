/**
 * A peer's log as a row of LevelDBs, each of which begins where another was left: a segment. All is written to the last
 * one, which also has the record of epochs and the heads of all snapshots; so one atomic write can change everything,
 * and a segment that holds nothing that is needed goes as a whole. A segment's name says at which point of the log it
 * begins: what segments before it hold beyond that point was cut off, and is out of sight.
 */

import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../base/assert.ts'
import { TreeError } from '../base/errors.ts'
import { LOG_START, type LogPoint } from '../base/group.ts'
import type { Zxid } from '../base/zxid.ts'
import { type Identity, readIdentity, recordSegment } from './directory.ts'
import type { Database, Disk, Entry, Operation } from './disk.ts'
import { asStorageFailure, storageFailure } from './failures.ts'
import { type Key, logAfter } from './keys.ts'
import { LogRoom } from './log-room.ts'
import { type MakeDatabase, Part } from './part.ts'
import { syncDatabase } from './sync.ts'

interface Segment {
  readonly id: number
  /** The end of the log when it was begun. */
  readonly base: LogPoint
  readonly part: Part
}

/** A segment as far as it can be seen. */
interface Visible {
  readonly part: Part
  /** What follows this was cut off; undefined for the last one. */
  readonly end: Zxid | undefined
}

const NAME = /^log-(\d{8})-([0-9a-f]{14})-([0-9a-f]{8})$/

function nameOf(id: number, { zxid, chain }: LogPoint): string {
  const [count, first, sum] = [
    String(id).padStart(8, '0'),
    zxid.toString(16).padStart(14, '0'),
    chain.toString(16).padStart(8, '0'),
  ]
  return `log-${count}-${first}-${sum}`
}

function parseName(name: string): Omit<Segment, 'part'> | undefined {
  const [, id, zxid, chain] = NAME.exec(name) ?? []
  if (id === undefined || zxid === undefined || chain === undefined) return undefined
  const base = { zxid: Number.parseInt(zxid, 16) as Zxid, chain: Number.parseInt(chain, 16) }
  return { id: Number(id), base }
}

export class Segments {
  readonly #disk: Disk
  readonly #make: MakeDatabase
  readonly #identity: Identity
  #segments: readonly Segment[]
  /** Dropped, but perhaps still read. */
  readonly #leaving = new Set<Part>()
  #database: Database
  /** Behind the end of the last one's log; undefined when there can be none, or no write is any quicker for it. */
  readonly #room: LogRoom | undefined

  private constructor(
    disk: Disk,
    make: MakeDatabase,
    identity: Identity,
    segments: readonly Segment[],
    database: Database,
  ) {
    this.#disk = disk
    this.#make = make
    this.#identity = identity
    this.#segments = segments
    this.#database = database
    this.#room = disk.sync ? LogRoom.for(this.#last.part.directory) : undefined
  }

  /**
   * Those of a directory, or the first one of a directory that was never in use; `firstRecords` are what it begins
   * with. Whoever has the last segment open has the directory for itself.
   */
  static async open(
    disk: Disk,
    make: MakeDatabase,
    identity: Identity,
    firstRecords: readonly Operation[],
  ): Promise<Segments> {
    const found = await findSegments(disk, make, identity)
    const last = found.pop()
    const { segment, database } =
      last === undefined ? await openFirst(disk, make) : await openLast(last)
    const segments = new Segments(disk, make, identity, [...found, segment], database)
    try {
      await segments.#settle(identity, firstRecords)
    } catch (error) {
      await segments.close()
      throw error
    }
    return segments
  }

  /** Where everything is written to. */
  get database(): Database {
    return this.#database
  }

  /** Where the last segment begins. */
  get base(): LogPoint {
    return this.#last.base
  }

  /** One atomic write to the last segment. To be called within a turn of the disk. */
  write(operations: readonly Operation[]): Promise<void> {
    const room = this.#room
    const writes = (): Promise<void> => this.#disk.write(this.#database, operations)
    if (room === undefined || operations.length === 0 || room.take(operations)) return writes()
    return room.add().then(writes)
  }

  /**
   * Leaves the last segment for a new one that continues the log at `base`. `records` are all that the last one has
   * besides groups, and what is to be written with the same write. To be called within a turn of the disk.
   */
  async begin(base: LogPoint, records: readonly Operation[]): Promise<void> {
    const before = this.#last
    const segment = makeSegment(this.#disk, this.#make, before.id + 1, base, true)
    const { part } = segment
    try {
      const database = await part.acquireNow()
      await this.#disk.write(database, records)
      await syncDatabase(part.directory)
      // The end of the segment before must not be lost when this one, which comes after, is kept.
      if (!this.#disk.sync) await this.sync()
      await recordSegment(this.#disk.directory, this.#identity, segment.id)
      this.#segments = [...this.#segments, segment]
      this.#database = database
      this.#room?.moveTo(part.directory)
    } catch (error) {
      await part.close()
      throw error
    }
    // Nobody waits for this. Should it fail, the disk refuses the next call too, and that one is heard.
    before.part.release().catch(() => undefined)
  }

  /** Makes the last segment durable, so that there is little left to do when the next one is begun. */
  async sync(): Promise<void> {
    await syncDatabase(this.#last.part.directory)
  }

  /**
   * Records of groups after `zxid`, in order, a slice at a time.
   * @throws MalformedError when a segment cannot be opened.
   */
  async *scan(zxid: Zxid): AsyncGenerator<readonly Entry[]> {
    for (const { part, end } of this.#visibleAfter(zxid)) {
      const database = await part.acquire()
      try {
        yield* this.#disk.scan(database, logAfter(zxid, end))
      } finally {
        await part.release()
      }
    }
  }

  /** Keys of the groups after `zxid` in the last segment. */
  async keysAfter(zxid: Zxid): Promise<readonly Key[]> {
    const { part } = this.#last
    const database = await part.acquire('log')
    const keys: Key[] = []
    try {
      for await (const slice of this.#disk.keys(database, logAfter(zxid), 'log'))
        keys.push(...slice)
    } finally {
      await part.release()
    }
    return keys
  }

  /** Removes the segments that hold nothing of the log after `logStart`. */
  async drop(logStart: Zxid): Promise<void> {
    const needed = new Set(this.#visibleAfter(logStart).map(({ part }) => part))
    const dropped = this.#segments.filter(({ part }) => !needed.has(part))
    this.#segments = this.#segments.filter(({ part }) => needed.has(part))
    for (const { part } of dropped) this.#leaving.add(part)
    for (const part of this.#leaving) {
      await part.remove()
      if (part.isGone) this.#leaving.delete(part)
    }
  }

  async close(): Promise<void> {
    for (const { part } of this.#segments) await part.close()
    for (const part of this.#leaving) await part.close()
  }

  get #last(): Segment {
    const last = this.#segments.at(-1)
    assert(last !== undefined, 'a log has a segment')
    return last
  }

  /** From the one on that has what follows `zxid`; the last one is always among them. */
  #visibleAfter(zxid: Zxid): readonly Visible[] {
    const visible: Visible[] = []
    let end: Zxid | undefined
    for (const { part, base } of this.#segments.toReversed()) {
      if (end !== undefined && base.zxid >= end) continue
      visible.unshift({ part, end })
      if (base.zxid <= zxid) break
      end = base.zxid
    }
    return visible
  }

  /** The directory is ours now, unless another has used it meanwhile: clears away what was begun and never recorded. */
  async #settle(identity: Identity, firstRecords: readonly Operation[]): Promise<void> {
    const { directory } = this.#disk
    if ((await readIdentity(directory))?.segment !== identity.segment) {
      throw storageFailure('DIRECTORY_LOCKED', directory, 'another process has just used it')
    }
    const { id, part } = this.#last
    for (const name of await readdir(directory)) {
      const other = parseName(name)
      if (other !== undefined && other.id > id) {
        await rm(join(directory, name), { recursive: true, force: true })
      }
    }
    if (identity.segment > 0) return
    await this.write(firstRecords)
    await syncDatabase(part.directory)
    await recordSegment(directory, identity, id)
  }
}

function makeSegment(
  disk: Disk,
  make: MakeDatabase,
  id: number,
  base: LogPoint,
  isNew: boolean,
): Segment {
  const directory = join(disk.directory, nameOf(id, base))
  return { id, base, part: new Part(directory, disk, () => make(directory, 'segment'), isNew) }
}

interface OpenSegment {
  readonly segment: Segment
  readonly database: Database
}

async function openLast(segment: Segment): Promise<OpenSegment> {
  return { segment, database: await segment.part.acquireNow() }
}

/**
 * LevelDB does not sync all that a new database consists of: a power cut may leave one that cannot be opened. As long
 * as the directory was never in use, nothing in it is of value, and LevelDB is to begin anew.
 */
async function openFirst(disk: Disk, make: MakeDatabase): Promise<OpenSegment> {
  const first = makeSegment(disk, make, 1, LOG_START, true)
  try {
    return await openLast(first)
  } catch (error) {
    const failure = asStorageFailure(error, first.part.directory)
    if (!(failure instanceof TreeError) || failure.code !== 'DIRECTORY_DAMAGED') throw failure
    await rm(first.part.directory, { recursive: true, force: true })
    return openLast(makeSegment(disk, make, 1, LOG_START, true))
  }
}

/** Those that were in use, by ascending id. */
async function findSegments(
  disk: Disk,
  make: MakeDatabase,
  { segment }: Identity,
): Promise<Segment[]> {
  if (segment === 0) return []
  const found = (await readdir(disk.directory))
    .map(parseName)
    .filter(known => known !== undefined)
    .filter(({ id }) => id <= segment)
    .sort((one, other) => one.id - other.id)
  if (found.at(-1)?.id !== segment) {
    const what = `the last segment of the log, number ${segment}, is missing`
    throw storageFailure('DIRECTORY_DAMAGED', disk.directory, what)
  }
  return found.map(({ id, base }) => makeSegment(disk, make, id, base, false))
}

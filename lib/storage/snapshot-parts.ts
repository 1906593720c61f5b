/** The LevelDBs of snapshots in a peer's directory, one for each, by the snapshot's id; visible or not. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Disk } from './disk.ts'
import { type MakeDatabase, Part } from './part.ts'

const NAME = /^snapshot-(\d{8,})$/

export class SnapshotParts {
  readonly #disk: Disk
  readonly #make: MakeDatabase
  readonly #parts = new Map<number, Part>()

  private constructor(disk: Disk, make: MakeDatabase) {
    this.#disk = disk
    this.#make = make
  }

  static async find(disk: Disk, make: MakeDatabase): Promise<SnapshotParts> {
    const parts = new SnapshotParts(disk, make)
    for (const name of await readdir(disk.directory)) {
      const [, id] = NAME.exec(name) ?? []
      if (id !== undefined) parts.#add(Number(id), false)
    }
    return parts
  }

  get ids(): readonly number[] {
    return [...this.#parts.keys()]
  }

  /** Undefined when there is no such directory. */
  get(id: number): Part | undefined {
    return this.#parts.get(id)
  }

  make(id: number): Part {
    return this.#add(id, true)
  }

  /** What is still read goes when it was read; until then it is known here, so that it is closed in the end. */
  async remove(id: number): Promise<void> {
    const part = this.#parts.get(id)
    await part?.remove()
    if (part?.isGone) this.#parts.delete(id)
  }

  async close(): Promise<void> {
    for (const part of this.#parts.values()) await part.close()
  }

  #add(id: number, isNew: boolean): Part {
    const directory = join(this.#disk.directory, `snapshot-${String(id).padStart(8, '0')}`)
    const part = new Part(directory, this.#disk, () => this.#make(directory, 'snapshot'), isNew)
    this.#parts.set(id, part)
    return part
  }
}

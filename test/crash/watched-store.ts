/** A store with failpoints around what is more than one write, and a note of whose chunks are being written. */

import type { Group, LogPoint } from '../../lib/base/group.ts'
import type {
  ChainSize,
  ImageSink,
  Recovered,
  SnapshotKind,
  SnapshotReader,
  Store,
} from '../../lib/storage/store.ts'
import type { Persist, SnapshotHead } from '../../lib/zab/types.ts'
import type { Failpoints } from './failpoints.ts'
import type { Surroundings } from './watched-database.ts'

export class WatchedStore implements Store {
  readonly #inner: Store
  readonly #surroundings: Surroundings
  readonly #failpoints: Failpoints

  constructor(inner: Store, surroundings: Surroundings, failpoints: Failpoints) {
    this.#inner = inner
    this.#surroundings = surroundings
    this.#failpoints = failpoints
  }

  async recover(image: ImageSink): Promise<Recovered> {
    const recovered = await this.#failpoints.around('recover', () => this.#inner.recover(image))
    this.#surroundings.recovered = true
    return recovered
  }

  async write(batch: Persist): Promise<void> {
    await this.#inner.write(batch)
    // No own snapshot begins before the leader's is durable.
    if (batch.install !== undefined) this.#surroundings.staging = false
  }

  stage(chunk: Uint8Array): Promise<void> {
    this.#surroundings.staging = true
    return this.#inner.stage(chunk)
  }

  abortStaging(): void {
    this.#surroundings.staging = false
    this.#inner.abortStaging()
  }

  beginSnapshot(head: SnapshotHead, kind: SnapshotKind): void {
    this.#failpoints.aroundNow('own begin', () => this.#inner.beginSnapshot(head, kind))
  }

  loadGroups(after: LogPoint, maxBytes: number): Promise<readonly Group[] | undefined> {
    return this.#inner.loadGroups(after, maxBytes)
  }

  openSnapshot(): Promise<SnapshotReader | undefined> {
    return this.#inner.openSnapshot()
  }

  newestChain(): ChainSize | undefined {
    return this.#inner.newestChain()
  }

  appendSnapshot(chunk: Uint8Array): Promise<void> {
    return this.#inner.appendSnapshot(chunk)
  }

  commitSnapshot(): Promise<LogPoint> {
    return this.#inner.commitSnapshot()
  }

  abortSnapshot(): void {
    this.#inner.abortSnapshot()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}

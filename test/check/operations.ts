/**
 * Chance decides what a session asks next: all operations of the API, on few paths, so that requests meet. Each datum
 * is unique, so that a read tells which write it shows. Trees below the root are several, since they can be checked
 * apart.
 */

import { PERMISSIONS } from '../../lib/index.ts'
import type { Prng } from '../support/prng.ts'
import type { Operation, Result } from './history.ts'

const NODES = ['', '/a', '/a/x', '/a/x/deep', '/b', '/counter', '/e', '/e/1', '/shut', '/shut/in']
const PREFIXES = ['/q/n-', '/q/', '/a/s-', '/e/s-', '/made/above/t-']
const PARENTS = ['', '/a', '/a/x', '/q', '/e']
const RESTRICTED = [
  PERMISSIONS.READ,
  PERMISSIONS.ALL & ~PERMISSIONS.READ,
  PERMISSIONS.ALL & ~PERMISSIONS.WRITE,
  PERMISSIONS.ALL & ~PERMISSIONS.CREATE,
  PERMISSIONS.ALL & ~PERMISSIONS.DELETE,
]
const KNOWN_MAX = 12

export class Operations {
  readonly #prng: Prng
  readonly #base: string
  readonly #trees: number
  /** Begins all data this session writes. */
  readonly #tag: string
  /** Versions last seen, for conditional changes. */
  readonly #versions = new Map<string, number>()
  /** Paths of nodes it made under names it did not choose. */
  readonly #known: string[] = []
  #written = 0

  constructor(prng: Prng, base: string, trees: number, tag: string) {
    this.#prng = prng
    this.#base = base
    this.#trees = trees
    this.#tag = tag
  }

  next(): Operation {
    const prng = this.#prng
    const path = prng.chance(0.2) && this.#known.length > 0 ? prng.pick(this.#known) : this.#path()
    const kind = prng.unit()
    if (kind < 0.24) return this.#create(path)
    if (kind < 0.4) return { kind: 'set', path, data: this.#data(), version: this.#version(path) }
    if (kind < 0.5) return { kind: 'delete', path, version: this.#version(path) }
    if (kind < 0.57) return { kind: 'sync' }
    const watch = prng.chance(0.4)
    if (kind < 0.75) return { kind: 'get', path, watch }
    if (kind < 0.87) return { kind: 'exists', path, watch }
    return { kind: 'children', path: this.#tree() + prng.pick(PARENTS), watch }
  }

  /** What became of an operation: later ones are made from it. */
  learn(operation: Operation, { path, stat }: Result): void {
    if (!('path' in operation)) return
    if (stat !== undefined) this.#versions.set(path ?? operation.path, stat.version)
    if (path === undefined || path === operation.path) return
    this.#known.push(path)
    if (this.#known.length > KNOWN_MAX) this.#known.shift()
  }

  /** Reads everything that the workload may have left, level by level; `children` are those of each path. */
  *audit(children: ReadonlyMap<string, readonly string[]>): Generator<Operation> {
    for (let tree = 0; tree < this.#trees; tree++) {
      const paths = [`${this.#base}-${tree}`]
      // Grows while it is walked.
      for (const path of paths) {
        yield { kind: 'get', path }
        yield { kind: 'children', path }
        for (const name of children.get(path) ?? []) paths.push(`${path}/${name}`)
      }
    }
  }

  #create(path: string): Operation {
    const prng = this.#prng
    const sequential = prng.chance(0.3)
    const closed = prng.chance(0.1)
    return {
      kind: 'create',
      path: sequential
        ? this.#tree() + prng.pick(PREFIXES)
        : closed
          ? `${this.#tree()}/shut`
          : path,
      data: this.#data(),
      ephemeral: prng.chance(0.3),
      sequential,
      parents: prng.chance(0.6),
      ...(closed ? { permissions: prng.pick(RESTRICTED) } : {}),
    }
  }

  #tree(): string {
    return `${this.#base}-${this.#prng.between(0, this.#trees - 1)}`
  }

  #path(): string {
    return this.#tree() + this.#prng.pick(NODES)
  }

  #data(): string {
    return `${this.#tag}:${++this.#written}`
  }

  #version(path: string): number {
    const prng = this.#prng
    return prng.chance(0.5) ? -1 : (this.#versions.get(path) ?? prng.between(0, 2))
  }
}

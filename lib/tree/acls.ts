/**
 * The ACLs of a tree, each kept once and known by a number. Nearly all nodes have the open one, whose number is 0. The
 * others are counted, and go with the last node that has them.
 */

import { type Acl, OPEN_ACL } from '../base/acl.ts'
import { hashAcl } from './digest.ts'

const OPEN = 0

interface Entry {
  readonly acl: Acl
  readonly hash: number
  readonly key: string
  nodes: number
}

function keyOf(acl: Acl): string {
  return JSON.stringify(acl.map(({ permissions, scheme, id }) => [permissions, scheme, id]))
}

function entryOf(acl: Acl, key: string): Entry {
  return { acl, hash: hashAcl(acl), key, nodes: 0 }
}

export class Acls {
  readonly #entries: Entry[] = [entryOf(OPEN_ACL, keyOf(OPEN_ACL))]
  readonly #byKey = new Map([[keyOf(OPEN_ACL), OPEN]])
  readonly #spare: number[] = []

  acl(number: number): Acl {
    return number === OPEN ? OPEN_ACL : this.#entries[number]!.acl
  }

  hash(number: number): number {
    return this.#entries[number]!.hash
  }

  /** The number of the ACL of one node more. */
  take(acl: Acl): number {
    if (acl === OPEN_ACL) return OPEN
    const key = keyOf(acl)
    const number = this.#byKey.get(key) ?? this.#add(acl, key)
    this.#entries[number]!.nodes++
    return number
  }

  /** One node less has it. */
  give(number: number): void {
    if (number === OPEN) return
    const entry = this.#entries[number]!
    if (--entry.nodes > 0) return
    this.#byKey.delete(entry.key)
    this.#spare.push(number)
  }

  #add(acl: Acl, key: string): number {
    const number = this.#spare.pop() ?? this.#entries.length
    this.#entries[number] = entryOf(acl, key)
    this.#byKey.set(key, number)
    return number
  }
}

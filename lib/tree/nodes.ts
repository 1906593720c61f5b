/**
 * All znodes of a tree. A node is a row of numbers (`Rows`) and a block of bytes (`Blocks`): its path, and behind that
 * its data. It is known by its slot, the number of its row, until it is removed; then another node may get the slot.
 * Children are linked to their parent and to each other, so that adding and removing one is the same work however
 * many there are.
 *
 * What a node is to others is a `Znode`; this file keeps the nodes, and the tree says what becomes of them.
 */

import type { Acl } from '../base/acl.ts'
import { assert } from '../base/assert.ts'
import { ROOT, type ZPath } from '../base/path.ts'
import { Acls } from './acls.ts'
import { Blocks } from './blocks.ts'
import { hashData } from './digest.ts'
import { GONE } from './ledger.ts'
import { PackedPath, packedBytes, unpackPath } from './packed-path.ts'
import { PathIndex } from './path-index.ts'
import { RecentZnodes } from './recent-znodes.ts'
import {
  ACL,
  CHILD_COUNT,
  DATA_HASH,
  DATA_LENGTH,
  FIRST_CHILD,
  MARK,
  NEXT_SIBLING,
  NONE,
  OFFSET,
  PARENT,
  PATH_HASH,
  PATH_LENGTH,
  PREVIOUS_SIBLING,
  Rows,
  SLAB,
  wordsAt,
} from './rows.ts'
import { MutableZnode } from './znode.ts'

export class Nodes {
  readonly rows = new Rows()
  readonly acls = new Acls()
  readonly #blocks = new Blocks()
  readonly #index = new PathIndex()
  readonly #recent = new RecentZnodes()
  readonly #sought = new PackedPath()
  /** Of no meaning: keeps reads that are there for their effect on memory. */
  #fetched = 0

  get size(): number {
    return this.#index.size
  }

  /** Bytes of all paths and data, rounded up as blocks are. */
  get usedBytes(): number {
    return this.#blocks.usedBytes
  }

  /** The slot of the node at the path, or `NONE`. */
  find(path: PackedPath): number {
    const { hash } = path
    const table = this.#index.tableOf(hash)
    for (let at = table.first(hash); at >= 0; at = table.next(hash, at)) {
      const slot = table.slotAt(at)
      if (this.#isThere(slot, table.slabAt(at), table.offsetAt(at), path)) return slot
    }
    return NONE
  }

  /** Whether it is the node at the path. */
  isAt(slot: number, path: PackedPath): boolean {
    return this.#isThere(slot, this.#slab(slot), this.#offset(slot), path)
  }

  node(path: ZPath): MutableZnode | undefined {
    const recent = this.#recent.at(path)
    if (recent !== undefined) return recent
    const slot = this.find(this.#sought.set(path))
    if (slot === NONE) return undefined
    const node = new MutableZnode(this, slot, path)
    this.#recent.found(node)
    return node
  }

  /** A node that is not there yet, and nobody's child: all its numbers but those of path, data and ACL are 0. */
  add(path: PackedPath, data: Uint8Array, acl: Acl): number {
    const { rows } = this
    const { hash, packedLength } = path
    const slot = rows.take()
    rows.setWord(slot, PATH_HASH, hash)
    rows.setWord(slot, PATH_LENGTH, packedLength)
    rows.setWord(slot, ACL, this.acls.take(acl))
    this.#takeBlock(slot, packedBytes(packedLength) + data.length)
    path.copyTo(this.#blocks.words(this.#slab(slot)), this.#offset(slot))
    this.#writeData(slot, data)
    this.#index.add(hash, slot, this.#slab(slot), this.#offset(slot))
    return slot
  }

  /** Removes a node without children that is nobody's child any more. */
  remove(slot: number, path: ZPath): void {
    const { rows } = this
    assert(rows.word(slot, FIRST_CHILD) === NONE, 'a node that is removed has no children')
    this.#recent.forget(path)
    this.#index.remove(rows.word(slot, PATH_HASH), slot)
    this.#blocks.give(this.#slab(slot), this.#offset(slot))
    this.acls.give(rows.word(slot, ACL))
    rows.setWord(slot, MARK, GONE)
    rows.give(slot)
  }

  /** All nodes, and what is gone, as its mark says. What is added meanwhile may be among them or not. */
  *slots(): Generator<number> {
    for (let slot = NONE + 1; slot < this.rows.end; slot++) yield slot
  }

  linkChild(parent: number, child: number): void {
    const { rows } = this
    const next = rows.word(parent, FIRST_CHILD)
    if (next !== NONE) rows.setWord(next, PREVIOUS_SIBLING, child)
    rows.setWord(child, NEXT_SIBLING, next)
    rows.setWord(child, PARENT, parent)
    rows.setWord(parent, FIRST_CHILD, child)
    rows.setWord(parent, CHILD_COUNT, rows.word(parent, CHILD_COUNT) + 1)
  }

  unlinkChild(parent: number, child: number): void {
    const { rows } = this
    assert(rows.word(child, PARENT) === parent, 'a child is linked to its parent')
    const next = rows.word(child, NEXT_SIBLING)
    const previous = rows.word(child, PREVIOUS_SIBLING)
    if (next !== NONE) rows.setWord(next, PREVIOUS_SIBLING, previous)
    if (previous === NONE) rows.setWord(parent, FIRST_CHILD, next)
    else rows.setWord(previous, NEXT_SIBLING, next)
    rows.setWord(child, PARENT, NONE)
    rows.setWord(parent, CHILD_COUNT, rows.word(parent, CHILD_COUNT) - 1)
  }

  childNames(slot: number): string[] {
    const { rows } = this
    const names: string[] = []
    const units = rows.word(slot, PATH_LENGTH) >>> 1
    // Below the root a "/" stands between the parent's path and the name; the root's path ends with one.
    const nameFrom = units === ROOT.length ? units : units + 1
    for (let child = rows.word(slot, FIRST_CHILD); child !== NONE; ) {
      names.push(this.#unpackPath(child, nameFrom))
      child = rows.word(child, NEXT_SIBLING)
    }
    return names
  }

  path(slot: number): ZPath {
    return this.#unpackPath(slot, 0) as ZPath
  }

  /** The data, which is written over when it changes. */
  data(slot: number): Uint8Array {
    const words = this.rows.words(slot)
    const row = wordsAt(slot)
    const at = this.#offset(slot) + packedBytes(words[row + PATH_LENGTH]!)
    return new Uint8Array(this.#blocks.buffer(this.#slab(slot)), at, words[row + DATA_LENGTH]!)
  }

  setData(slot: number, data: Uint8Array): void {
    if (data.length !== this.rows.word(slot, DATA_LENGTH)) this.#makeRoom(slot, data.length)
    this.#writeData(slot, data)
  }

  setAcl(slot: number, acl: Acl): void {
    this.acls.give(this.rows.word(slot, ACL))
    this.rows.setWord(slot, ACL, this.acls.take(acl))
  }

  #unpackPath(slot: number, fromUnit: number): string {
    const packedLength = this.rows.word(slot, PATH_LENGTH)
    return unpackPath(this.#bytes(slot), this.#offset(slot), packedLength, fromUnit)
  }

  /** Whether a node with its block there is the node at the path. */
  #isThere(slot: number, slab: number, offset: number, path: PackedPath): boolean {
    const numbers = this.rows.words(slot)
    const row = wordsAt(slot)
    const blocks = this.#blocks
    const words = blocks.words(slab)
    // A prefetch: who asks for a node reads all of it. The processor does not look beyond the path while that is
    // compared, though memory brings several lines at once, so row and end of the block are asked for before.
    this.#fetched ^= numbers[row]! ^ words[blocks.lastWordAt(slab, offset)]!
    return path.equals(words, blocks.bytes(slab), offset, numbers[row + PATH_LENGTH]!)
  }

  #slab(slot: number): number {
    return this.rows.word(slot, SLAB)
  }

  #offset(slot: number): number {
    return this.rows.word(slot, OFFSET)
  }

  /** The slab with the node's block. */
  #bytes(slot: number): Buffer {
    return this.#blocks.bytes(this.#slab(slot))
  }

  #writeData(slot: number, data: Uint8Array): void {
    const words = this.rows.words(slot)
    const row = wordsAt(slot)
    const at = this.#offset(slot) + packedBytes(words[row + PATH_LENGTH]!)
    if (data.length > 0) this.#bytes(slot).set(data, at)
    words[row + DATA_LENGTH] = data.length
    words[row + DATA_HASH] = hashData(data)
  }

  #takeBlock(slot: number, bytes: number): void {
    const slab = this.#blocks.slabFor(bytes)
    this.rows.setWord(slot, SLAB, slab)
    this.rows.setWord(slot, OFFSET, this.#blocks.take(slab))
  }

  /** Moves the path to where there is room for data of another length behind it, unless there is. */
  #makeRoom(slot: number, dataLength: number): void {
    const slab = this.#slab(slot)
    const offset = this.#offset(slot)
    const pathBytes = packedBytes(this.rows.word(slot, PATH_LENGTH))
    if (this.#blocks.fits(slab, pathBytes + dataLength)) return
    this.#takeBlock(slot, pathBytes + dataLength)
    this.#blocks.bytes(slab).copy(this.#bytes(slot), this.#offset(slot), offset, offset + pathBytes)
    this.#blocks.give(slab, offset)
    const hash = this.rows.word(slot, PATH_HASH)
    this.#index.move(hash, slot, this.#slab(slot), this.#offset(slot))
  }
}

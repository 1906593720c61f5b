import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Acl, OPEN_ACL } from '../../lib/base/acl.ts'
import { childOf, nameOf, parentOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import { hashAcl, hashData, hashPath } from '../../lib/tree/digest.ts'
import { Nodes } from '../../lib/tree/nodes.ts'
import { PackedPath } from '../../lib/tree/packed-path.ts'
import { NONE } from '../../lib/tree/rows.ts'
import type { MutableZnode } from '../../lib/tree/znode.ts'

const NAMES = ['a', 'b', 'ü', '名', 'a-name-that-is-longer-than-what-a-loop-is-used-for', '0']
const ACLS: readonly Acl[] = [
  OPEN_ACL,
  OPEN_ACL.map(entry => ({ ...entry })),
  [{ permissions: 1, scheme: 'world', id: 'anyone' }],
  [{ permissions: 3, scheme: 'world', id: 'anyone' }],
]

const packed = (path: ZPath): PackedPath => new PackedPath().set(path)

interface ModelNode {
  data: Uint8Array
  readonly acl: Acl
  version: number
}

/** Nodes, and what they have to be as a plain map. */
class Pair {
  readonly nodes = new Nodes()
  readonly model = new Map<ZPath, ModelNode>()

  constructor() {
    this.add(ROOT, new Uint8Array(0), OPEN_ACL)
  }

  add(path: ZPath, data: Uint8Array, acl: Acl): void {
    const { nodes } = this
    const slot = nodes.add(packed(path), data, acl)
    if (path !== ROOT) nodes.linkChild(nodes.find(packed(parentOf(path))), slot)
    this.model.set(path, { data, acl, version: 0 })
  }

  node(path: ZPath): MutableZnode {
    const node = this.nodes.node(path)
    assert.ok(node !== undefined, `${path} is there`)
    return node
  }

  set(path: ZPath, data: Uint8Array): void {
    const node = this.node(path)
    node.setData(data)
    node.version++
    const expected = this.model.get(path)!
    expected.data = data
    expected.version++
  }

  remove(path: ZPath): void {
    const { nodes } = this
    const slot = nodes.find(packed(path))
    nodes.unlinkChild(nodes.find(packed(parentOf(path))), slot)
    nodes.remove(slot, path)
    this.model.delete(path)
  }

  childNames(path: ZPath): string[] {
    const paths = [...this.model.keys()].filter(at => at !== ROOT && parentOf(at) === path)
    return paths.map(nameOf).sort()
  }

  check(): void {
    const { nodes, model } = this
    assert.equal(nodes.size, model.size)
    for (const [path, { data, acl, version }] of model) {
      const node = this.node(path)
      assert.equal(nodes.path(node.slot), path)
      assert.deepEqual(node.data, new Uint8Array(data))
      assert.equal(node.dataLength, data.length)
      assert.equal(node.dataHash, hashData(data))
      assert.deepEqual(node.acl, acl)
      assert.equal(node.aclHash, hashAcl(acl))
      assert.equal(node.version, version)
      const names = this.childNames(path)
      assert.deepEqual(node.childNames().sort(), names)
      assert.equal(node.numChildren, names.length)
    }
  }
}

describe('nodes', () => {
  const act = fc.record({
    kind: fc.nat({ max: 5 }),
    which: fc.nat({ max: 250 }),
    how: fc.nat({ max: 250 }),
    bytes: fc.oneof(fc.nat({ max: 90 }), fc.nat({ max: 9000 })),
  })

  it('are what a plain map would hold, whatever is done to them', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 80 }), acts => {
        const pair = new Pair()
        const gone = new Set<ZPath>()
        for (const { kind, which, how, bytes } of acts) {
          const paths = [...pair.model.keys()]
          const path = paths[which % paths.length]!
          const data = new Uint8Array(bytes).fill(how)
          const child = childOf(path, NAMES[how % NAMES.length]!)
          const isLeaf = path !== ROOT && pair.childNames(path).length === 0
          if (kind < 3 && !pair.model.has(child)) {
            pair.add(child, data, ACLS[how % ACLS.length]!)
            gone.delete(child)
          } else if (kind === 3 && isLeaf) {
            pair.remove(path)
            gone.add(path)
          } else pair.set(path, data)
          for (const missing of gone) assert.equal(pair.nodes.node(missing), undefined)
        }
        pair.check()
      }),
    )
  })

  it('take the slots of those that went', () => {
    const pair = new Pair()
    const path = (at: number): ZPath => childOf(ROOT, `n-${at}`)
    const data = new Uint8Array(100)
    for (let at = 0; at < 3000; at++) pair.add(path(at), data, OPEN_ACL)
    const { end } = pair.nodes.rows
    for (let at = 0; at < 3000; at += 3) pair.remove(path(at))
    for (let at = 3000; at < 4000; at++) pair.add(path(at), data, OPEN_ACL)
    assert.equal(pair.nodes.rows.end, end)
    const names = [...pair.model.keys()].filter(at => at !== ROOT).map(nameOf)
    assert.deepEqual(pair.nodes.node(ROOT)!.childNames().sort(), names.sort())
  })

  it('are not found any more once they went, nor taken for what has their slot', () => {
    const pair = new Pair()
    const path = '/member' as ZPath
    pair.add(path, Uint8Array.of(1), OPEN_ACL)
    // What is asked for again is kept at hand.
    for (let times = 0; times < 3; times++) assert.equal(pair.node(path).data[0], 1)
    pair.remove(path)
    pair.add('/another' as ZPath, Uint8Array.of(2), OPEN_ACL)
    assert.equal(pair.nodes.node(path), undefined)
    pair.add(path, Uint8Array.of(3), OPEN_ACL)
    assert.equal(pair.node(path).data[0], 3)
    pair.check()
  })

  it('are not taken for one that went, though a path much like its own came between', () => {
    const pair = new Pair()
    const path = '/members/1-of' as ZPath
    const like = '/members/2-of' as ZPath
    for (const each of [path, like]) pair.add(each, Uint8Array.of(1), OPEN_ACL)
    const ask = (each: ZPath) => pair.nodes.node(each)!.data[0]
    for (const each of [path, path, like]) assert.equal(ask(each), 1)
    pair.remove(path)
    pair.add('/another' as ZPath, Uint8Array.of(2), OPEN_ACL)
    pair.add(path, Uint8Array.of(3), OPEN_ACL)
    for (let times = 0; times < 3; times++) assert.equal(ask(path), 3)
    for (let times = 0; times < 3; times++) assert.equal(ask(like), 1)
    pair.check()
  })

  it('are told apart when their paths have the same hash', () => {
    const nodes = new Nodes()
    const paths = ['/n-1868813', '/n-5254808', '/n-7871683'] as ZPath[]
    assert.equal(new Set(paths.map(hashPath)).size, 1)
    const slots = paths.map(path => nodes.add(packed(path), new Uint8Array(0), OPEN_ACL))
    const find = () => paths.map(path => nodes.find(packed(path)))
    assert.deepEqual(find(), slots)
    nodes.remove(slots[0]!, paths[0]!)
    assert.deepEqual(find(), [NONE, slots[1], slots[2]])
  })

  it('are found after many that no look helped to find, and not once they went', () => {
    const pair = new Pair()
    const others = Array.from({ length: 200 }, (_, at) => childOf(ROOT, `other-${at}`))
    for (const path of others) pair.add(path, Uint8Array.of(0), OPEN_ACL)
    const path = '/member' as ZPath
    pair.add(path, Uint8Array.of(1), OPEN_ACL)
    const ask = (each: ZPath) => pair.nodes.node(each)?.data[0]
    for (let times = 0; times < 3; times++) assert.equal(ask(path), 1)
    for (const other of others) assert.equal(ask(other), 0)
    pair.remove(path)
    pair.add('/another' as ZPath, Uint8Array.of(2), OPEN_ACL)
    for (let times = 0; times < 100; times++) assert.equal(ask(path), undefined)
    pair.add(path, Uint8Array.of(3), OPEN_ACL)
    for (let times = 0; times < 100; times++) assert.equal(ask(path), 3)
  })

  it('keep to their blocks, however long their data becomes', () => {
    const pair = new Pair()
    const paths = ['/a', '/b', '/c'] as ZPath[]
    for (const path of paths) pair.add(path, new Uint8Array(0), OPEN_ACL)
    for (let bytes = 0; bytes < 300; bytes++) {
      for (const path of paths) pair.set(path, new Uint8Array(bytes).fill(bytes))
      pair.check()
    }
  })

  it('are linked as long as they are there, in whatever order they go', () => {
    const names = ['a', 'b', 'c', 'd']
    const orders = names.flatMap(first => {
      const others = names.filter(name => name !== first)
      return others.map(second => [first, second, ...others.filter(name => name !== second)])
    })
    for (const order of orders) {
      const pair = new Pair()
      for (const name of names) pair.add(childOf(ROOT, name), new Uint8Array(0), OPEN_ACL)
      for (const name of order) {
        pair.remove(childOf(ROOT, name))
        pair.check()
      }
    }
  })

  it('write data over what was there while it fits the same block', () => {
    const pair = new Pair()
    const path = '/a' as ZPath
    pair.add(path, new Uint8Array(100).fill(1), OPEN_ACL)
    const before = pair.node(path).data
    pair.set(path, new Uint8Array(99).fill(2))
    assert.deepEqual(before.subarray(0, 99), new Uint8Array(99).fill(2))
    pair.set(path, new Uint8Array(1000).fill(3))
    assert.deepEqual(before.subarray(8, 99), new Uint8Array(91).fill(2))
    pair.check()
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { OPEN_ACL } from '../../lib/base/acl.ts'
import { InvariantError } from '../../lib/base/assert.ts'
import { ByteReader, ByteWriter, MalformedError } from '../../lib/base/bytes.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { ImageHead } from '../../lib/tree/image.ts'
import { readFacts, readRecord } from '../../lib/tree/image-codec.ts'
import { TreeLoader } from '../../lib/tree/loader.ts'
import { Nodes } from '../../lib/tree/nodes.ts'
import { PackedPath } from '../../lib/tree/packed-path.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import { MutableZnode } from '../../lib/tree/znode.ts'
import { stringOf } from '../support/ascii-text.ts'
import { describeTree, type TreeDescription } from './describe-tree.ts'
import { Driver, type Step } from './model.ts'
import { type Draw, draw, runDraw } from './random-steps.ts'

interface Image {
  readonly head: ImageHead
  readonly chunks: readonly Uint8Array[]
}

function drain(tree: Tree, maxBytes = 64): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let chunk = tree.nextImageChunk(maxBytes); chunk !== undefined; ) {
    chunks.push(chunk)
    chunk = tree.nextImageChunk(maxBytes)
  }
  return chunks
}

function take(tree: Tree, kind: ImageHead['kind']): Image {
  const head = tree.beginImage(kind)
  return { head, chunks: drain(tree) }
}

function load(images: readonly Image[]): Tree {
  const loader = new TreeLoader()
  for (const chunk of images.flatMap(image => image.chunks)) loader.load(chunk)
  const { zxid, digest } = images.at(-1)!.head
  return loader.finish(zxid, digest)
}

function replay(tree: Tree, log: readonly Step[]): void {
  for (const { txn, zxid, time } of log) {
    if (zxid > tree.zxid) tree.apply(txn, zxid, time)
  }
}

function bytesOf(image: Image): number {
  return image.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** The paths of the nodes in an image, in the order of their records. */
function pathsIn(chunks: readonly Uint8Array[]): ZPath[] {
  const paths: ZPath[] = []
  const nodes = new Nodes()
  const path = '/' as ZPath
  const packed = new PackedPath().set(path)
  const scratch = new MutableZnode(nodes, nodes.add(packed, new Uint8Array(0), OPEN_ACL), path)
  for (const from of chunks.map(chunk => new ByteReader(chunk))) {
    while (!from.done) {
      const record = readRecord(from)
      if (record.kind !== 'node') continue
      paths.push(stringOf(record.path) as ZPath)
      readFacts(from, scratch)
    }
  }
  return paths
}

/** Takes one image after the other while the tree goes on, and checks each against the state at its cut. */
class Photographer {
  readonly #driver: Driver
  /** A full image and its deltas, as far as they are complete. */
  kept: Image[] = []
  #underWay: { head: ImageHead; chunks: Uint8Array[]; expected: TreeDescription } | undefined

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /** Does the next thing: begins an image, takes a chunk of it, or now and then gives it up. */
  act(whim: number): void {
    const { tree } = this.#driver
    if (this.#underWay === undefined) {
      const kind = tree.needsFullImage || whim % 7 === 0 ? 'full' : 'delta'
      const expected = describeTree(tree)
      this.#underWay = { head: tree.beginImage(kind), chunks: [], expected }
    } else if (whim % 29 === 0) {
      tree.abandonImage()
      this.#underWay = undefined
    } else {
      this.#advance(whim)
    }
  }

  #advance(whim: number): void {
    const { head, chunks, expected } = this.#underWay!
    const chunk = this.#driver.tree.nextImageChunk(1 + whim)
    if (chunk !== undefined) {
      chunks.push(chunk)
      return
    }
    this.kept = head.kind === 'full' ? [{ head, chunks }] : [...this.kept, { head, chunks }]
    this.#underWay = undefined
    assert.deepEqual(describeTree(load(this.kept)), expected)
  }
}

const act = fc.record({ step: draw, photographs: fc.nat({ max: 3 }), whim: fc.nat({ max: 200 }) })

describe('images', () => {
  it('show the tree as it was at the cut, whatever is applied meanwhile', () => {
    let deltas = 0
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120 }), acts => {
        const driver = new Driver()
        const photographer = new Photographer(driver)
        for (const { step, photographs, whim } of acts) {
          runDraw(driver, step)
          for (let i = 0; i < photographs; i++) photographer.act(whim + i)
        }
        deltas += Math.max(0, photographer.kept.length - 1)
        if (photographer.kept.length === 0) return
        const loaded = load(photographer.kept)
        replay(loaded, driver.log)
        assert.deepEqual(describeTree(loaded), describeTree(driver.tree))
      }),
      { numRuns: 300 },
    )
    assert.ok(deltas > 100, 'the test has seen deltas')
  })

  it('are about as large as the tree says, as it grows and as it shrinks', () => {
    const driver = new Driver()
    const check = (): void => {
      const bytes = bytesOf(take(driver.tree, 'full'))
      const said = driver.tree.imageBytes
      assert.ok(Math.abs(said / bytes - 1) < 0.1, `${said} bytes, ${bytes} in fact`)
    }
    const paths = Array.from({ length: 2000 }, (_, at) => `/node-${at}` as ZPath)
    for (const [at, path] of paths.entries()) driver.create(path, 'x'.repeat(at % 300))
    check()
    for (const path of paths.slice(50)) driver.run({ type: 'delete', path })
    check()
  })

  it('go on with deltas after a load', () => {
    const history = fc.array(draw, { maxLength: 40 })
    fc.assert(
      fc.property(history, history, (first: Draw[], second: Draw[]) => {
        const driver = new Driver()
        for (const one of first) runDraw(driver, one)
        const full = take(driver.tree, 'full')
        const loaded = load([full])
        assert.equal(loaded.needsFullImage, false)
        for (const one of second) runDraw(driver, one)
        replay(loaded, driver.log)
        const again = load([full, take(loaded, 'delta')])
        assert.deepEqual(describeTree(again), describeTree(driver.tree))
      }),
    )
  })

  it('cost what changed since the one before', () => {
    const driver = new Driver()
    for (let i = 0; i < 500; i++) driver.create(`/node-${i}`, 'some data')
    const full = take(driver.tree, 'full')
    assert.equal(bytesOf(take(driver.tree, 'delta')), 0)
    driver.run({ type: 'set', path: '/node-7' as ZPath, data: Buffer.from('new'), version: 1 })
    driver.create('/short-lived')
    driver.run({ type: 'delete', path: '/short-lived' as ZPath })
    const delta = take(driver.tree, 'delta')
    const root = 100
    const node = 100
    assert.ok(bytesOf(delta) <= root + node, `${bytesOf(delta)} bytes of delta`)
    assert.ok(bytesOf(full) > 500 * 40)
    const loaded = load([full, delta])
    assert.deepEqual(describeTree(loaded), describeTree(driver.tree))
  })

  it('show what was made anew before the cut and changed after it', () => {
    const driver = new Driver()
    driver.create('/a', 'first')
    const full = take(driver.tree, 'full')
    driver.run({ type: 'delete', path: '/a' as ZPath })
    driver.create('/a', 'second')
    const head = driver.tree.beginImage('delta')
    const expected = describeTree(driver.tree)
    driver.run({ type: 'set', path: '/a' as ZPath, data: Buffer.from('third'), version: 1 })
    const delta = { head, chunks: drain(driver.tree) }
    assert.deepEqual(describeTree(load([full, delta])), expected)
  })

  it('may hold a child before its parent, and an ephemeral node before its session', () => {
    const driver = new Driver()
    const id = driver.open()
    driver.create('/p')
    driver.create('/p/e', 'old', id)
    const head = driver.tree.beginImage('full')
    const expected = describeTree(driver.tree)
    driver.run({ type: 'set', path: '/p/e' as ZPath, data: Buffer.from('new'), version: 1 })
    const chunks = drain(driver.tree)
    const loader = new TreeLoader()
    loader.load(chunks[0]!)
    assert.throws(() => loader.finish(head.zxid, head.digest), MalformedError)
    assert.deepEqual(describeTree(load([{ head, chunks }])), expected)
  })

  it('hold what a node was whose slot another took while they were written, and that once', () => {
    const driver = new Driver()
    for (let i = 0; i < 50; i++) driver.create(`/old-${i}`, 'as it was')
    for (const kind of ['full', 'delta'] as const) {
      const before = driver.tree.nodeCount
      const head = driver.tree.beginImage(kind)
      const chunks = [driver.tree.nextImageChunk(500)!]
      for (let i = 0; i < 50; i += 2) {
        driver.run({ type: 'delete', path: `/old-${i}` as ZPath })
        driver.create(`/${kind}-${i}`, 'made later')
      }
      chunks.push(...drain(driver.tree))
      const paths = pathsIn(chunks)
      assert.deepEqual(paths, [...new Set(paths)])
      assert.equal(paths.length, before)
      assert.ok(!paths.some(path => path.startsWith(`/${kind}`)))
      if (kind === 'full') assert.equal(load([{ head, chunks }]).nodeCount, before)
      for (let i = 0; i < 50; i += 2) {
        driver.run({ type: 'delete', path: `/${kind}-${i}` as ZPath })
        driver.create(`/old-${i}`, 'again')
      }
      for (let i = 1; i < 50; i += 2) {
        const path = `/old-${i}` as ZPath
        driver.run({ type: 'set', path, data: Buffer.from('changed'), version: 1 })
      }
    }
  })

  it('tell that a node went, though it was there again for a while', () => {
    const driver = new Driver()
    driver.create('/a')
    driver.create('/a/b')
    const full = take(driver.tree, 'full')
    for (let i = 0; i < 2; i++) {
      driver.run({ type: 'delete', path: '/a/b' as ZPath })
      driver.run({ type: 'delete', path: '/a' as ZPath })
      if (i === 1) break
      driver.create('/a')
      driver.create('/a/b')
    }
    const delta = take(driver.tree, 'delta')
    assert.deepEqual(describeTree(load([full, delta])), describeTree(driver.tree))
  })

  it('come in chunks that pass the size asked for by one record', () => {
    const driver = new Driver()
    for (let i = 0; i < 200; i++) driver.create(`/node-${i}`, 'x'.repeat(50))
    driver.tree.beginImage('full')
    const chunks = drain(driver.tree, 1000)
    assert.ok(chunks.length > 10)
    for (const chunk of chunks.slice(0, -1)) {
      assert.ok(chunk.length >= 1000 && chunk.length < 1200, `${chunk.length} bytes`)
    }
  })

  it('are taken one at a time, and start with a full one', () => {
    const { tree } = new Driver()
    assert.equal(tree.needsFullImage, true)
    assert.throws(() => tree.beginImage('delta'), InvariantError)
    assert.throws(() => tree.nextImageChunk(100), InvariantError)
    tree.beginImage('full')
    assert.throws(() => tree.beginImage('full'), InvariantError)
    drain(tree)
    assert.equal(tree.needsFullImage, false)
  })

  it('start over with a full one when one is lost, be it after its last chunk', () => {
    const driver = new Driver()
    driver.create('/a')
    take(driver.tree, 'full')
    driver.create('/b')
    take(driver.tree, 'delta')
    driver.tree.abandonImage()
    assert.equal(driver.tree.needsFullImage, true)
    assert.throws(() => driver.tree.beginImage('delta'), InvariantError)
    assert.deepEqual(describeTree(load([take(driver.tree, 'full')])), describeTree(driver.tree))
  })

  it('do not keep parts of an abandoned one', () => {
    const driver = new Driver()
    for (const name of ['/a', '/b', '/c']) driver.create(name, 'x'.repeat(80))
    driver.tree.beginImage('full')
    driver.tree.nextImageChunk(1)
    driver.run({ type: 'set', path: '/c' as ZPath, data: Buffer.from('new'), version: 1 })
    driver.tree.abandonImage()
    for (const gone of ['/b', '/c'] as ZPath[]) driver.run({ type: 'delete', path: gone })
    const image = take(driver.tree, 'full')
    assert.deepEqual(describeTree(load([image])), describeTree(driver.tree))
  })
})

describe('the loader', () => {
  function someImages(): { full: Image; delta: Image } {
    const driver = new Driver()
    const id = driver.open()
    driver.create('/p')
    driver.create('/p/gone')
    driver.create('/p/e', 'data', id)
    const full = take(driver.tree, 'full')
    driver.run({ type: 'delete', path: '/p/gone' as ZPath })
    return { full, delta: take(driver.tree, 'delta') }
  }

  it('does not keep the chunks', () => {
    const { full } = someImages()
    const loader = new TreeLoader()
    for (const chunk of full.chunks) {
      loader.load(chunk)
      chunk.fill(0)
    }
    const tree = loader.finish(full.head.zxid, full.head.digest)
    assert.equal(Buffer.from(tree.node('/p/e' as ZPath)!.data).toString(), 'data')
  })

  it('refuses an image that lacks a chunk', () => {
    const { full } = someImages()
    assert.ok(full.chunks.length > 3)
    full.chunks.forEach((_, missing) => {
      const chunks = full.chunks.filter((_chunk, at) => at !== missing)
      assert.throws(() => load([{ head: full.head, chunks }]), MalformedError)
    })
  })

  it('refuses a delta without its full image, and one that is not from this chain', () => {
    const { full, delta } = someImages()
    assert.throws(() => load([delta]), MalformedError)
    assert.throws(() => load([full, delta, delta]), /removes .p.gone, which is not there/)
    assert.throws(() => load([full, { head: delta.head, chunks: [] }]), MalformedError)
  })

  it('refuses to remove a node but not its children', () => {
    const driver = new Driver()
    driver.create('/p')
    const images = [take(driver.tree, 'full')]
    driver.run({ type: 'delete', path: '/p' as ZPath })
    images.push(take(driver.tree, 'delta'))
    const other = new Driver()
    other.create('/p')
    other.create('/p/c')
    const [, delta] = images
    assert.throws(() => load([take(other.tree, 'full'), delta!]), /not its children/)
  })

  it('refuses bytes that are no image', () => {
    const { full } = someImages()
    const [chunk] = full.chunks
    assert.throws(() => new TreeLoader().load(Uint8Array.of(99)), MalformedError)
    assert.throws(() => new TreeLoader().load(chunk!.subarray(0, -1)), MalformedError)
  })

  it('refuses a path that does not begin at the root', () => {
    const { full } = someImages()
    for (const path of ['', 'x', 'a/b', 'ü', '名/b']) {
      const out = new ByteWriter()
      for (const part of [1, 2]) {
        out.u8(part)
        out.text(path)
        // Enough for what follows the path of a node that is there.
        out.raw(new Uint8Array(65))
        const bytes = out.take()
        const loader = new TreeLoader()
        for (const chunk of full.chunks) loader.load(chunk)
        assert.throws(() => loader.load(bytes), /path/, `${part}: ${path}`)
        assert.throws(() => loader.load(bytes), MalformedError)
      }
    }
  })
})

/** Mistakes in the tables that hold the znodes of a tree. */

import { type Mutation, patch, testFile } from './mutation.ts'

const CODEC = 'lib/tree/image-codec.ts'
const INDEX = 'lib/tree/path-index.ts'
const LEDGER = 'lib/tree/ledger.ts'
const NODES = 'lib/tree/nodes.ts'
const PACKED = 'lib/tree/packed-path.ts'
const RECENT = 'lib/tree/recent-znodes.ts'
const TABLE = 'lib/tree/path-table.ts'

export const TABLE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'reused-slot-without-a-mark',
    says: 'A node made after the cut does not say so, and is written if the walk comes by its slot.',
    patches: [
      patch(
        LEDGER,
        `    if (this.#removed.has(name)) this.#removed.set(name, true)
    this.#markChanged(item)`,
        `    if (this.#removed.has(name)) this.#removed.set(name, true)
    if (this.#cut !== undefined) this.#changed.push(item)`,
      ),
    ],
    killers: [testFile('test/tree/image.test.ts', 'whose slot another took')],
  },
  {
    name: 'gone-slot-is-walked',
    says: 'A slot that nobody has taken again looks like the node that was there.',
    patches: [
      patch(LEDGER, '    this.#records.setMark(item, GONE)\n', ''),
      patch(NODES, '    rows.setWord(slot, MARK, GONE)\n', ''),
    ],
    killers: [testFile('test/tree/image.test.ts')],
  },
  {
    name: 'removed-again-is-forgotten',
    says: 'A node that was removed, made anew and removed again is not told of in the delta.',
    patches: [patch(LEDGER, ' <= this.#cut || this.#removed.has(name)) {', ' <= this.#cut) {')],
    killers: [testFile('test/tree/image.test.ts', 'there again for a while')],
  },
  {
    name: 'ledger-remembers-what-went',
    says: 'What is made and removed between two cuts is remembered, so that memory grows with all that ever was.',
    patches: [patch(LEDGER, '    this.#countRemoval()\n', '')],
    killers: [testFile('test/tree/ledger.test.ts')],
  },
  {
    name: 'ledger-remembers-a-place-twice',
    says: 'A place that is used again and again is remembered as often.',
    patches: [patch(LEDGER, '[...new Set(there)]', 'there')],
    killers: [testFile('test/tree/ledger.test.ts')],
  },
  {
    name: 'data-beyond-its-block',
    says: 'Data of another length is written over the old data although the path leaves no room for it.',
    patches: [
      patch(
        NODES,
        'if (this.#blocks.fits(slab, pathBytes + dataLength)) return',
        'if (this.#blocks.fits(slab, dataLength)) return',
      ),
    ],
    killers: [testFile('test/tree/nodes.test.ts', 'keep to their blocks')],
  },
  {
    name: 'length-of-the-data-before',
    says: 'Data of another length that fits the same block keeps the length of the data before.',
    patches: [
      patch(
        NODES,
        '    words[row + DATA_LENGTH] = data.length\n',
        '    if (words[row + DATA_LENGTH] === 0) words[row + DATA_LENGTH] = data.length\n',
      ),
    ],
    killers: [testFile('test/tree/nodes.test.ts')],
  },
  {
    name: 'sibling-links-to-the-removed',
    says: 'The sibling behind a node that goes still links to it.',
    patches: [
      patch(NODES, '    if (next !== NONE) rows.setWord(next, PREVIOUS_SIBLING, previous)\n', ''),
    ],
    killers: [testFile('test/tree/nodes.test.ts', 'in whatever order')],
  },
  {
    name: 'hole-in-the-index',
    says: 'A node that goes leaves a hole in the index, and what stands behind it is not found any more.',
    patches: [
      patch(
        TABLE,
        '      words.copyWithin(hole, at, at + ENTRY_WORDS)\n',
        '      if (at !== hole) break\n',
      ),
    ],
    killers: [testFile('test/tree/path-index.test.ts')],
  },
  {
    name: 'divided-by-another-bit',
    says: 'A table of the index is divided by another bit than the one that is looked at from then on.',
    patches: [patch(INDEX, '    full.divide(bit, ', '    full.divide(bit << 1, ')],
    killers: [testFile('test/tree/path-index.test.ts')],
  },
  {
    name: 'half-of-the-index-lost',
    says: 'Where several places lead to a table that is divided, those before one of them lead to what it was.',
    patches: [patch(INDEX, 'let at = hash & (step - 1);', 'let at = hash & (tables.length - 1);')],
    killers: [testFile('test/tree/path-index.test.ts')],
  },
  {
    name: 'index-only-grows',
    says: 'Tables of the index that are empty stay, so that memory is taken for all hashes that ever came.',
    patches: [patch(INDEX, '    while (this.#merge(hash));\n', '')],
    killers: [testFile('test/tree/path-index.test.ts', 'shrinks')],
  },
  {
    name: 'merged-with-less-than-the-whole',
    says: 'A table becomes one with half of what it was divided from, and the place of the other half leads to it.',
    patches: [patch(INDEX, 'other.depth !== depth || ', '')],
    killers: [testFile('test/tree/path-index.test.ts')],
  },
  {
    name: 'looked-for-by-even-turns',
    says: 'Which looks are left out goes by a number that is even, as turns are.',
    patches: [patch(RECENT, 'const LOOK_ONE_IN = 17\n', 'const LOOK_ONE_IN = 16\n')],
    killers: [testFile('test/tree/recent-znodes.test.ts')],
  },
  {
    name: 'path-from-nowhere',
    says: 'An image may have a node whose path does not begin at the root.',
    patches: [patch(CODEC, ' && first === SLASH', '')],
    killers: [testFile('test/tree/image.test.ts', 'begin at the root')],
  },
  {
    name: 'found-where-its-block-was',
    says: 'Data that needs a larger block takes the path with it, and the index is not told.',
    patches: [
      patch(NODES, '    this.#index.move(hash, slot, this.#slab(slot), this.#offset(slot))\n', ''),
    ],
    killers: [testFile('test/tree/nodes.test.ts')],
  },
  {
    name: 'compared-by-whole-words',
    says: 'The last bytes of a path, fewer than a word has, are not compared.',
    patches: [patch(PACKED, 'byte < size; byte++', 'byte < 4 * whole; byte++')],
    killers: [testFile('test/tree/packed-path.test.ts')],
  },
  {
    name: 'parent-has-the-hash-of-the-child',
    says: 'A path that is cut to that of its parent keeps its hash.',
    patches: [
      patch(
        PACKED,
        `    this.#packedLength = 2 * Math.max(end, 1)
    this.#isHashed = false
`,
        '    this.#packedLength = 2 * Math.max(end, 1)\n',
      ),
    ],
    killers: [testFile('test/tree/packed-path.test.ts')],
  },
  {
    name: 'found-where-it-was',
    says: 'A path that was found once is found ever after, though its node went.',
    patches: [patch(NODES, '    this.#recent.forget(path)\n', '')],
    killers: [testFile('test/tree/nodes.test.ts', 'once they went')],
  },
  {
    name: 'found-under-the-mark-of-another',
    says: 'A view stays when its entry gets the mark of another path, and is not found when its node goes.',
    patches: [
      patch(
        RECENT,
        '    if (this.#views[entry] !== undefined) this.#views[entry] = undefined\n',
        '',
      ),
    ],
    killers: [testFile('test/tree/nodes.test.ts', 'came between')],
  },
  {
    name: 'found-by-one-look-in-many',
    says: 'While most looks are left out, so is the one that would forget a node that goes.',
    patches: [
      patch(
        RECENT,
        '    if (this.#look(path) !== undefined) this.#views',
        '    if (this.at(path) !== undefined) this.#views',
      ),
    ],
    killers: [testFile('test/tree/nodes.test.ts', 'no look helped')],
  },
]

/** Mistakes in the tables that hold the znodes of a tree. */

import { type Mutation, patch, testFile } from './mutation.ts'

const INDEX = 'lib/tree/path-index.ts'
const LEDGER = 'lib/tree/ledger.ts'
const NODES = 'lib/tree/nodes.ts'
const RECENT = 'lib/tree/recent-znodes.ts'

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
    patches: [patch(INDEX, '      pairs[hole] = pairs[at]!\n', '      if (at !== hole) break\n')],
    killers: [testFile('test/tree/path-index.test.ts')],
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
]

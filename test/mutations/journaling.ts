/** Mistakes with the journal that small writes go to first. */

import { type Mutation, patch, testFile } from './mutation.ts'

const JOURNALED = 'lib/storage/journaled-store.ts'

export const JOURNALING_MUTATIONS: readonly Mutation[] = [
  {
    name: 'journal-not-cleared',
    says: 'Groups that were cut off the log stay in the journal, and continue it after a crash.',
    patches: [
      patch(
        JOURNALED,
        '      await this.#handOver()\n      await this.#clearJournal()\n',
        '      await this.#handOver()\n      if (!this.#isClear) await this.#clearJournal()\n',
      ),
    ],
    killers: [testFile('test/storage/journal.test.ts', 'what was cut off')],
  },
  {
    name: 'journal-written-over-too-soon',
    says: 'A half of the journal is used again while LevelDB does not have what is in it.',
    patches: [patch(JOURNALED, '      await this.#freed\n', '')],
    killers: [testFile('test/storage/journal.test.ts', 'while LevelDB stands still')],
  },
  {
    name: 'journal-not-read',
    says: 'What was acknowledged from the journal is forgotten when the peer starts again.',
    patches: [patch(JOURNALED, 'found.length === 0 ? recovered', 'found.length >= 0 ? recovered')],
    killers: [testFile('test/storage/journal.test.ts', 'small writes reach LevelDB')],
  },
  {
    name: 'epoch-before-the-journal',
    says: 'A promise is written to LevelDB before the groups that were acknowledged before it.',
    patches: [
      patch(JOURNALED, '    await this.#handOver(batch)\n', '    await this.#inner.write(batch)\n'),
    ],
    killers: [testFile('test/storage/journal.test.ts', 'a promise is written behind')],
  },
]

/**
 * What became of a damaged directory, measured against what was in it before. Harmless and detected outcomes are fine;
 * every other one is a failure of the store, and has a name that says which.
 */

import type { Answer } from './answer.ts'
import type { Recovered } from './state.ts'

export const OUTCOMES = [
  /** All is there as before. */
  'harmless',
  /** Recovery reports damage: the peer keeps its promises only, and has no vote until a leader has filled it. */
  'damaged',
  /** The store cannot be opened, and says so with a code and the path. */
  'refused',
  /** A shorter log after a crash, by less than a second's worth: not to be told from writes that never happened. */
  'window',
] as const

export const FAILURES = [
  /** A shorter log without a word. */
  'shortened',
  /** An older promise without a word. */
  'forgotten',
  /** Something that was never written. */
  'wrong',
  /** An error that is no TreeError, or one with a code that says nothing. */
  'unclear',
  'crashed',
  'hung',
] as const

export type Failure = (typeof FAILURES)[number]
export type Outcome = (typeof OUTCOMES)[number] | Failure

export interface Verdict {
  readonly outcome: Outcome
  readonly why: string
}

const CLEAR_CODES = ['DIRECTORY_DAMAGED', 'DIRECTORY_NOT_OURS', 'FORMAT_TOO_NEW']

export function isFailure(outcome: Outcome): outcome is Failure {
  return (FAILURES as readonly Outcome[]).includes(outcome)
}

/**
 * What is served must be what was written, damaged or not. Older groups than we know of may come back with an older
 * record of where the log begins; they are not told apart from others here, but their chain of hashes is whole.
 */
function findForgery(
  original: Recovered,
  { groups, snapshot, tail }: Recovered,
): string | undefined {
  for (const [first, sum] of Object.entries(groups)) {
    if (Number(first) <= original.logStart.zxid) continue
    if (original.groups[first] !== sum) return `the group at ${first} was never written`
  }
  if (tail.zxid > original.tail.zxid) return `the log goes on to ${tail.zxid}`
  if (tail.zxid === original.tail.zxid && tail.chain !== original.tail.chain) {
    return 'the log has another past'
  }
  if (snapshot !== undefined && snapshot.zxid > original.tail.zxid) {
    return `a snapshot at ${snapshot.zxid}`
  }
  return undefined
}

/** @param knownTail where the peer itself noted that its log ends, as far as the log before the crash proves it */
function judgeRecovered(original: Recovered, now: Recovered, knownTail: number): Verdict {
  const forgery = findForgery(original, now)
  if (forgery !== undefined) return { outcome: 'wrong', why: forgery }
  if (now.damage !== undefined) {
    if (now.trusted) return { outcome: 'wrong', why: 'it is damaged and votes' }
    return { outcome: 'damaged', why: now.damage }
  }
  if (!now.trusted) return { outcome: 'unclear', why: 'it does not vote and does not say why' }
  const { acceptedEpoch, currentEpoch } = original.epochs
  if (now.epochs.acceptedEpoch < acceptedEpoch || now.epochs.currentEpoch < currentEpoch) {
    return { outcome: 'forgotten', why: `epochs are ${JSON.stringify(now.epochs)}` }
  }
  if (now.tail.zxid < original.tail.zxid) {
    const why = `the log ends at ${now.tail.zxid}, not at ${original.tail.zxid}`
    return { outcome: now.tail.zxid >= knownTail ? 'window' : 'shortened', why }
  }
  if (now.digest !== original.digest) return { outcome: 'wrong', why: 'another tree' }
  return { outcome: 'harmless', why: '' }
}

export function judge(original: Recovered, answer: Answer, knownTail: number): Verdict {
  switch (answer.kind) {
    case 'recovered':
      return judgeRecovered(original, answer.recovered, knownTail)
    case 'refused': {
      const clear = CLEAR_CODES.includes(answer.code)
      return { outcome: clear ? 'refused' : 'unclear', why: `${answer.code}: ${answer.message}` }
    }
    case 'served':
      if (answer.refusal !== '') return { outcome: 'refused', why: answer.refusal }
      return { outcome: answer.damage === '' ? 'harmless' : 'damaged', why: answer.damage }
    case 'broke':
      return { outcome: 'unclear', why: answer.message }
    case 'crashed':
      return { outcome: 'crashed', why: answer.how }
    case 'hung':
      return { outcome: 'hung', why: 'no answer in time' }
  }
}

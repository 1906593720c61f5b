/** What a check of a history comes to: each promise that was broken, by its name, and the calls that show it. */

export type Promised =
  | 'Linearizable'
  /** The search gave up: it may be linearizable, or not. */
  | 'Undecided'
  /** An answer that its question cannot have. */
  | 'AnswerFits'
  | 'RealTimeOrder'
  | 'SessionOrder'
  | 'ReadYourWrites'
  | 'MonotonicReads'
  | 'NotRolledBack'
  | 'OneVersion'
  | 'SequenceOrder'
  | 'EphemeralOwner'
  | 'WatchOrdered'
  | 'WatchUnique'
  | 'WatchAtomic'
  | 'WatchReliable'
  | 'WatchBeforeData'
  | 'WatchTrue'

export interface Finding {
  readonly promise: Promised
  readonly message: string
}

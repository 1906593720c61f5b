/**
 * The named places where a process can be made to kill itself: just before and just after each durable step. A step of
 * the store is a call of LevelDB, named by what it holds; a system call is named by what is done to which kind of file.
 */

/** Passed in the peers' threads, on every platform. */
export const STORE_POINTS = [
  'open segment',
  'open snapshot',
  'first record',
  'recover',
  'useless heads',
  'promise',
  'epoch',
  'groups',
  'truncation',
  'damage',
  'staged chunk',
  'install',
  'own begin',
  'own chunk',
  'own head',
  'purge',
  'switch',
  'close segment',
  'close snapshot',
] as const

/**
 * Passed in the shim: inside LevelDB, where parts of a peer's directory come and go, and where small files of its own
 * are replaced.
 */
export const CALL_POINTS = [
  'mkdir segment',
  'sync segment',
  'rmdir segment',
  'mkdir snapshot',
  'sync snapshot',
  'rmdir snapshot',
  'create log',
  'sync log',
  'unlink log',
  'create table',
  'sync table',
  'unlink table',
  'create manifest',
  'sync manifest',
  'unlink manifest',
  'create current',
  'sync current',
  'rename current',
  'unlink current',
  'create identity',
  'sync identity',
  'rename identity',
  'create note',
  'write note',
  'sync note',
  'create journal',
  'write journal',
  'sync journal',
  'create marker',
  'sync marker',
  'rename marker',
  'sync directory',
] as const

/** Passed only where writes are synced, and only where they are not. */
const SYNCED_ONLY: readonly PointName[] = ['create note', 'write note', 'sync note']
const UNSYNCED_ONLY: readonly PointName[] = ['create journal', 'write journal', 'sync journal']

/** The points that a peer with this durability passes. */
export function pointsOf(durability: string, withCalls: boolean): readonly PointName[] {
  const all: readonly PointName[] = withCalls ? [...STORE_POINTS, ...CALL_POINTS] : STORE_POINTS
  const others = durability === 'power' ? UNSYNCED_ONLY : SYNCED_ONLY
  return all.filter(name => !others.includes(name))
}

export type StorePoint = (typeof STORE_POINTS)[number]
export type CallPoint = (typeof CALL_POINTS)[number]
export type PointName = StorePoint | CallPoint

export const PHASES = ['before', 'after'] as const
export type Phase = (typeof PHASES)[number]

/** Where a process is to die. */
export interface Armed {
  readonly name: PointName
  readonly phase: Phase
  /** On this passage, counted from 1 in each peer for the store's points and in the whole process for the calls. */
  readonly nth: number
  /** The only peer to die there; undefined for whichever comes first. */
  readonly sid: number | undefined
}

export function isStorePoint(name: PointName): name is StorePoint {
  return (STORE_POINTS as readonly string[]).includes(name)
}

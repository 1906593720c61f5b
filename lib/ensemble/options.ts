/**
 * What `openEnsemble` may be told, and the gateway that turns it into a checked configuration: every mistake is a
 * BAD_ARGUMENTS that names the option and says what to give. Nothing is checked again behind it.
 */

import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { ErrorCode } from '../base/errors.ts'
import { show } from '../base/errors.ts'
import {
  DATA_BYTES_MAX_CEILING,
  DATA_BYTES_MAX_DEFAULT,
  FINALIZE_WAIT_TICKS,
  INIT_LIMIT_TICKS,
  SNAPSHOT_LOG_BYTES,
  SNAPSHOTS_KEPT,
  SYNC_LIMIT_TICKS,
  TICK_MS,
  TOUCH_TICKS,
} from '../base/limits.ts'
import { DURABILITIES, type Durability } from '../base/ports.ts'
import { isSid, SID_MAX, type Sid } from '../base/zxid.ts'
import { badArgument, checkFunction, checkOptions } from '../client/options.ts'

const PEER_ROLES = ['participant', 'observer'] as const
/** A participant votes and counts towards the quorum; an observer follows what they agreed on. */
export type PeerRole = (typeof PEER_ROLES)[number]

const RESTART_POLICIES = ['always', 'never'] as const
export type RestartPolicy = (typeof RESTART_POLICIES)[number]

export interface PeerOptions {
  /** The peer's server id, from 1 to 254, the same at every start. Of two equal candidates the larger one leads. */
  readonly sid: number
  /** Default `participant`. */
  readonly role?: PeerRole | undefined
  /** The peer's own directory, say on another disk. Default `<dataDir>/peer-<sid>`. */
  readonly dataDir?: string | undefined
}

export interface RestartOptions {
  /** `always`, the default: a peer that dies is started again from its disk. `never`: it stays down. */
  readonly policy?: RestartPolicy | undefined
  /** Pause before the restart, in milliseconds; default 50. Doubled each time a peer dies soon after its start. */
  readonly delayMs?: number | undefined
  /** Longest pause, in milliseconds; default 10,000. A peer that has lived this long begins with `delayMs` again. */
  readonly delayMaxMs?: number | undefined
}

/** What happened to a peer that died without being told to. */
export interface PeerFailure {
  readonly sid: number
  readonly code: ErrorCode
  readonly message: string
  /** The file or directory, for storage failures. */
  readonly path: string | undefined
  /** Milliseconds until it is started again; undefined when it stays down. */
  readonly restartDelayMs: number | undefined
}

export interface EnsembleOptions {
  /**
   * How many participants (server ids 1, 2, …), or the list of peers. A quorum is a majority of the participants, so
   * three outlive the loss of one, five that of two; an even number outlives no more than one less.
   */
  readonly peers: number | readonly PeerOptions[]
  /** Directory of the ensemble; made when missing. Required, except with durability `memory`, which ignores it. */
  readonly dataDir?: string | undefined
  /**
   * How far an acknowledged write reaches. `power`, the default: synced to disk by a quorum. `process`: written by a
   * quorum but not synced; outlives the process, not a power cut. `memory`: nothing is kept.
   */
  readonly durability?: Durability | undefined
  /** Unit of the protocol's time-outs, in milliseconds, from 1 to 10,000; default 50. */
  readonly tickMs?: number | undefined
  /** Ticks a peer may take to be brought up to date by a new leader, from 5 to 100,000; default 200. */
  readonly initLimitTicks?: number | undefined
  /** Ticks of silence after which leader and follower give each other up, from 3 to 100,000; default 20. */
  readonly syncLimitTicks?: number | undefined
  /** Largest data of one znode, in bytes, up to 64 MiB; default 1,048,575. */
  readonly dataBytesMax?: number | undefined
  /** Bytes of log after which a peer takes a snapshot, the first time fewer, by its sid; default 32 MiB. */
  readonly snapshotLogBytes?: number | undefined
  /** Snapshots each peer keeps, from 1 to 1,000; default 3. */
  readonly snapshotsKept?: number | undefined
  /** What happens when a peer dies. */
  readonly restart?: RestartOptions | undefined
  /** Longest wait for the first leader, in milliseconds; default 10,000. */
  readonly openTimeoutMs?: number | undefined
  /**
   * Called when a peer dies without being told to; once the ensemble is open, also for one that died before and was
   * started again.
   */
  readonly onPeerFailure?: ((failure: PeerFailure) => void) | undefined
}

export interface PeerConfig {
  readonly sid: Sid
  readonly votes: boolean
  /** Absolute; undefined with durability `memory`. */
  readonly dataDir: string | undefined
}

export interface RestartConfig {
  readonly policy: RestartPolicy
  readonly delayMs: number
  readonly delayMaxMs: number
}

/** The options after the check, with the defaults filled in. */
export interface EnsembleConfig {
  /** In order of their server ids. */
  readonly peers: readonly PeerConfig[]
  /** Absolute; undefined with durability `memory`. */
  readonly dataDir: string | undefined
  readonly durability: Durability
  readonly tickMs: number
  readonly initLimitTicks: number
  readonly syncLimitTicks: number
  readonly dataBytesMax: number
  readonly snapshotLogBytes: number
  readonly snapshotsKept: number
  readonly restart: RestartConfig
  readonly openTimeoutMs: number
  readonly onPeerFailure: ((failure: PeerFailure) => void) | undefined
}

const RESTART_DELAY_MS = 50
const RESTART_DELAY_MAX_MS = 10_000
const OPEN_TIMEOUT_MS = 10_000
const TICK_MS_MAX = 10_000
const LIMIT_TICKS_MAX = 100_000
const SNAPSHOTS_KEPT_MAX = 1_000
/** Longest a timer of Node can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1

const ENSEMBLE_OPTIONS: readonly (keyof EnsembleOptions)[] = [
  'peers',
  'dataDir',
  'durability',
  'tickMs',
  'initLimitTicks',
  'syncLimitTicks',
  'dataBytesMax',
  'snapshotLogBytes',
  'snapshotsKept',
  'restart',
  'openTimeoutMs',
  'onPeerFailure',
]
const RESTART_OPTIONS: readonly (keyof RestartOptions)[] = ['policy', 'delayMs', 'delayMaxMs']
const PEER_OPTIONS: readonly (keyof PeerOptions)[] = ['sid', 'role', 'dataDir']

function checkInteger(value: unknown, name: string, low: number, high: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) {
    return value
  }
  throw badArgument(`option ${name} must be an integer from ${low} to ${high}, not ${show(value)}`)
}

function checkChoice<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  const found = choices.find(choice => choice === value)
  if (found !== undefined) return found
  const known = choices.map(choice => `'${choice}'`).join(', ')
  throw badArgument(`option ${name} must be one of ${known}, not ${show(value)}`)
}

function checkDirectory(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return resolve(value)
  throw badArgument(`option ${name} must be the path of a directory, not ${show(value)}`)
}

function checkSid(value: unknown, name: string): Sid {
  if (isSid(value)) return value
  throw badArgument(`option ${name} must be an integer from 1 to ${SID_MAX}, not ${show(value)}`)
}

function checkPeer(peer: PeerOptions, at: number): PeerConfig {
  const name = `peers[${at}]`
  if (typeof peer !== 'object' || peer === null) {
    throw badArgument(`option ${name} must be an object like { sid: 1 }, not ${show(peer)}`)
  }
  checkOptions(name, peer, PEER_OPTIONS)
  const sid = checkSid(peer.sid, `${name}.sid`)
  const { role = 'participant' } = peer
  checkChoice(role, `${name}.role`, PEER_ROLES)
  const dataDir =
    peer.dataDir === undefined ? undefined : checkDirectory(peer.dataDir, `${name}.dataDir`)
  return { sid, votes: role === 'participant', dataDir }
}

/** The peers with such directories as they were given. */
function checkPeers(peers: unknown): PeerConfig[] {
  if (typeof peers === 'number') {
    const count = checkInteger(peers, 'peers', 1, SID_MAX)
    return Array.from({ length: count }, (_, at) => checkPeer({ sid: at + 1 }, at))
  }
  if (!Array.isArray(peers)) {
    throw badArgument(
      `option peers must be a number or a list of { sid, role }, not ${show(peers)}`,
    )
  }
  // Visits what a stray comma leaves out, too.
  const checked = Array.from(peers as readonly PeerOptions[], checkPeer)
  checked.forEach(({ sid }, at) => {
    const earlier = checked.findIndex(other => other.sid === sid)
    if (earlier === at) return
    throw badArgument(`peers[${earlier}] and peers[${at}] both have sid ${sid}: give each its own`)
  })
  if (!checked.some(({ votes }) => votes)) {
    throw badArgument("option peers must have at least one with role 'participant'")
  }
  return checked.sort((a, b) => a.sid - b.sid)
}

/** Whether `inner` is `outer` or lies below it. */
function isWithin(outer: string, inner: string): boolean {
  const path = relative(outer, inner)
  return path === '' || !(path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path))
}

/** Gives each peer its directory. */
function placePeers(peers: readonly PeerConfig[], root: string | undefined): PeerConfig[] {
  if (root === undefined) return peers.map(peer => ({ ...peer, dataDir: undefined }))
  const placed = peers.map(({ sid, votes, dataDir }) => ({
    ...{ sid, votes },
    dataDir: dataDir ?? resolve(root, `peer-${sid}`),
  }))
  checkApart(placed, root)
  return placed
}

/** One directory, one owner: a peer's store would not survive another's files among its own. */
function checkApart(
  peers: readonly { readonly sid: Sid; readonly dataDir: string }[],
  root: string,
): void {
  for (const { sid, dataDir } of peers) {
    if (isWithin(dataDir, root)) {
      throw badArgument(`dataDir of peer ${sid} holds the ensemble's dataDir: give it its own`)
    }
    const other = peers.find(peer => peer.sid !== sid && isWithin(dataDir, peer.dataDir))
    if (other !== undefined) {
      const both = `dataDir of peer ${sid} and peer ${other.sid}`
      throw badArgument(`${both} are the same or one within the other: give each its own`)
    }
  }
}

function checkRestart(options: RestartOptions = {}): RestartConfig {
  checkOptions('restart', options, RESTART_OPTIONS)
  const { policy = 'always', delayMs = RESTART_DELAY_MS } = options
  checkInteger(delayMs, 'restart.delayMs', 1, TIMER_MS_MAX)
  // An own pause beyond the default ceiling lifts the ceiling.
  const { delayMaxMs = Math.max(delayMs, RESTART_DELAY_MAX_MS) } = options
  return {
    policy: checkChoice(policy, 'restart.policy', RESTART_POLICIES),
    delayMs,
    delayMaxMs: checkInteger(delayMaxMs, 'restart.delayMaxMs', delayMs, TIMER_MS_MAX),
  }
}

/** The ensemble's directory; undefined with durability `memory`, which needs none and takes no notice of one. */
function checkRoot(dataDir: string | undefined, durability: Durability): string | undefined {
  if (dataDir === undefined && durability === 'memory') return undefined
  const root = checkDirectory(dataDir, 'dataDir')
  return durability === 'memory' ? undefined : root
}

/**
 * Checks a user's options.
 * @throws TreeError BAD_ARGUMENTS naming the option that is wrong.
 */
export function checkEnsemble(options: EnsembleOptions): EnsembleConfig {
  if (options === undefined)
    throw badArgument('openEnsemble needs options like { peers: 3, dataDir }')
  checkOptions('openEnsemble', options, ENSEMBLE_OPTIONS)
  const checked = checkPeers(options.peers)
  const { durability = 'power' } = options
  checkChoice(durability, 'durability', DURABILITIES)
  const root = checkRoot(options.dataDir, durability)
  const peers = placePeers(checked, root)
  const integer = (
    name: Exclude<keyof EnsembleOptions, 'peers' | 'dataDir' | 'durability' | 'restart'>,
    otherwise: number,
    low: number,
    high: number,
  ): number => {
    const { [name]: value = otherwise } = options
    return checkInteger(value, name, low, high)
  }
  return {
    peers,
    dataDir: root,
    durability,
    tickMs: integer('tickMs', TICK_MS, 1, TICK_MS_MAX),
    initLimitTicks: integer(
      'initLimitTicks',
      INIT_LIMIT_TICKS,
      FINALIZE_WAIT_TICKS + 1,
      LIMIT_TICKS_MAX,
    ),
    syncLimitTicks: integer('syncLimitTicks', SYNC_LIMIT_TICKS, TOUCH_TICKS + 1, LIMIT_TICKS_MAX),
    dataBytesMax: integer('dataBytesMax', DATA_BYTES_MAX_DEFAULT, 1, DATA_BYTES_MAX_CEILING),
    snapshotLogBytes: integer('snapshotLogBytes', SNAPSHOT_LOG_BYTES, 1, Number.MAX_SAFE_INTEGER),
    snapshotsKept: integer('snapshotsKept', SNAPSHOTS_KEPT, 1, SNAPSHOTS_KEPT_MAX),
    restart: checkRestart(options.restart),
    openTimeoutMs: integer('openTimeoutMs', OPEN_TIMEOUT_MS, 1, TIMER_MS_MAX),
    onPeerFailure: checkFunction(options.onPeerFailure, 'onPeerFailure'),
  }
}

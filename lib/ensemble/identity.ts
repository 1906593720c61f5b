/**
 * Who a thread is, told so that any other thread of any process can find out whether it still lives. A process id alone
 * is not enough: it is given out again, it is 1 in every container, and it is the same for all threads of a process.
 * With the kernel's own number of the thread and the moment it started, the answer is exact wherever `/proc` is there.
 */

import { readFileSync, readlinkSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { errnoOf } from './file-errors.ts'

export interface Identity {
  /** Which start of which machine, where known; else empty. */
  readonly boot: string
  /** The process namespace (a container has its own), where known; else empty. */
  readonly namespace: string
  readonly pid: number
  /** The kernel's number of the thread where known, else Node's. */
  readonly thread: number
  /** When the thread started (clock ticks) where known, else the process (milliseconds); since the machine started. */
  readonly start: number
}

const PATTERN = /^([0-9a-f]*)-(\d*)-(\d+)-(\d+)-(\d+)$/
const BOOT_DIGITS = 16
/** Places in /proc/…/stat after the command's closing parenthesis. */
const STATE_FIELD = 0
const START_FIELD = 19
/** Two readings of one process's start differ by the time between two clock readings. */
const START_TOLERANCE_MS = 1_000

/** An identity as part of a file name. */
export function formatIdentity({ boot, namespace, pid, thread, start }: Identity): string {
  return `${boot}-${namespace}-${pid}-${thread}-${start}`
}

export function parseIdentity(text: string): Identity | undefined {
  const match = PATTERN.exec(text)
  if (match === null) return undefined
  const [, boot = '', namespace = '', pid, thread, start] = match
  return { boot, namespace, pid: Number(pid), thread: Number(thread), start: Number(start) }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

/** The fields of a stat file; the command before them may hold anything, parentheses too. */
function statFields(path: string): string[] | undefined {
  const text = readText(path)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function fromProc(): Identity | undefined {
  try {
    const [pid, , thread] = readlinkSync('/proc/thread-self').split('/')
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]
    const boot = readText('/proc/sys/kernel/random/boot_id')?.replace(/[^0-9a-f]/g, '')
    const start = statFields(`/proc/${pid}/task/${thread}/stat`)?.[START_FIELD]
    // A /proc of another process namespace would name us by numbers that mean nothing here.
    if (Number(pid) !== process.pid || !namespace || !boot || start === undefined) return undefined
    return {
      boot: boot.slice(0, BOOT_DIGITS),
      namespace,
      pid: process.pid,
      thread: Number(thread),
      start: Number(start),
    }
  } catch {
    return undefined
  }
}

/** By a clock that nobody sets, so that every thread of the process finds the same start. */
function withoutProc(): Identity {
  const start = Math.max(0, Math.round(monotonicMs() - process.uptime() * 1_000))
  return { boot: '', namespace: '', pid: process.pid, thread: threadId, start }
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

const SELF = fromProc() ?? withoutProc()

/** The thread that calls. */
export function currentIdentity(): Identity {
  return SELF
}

/** Whether a process with this id is there; one of another user answers that signalling it is not permitted. */
function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

function isAliveInProc({ pid, thread, start }: Identity): boolean {
  const fields = statFields(`/proc/${pid}/task/${thread}/stat`)
  if (fields === undefined) {
    // Either gone, or hidden because it belongs to another user.
    return readText(`/proc/${pid}/stat`) === undefined && processExists(pid)
  }
  // A process that was killed stays visible as a zombie until its parent has taken notice.
  const dead = 'ZX'.includes(fields[STATE_FIELD] ?? '')
  return !dead && Number(fields[START_FIELD]) === start
}

/**
 * Whether that thread lives, as far as it can be seen from here. One in another container cannot, and counts as dead:
 * the kernel's lock on each store, which every container of a machine respects, has the last word.
 */
export function isAlive(other: Identity, here: Identity = SELF): boolean {
  if (other.boot !== here.boot || other.namespace !== here.namespace) return false
  if (here.boot !== '') return isAliveInProc(other)
  if (other.pid !== here.pid) return processExists(other.pid)
  return Math.abs(other.start - here.start) <= START_TOLERANCE_MS
}

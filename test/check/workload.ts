/**
 * A workload whose history can be checked: sessions of this thread use the promise face, any number of calls under way;
 * sessions of other threads use the blocking one. Somebody else may do the ensemble any harm meanwhile: calls that fail
 * are part of the history, and a session that ended is followed by another. `stop` when the ensemble is well again:
 * every session looks at everything once more, so that what was lost shows.
 */

import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { startThread } from '../../examples/util/thread.ts'
import type { Ensemble } from '../../lib/index.ts'
import { type History, mergeHistories } from './history.ts'
import { type Progress, runSession, type SessionPlan } from './workload-session.ts'

export interface WorkloadOptions {
  /** Sessions in this thread; default 3. */
  readonly sessions?: number | undefined
  /** Threads with a session each, used through the blocking face; default 0. */
  readonly threads?: number | undefined
  /** Begins the paths of everything: nothing in the ensemble may begin so before. Default `/check`. */
  readonly base?: string | undefined
  /** Trees `<base>-0`, `<base>-1`, … that the sessions share; each is checked on its own. Default 3. */
  readonly trees?: number | undefined
  /** The workload stops by itself after so many calls of each session; default: when `stop` is called. */
  readonly calls?: number | undefined
  /** Longest pause before the next call, in milliseconds; default 5. */
  readonly thinkMs?: number | undefined
  /** Calls that a session of this thread may have under way; default 6. */
  readonly window?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly operationTimeoutMs?: number | undefined
  /** Server ids to spread the sessions over; default: all sessions go to the leader. */
  readonly peers?: readonly number[] | undefined
  /** No harm is done meanwhile: watches are then held to stricter rules. Default false. */
  readonly steady?: boolean | undefined
  readonly seed?: number | undefined
}

export interface Workload {
  /** Calls made, calls that failed and whose outcome is unknown, events told and sessions opened, so far. */
  readonly progress: Readonly<Progress>
  /** The whole history, once the calls are made or the workload is stopped. */
  readonly done: Promise<History>
  /** Makes no more calls but the last looks. As `done`. */
  stop(): Promise<History>
}

/** What a thread of the workload begins with. `stop` is shared: `stop[0]` is 1 when it is to stop. */
export interface ThreadPlan {
  readonly plan: SessionPlan
  readonly stop: Int32Array
  readonly progress: Int32Array
}

export const PROGRESS = ['calls', 'uncertain', 'events', 'sessions'] as const

function planOf(number: number, options: WorkloadOptions): SessionPlan {
  const { base = '/check', peers = [], seed = 1 } = options
  return {
    name: `${base}:${number}`,
    base,
    trees: options.trees ?? 3,
    seed: seed * 1_000 + number,
    calls: options.calls ?? Number.POSITIVE_INFINITY,
    thinkMs: options.thinkMs ?? 5,
    window: options.window ?? 6,
    timeoutMs: options.timeoutMs ?? 5_000,
    operationTimeoutMs: options.operationTimeoutMs ?? 10_000,
    peer: peers.length === 0 ? undefined : peers[number % peers.length],
    steady: options.steady ?? false,
  }
}

async function runThread(ensemble: Ensemble, plan: ThreadPlan): Promise<History> {
  const entry = new URL('./workload-thread.ts', import.meta.url).href
  const worker: Worker = startThread(entry, plan)
  let history: History | undefined
  worker.on('message', (message: 'handle' | History) => {
    if (message !== 'handle') history = message
    else {
      const handle = ensemble.handle()
      worker.postMessage(handle, [handle])
    }
  })
  await once(worker, 'exit')
  if (history === undefined) throw new Error(`the thread of ${plan.plan.name} ended without a word`)
  return history
}

/** Starts a workload. What it reads and writes lies below `base` alone. */
export function startWorkload(ensemble: Ensemble, options: WorkloadOptions = {}): Workload {
  const { sessions = 3, threads = 0 } = options
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const counts = new Int32Array(new SharedArrayBuffer(4 * PROGRESS.length))
  const here = Array.from({ length: sessions }, (_, number) =>
    runSession(planOf(number, options), {
      connect: connectOptions => ensemble.connect(connectOptions),
      isStopped: () => stop[0] === 1,
      count: what => Atomics.add(counts, PROGRESS.indexOf(what), 1),
    }),
  )
  const elsewhere = Array.from({ length: threads }, (_, number) =>
    runThread(ensemble, { plan: planOf(sessions + number, options), stop, progress: counts }),
  )
  const done = Promise.all([...here, ...elsewhere]).then(mergeHistories)
  return {
    get progress() {
      const [calls = 0, uncertain = 0, events = 0, opened = 0] = counts
      return { calls, uncertain, events, sessions: opened }
    },
    done,
    stop() {
      Atomics.store(stop, 0, 1)
      return done
    },
  }
}

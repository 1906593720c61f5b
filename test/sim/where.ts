/**
 * Where the time of runs goes, by V8's own sampling profiler: nothing is measured unless somebody asks. A sample counts
 * for the part of the bed on whose behalf the code ran: what the core does in a peer's turn for the core, the decoding
 * of a frame by a check for the checks.
 */

import { type Profiler, Session } from 'node:inspector'

const FILES: Readonly<Record<string, readonly string[]>> = {
  'core turns': ['peer'],
  links: ['net'],
  disks: ['disk', 'disk-image', 'disk-store', 'recovery', 'atlas'],
  clients: ['client', 'connection', 'requests', 'sim-call'],
  nemesis: ['nemesis', 'strike', 'link-faults', 'peer-faults', 'disk-faults', 'relief'],
  checks: [
    'book',
    'chronicle',
    'client-record',
    'conversation',
    'end-check',
    'execution',
    'expiry-check',
    'history-check',
    'peer-check',
    'session-check',
    'wire-check',
  ],
}
const CHECKS = 'checks'
const REST = 'agenda and the rest'

const PART_OF_FILE: ReadonlyMap<string, string> = new Map(
  Object.entries(FILES).flatMap(([part, files]) => files.map(file => [file, part] as const)),
)

/** Microseconds by part. */
export type Shares = Readonly<Record<string, number>>

export class Where {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.setSamplingInterval', { interval: 500 })
    this.#session.post('Profiler.start')
  }

  /** What was measured since it was made; it is of no use afterwards. */
  stop(): Shares {
    let profile: Profiler.Profile | undefined
    this.#session.post('Profiler.stop', (error, stopped) => {
      if (error !== null) throw error
      profile = stopped.profile
    })
    this.#session.disconnect()
    return profile === undefined ? {} : sharesOf(profile)
  }
}

export function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Shares {
  const parts = partsOf(nodes)
  const shares: Record<string, number> = {}
  samples.forEach((id, at) => {
    const part = parts.get(id) ?? REST
    shares[part] = (shares[part] ?? 0) + Math.max(0, timeDeltas[at] ?? 0)
  })
  return shares
}

/** Each node's own part, or else its caller's; what a check has others do is the check's. */
function partsOf(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, string> {
  const parts = new Map<number, string>()
  // A node comes after its caller.
  const inherited = new Map<number, string>()
  for (const { id, callFrame, children = [] } of nodes) {
    const { functionName, url } = callFrame
    const callers = inherited.get(id) ?? REST
    const part = functionName === '(garbage collector)' ? 'garbage collection' : partOf(url)
    const found = callers === CHECKS ? CHECKS : (part ?? callers)
    parts.set(id, found)
    for (const child of children) inherited.set(child, found)
  }
  return parts
}

function partOf(url: string): string | undefined {
  if (url.includes('/test/check/')) return CHECKS
  return PART_OF_FILE.get(/\/test\/sim\/([\w-]+)\.ts$/.exec(url)?.[1] ?? '')
}

/** One line for each part, the largest first. */
export function showShares(shares: Shares): readonly string[] {
  const total = Object.values(shares).reduce((sum, share) => sum + share, 0)
  return Object.entries(shares)
    .sort(([, a], [, b]) => b - a)
    .map(([part, share]) => `${((100 * share) / total).toFixed(1).padStart(11)}% ${part}`)
}

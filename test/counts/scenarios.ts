/** What is counted: kinds of work, each a thousand operations at a fixed number in flight. */

import { OPEN_ACL } from '../../lib/base/acl.ts'
import type { ZPath } from '../../lib/base/path.ts'
import { Call } from '../../lib/client/core-call.ts'
import { COUNTS, type Counts, Model } from './model.ts'

const CALLS = 1000
const PATHS = 1000
/** Calls before counting begins, so that the line is full and the peers have settled. */
const WARM_UP_CALLS = 5000

interface Scenario {
  readonly name: string
  readonly peers: number
  readonly inFlight: number
  readonly observes: boolean
  readonly create: boolean
  readonly dataBytes: number
}

const SETS = { peers: 3, observes: false, create: false, dataBytes: 100 }

const SCENARIOS: readonly Scenario[] = [
  { name: 'sets, 1 in flight', ...SETS, inFlight: 1 },
  { name: 'sets, 16 in flight', ...SETS, inFlight: 16 },
  { name: 'sets, 1024 in flight', ...SETS, inFlight: 1024 },
  { name: 'sets, 1024 in flight, 5 peers', ...SETS, inFlight: 1024, peers: 5 },
  { name: 'sets, 1024 in flight, an observer', ...SETS, inFlight: 1024, observes: true },
  {
    name: 'creates of 1 KiB, 256 in flight',
    ...SETS,
    inFlight: 256,
    create: true,
    dataBytes: 1024,
  },
]

function createCall(path: string, data: Uint8Array): Call<void> {
  const flags = { ephemeral: false, sequential: false, parents: false }
  const request = { kind: 'create', path: path as ZPath, data, acl: OPEN_ACL, ...flags } as const
  return new Call(request, () => undefined)
}

function setCall(path: string, data: Uint8Array): Call<void> {
  const request = { kind: 'set', path: path as ZPath, data, version: -1 } as const
  return new Call(request, () => undefined)
}

function count({ peers, observes, inFlight, create, dataBytes }: Scenario): Counts {
  const model = new Model(peers, observes)
  const data = new Uint8Array(dataBytes)
  let made = 0
  model.run(() => createCall(`/node-${made++}`, data), inFlight, PATHS)
  let next = 0
  const call = (): Call<void> =>
    create ? createCall(`/node-${made++}`, data) : setCall(`/node-${next++ % PATHS}`, data)
  model.run(call, inFlight, WARM_UP_CALLS)
  const before = { ...model.counts }
  model.run(call, inFlight, CALLS)
  const counted = COUNTS.map(name => [name, model.counts[name] - before[name]])
  return Object.fromEntries(counted) as Counts
}

/** Counts of a thousand operations of each kind. */
export function countAll(): Record<string, Counts> {
  return Object.fromEntries(SCENARIOS.map(scenario => [scenario.name, count(scenario)]))
}

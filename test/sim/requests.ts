/** The workload: few paths and many hands, so that requests meet. */

import { OPEN_ACL } from '../../lib/base/acl.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import type { Prng } from '../support/prng.ts'

const NODES = ['/a', '/b', '/a/x', '/a/y', '/a/x/deep', '/counter', '/e/1', '/e/2', '/q'] as ZPath[]
const PARENTS = ['/', '/a', '/a/x', '/e', '/q'] as ZPath[]
const PREFIXES = ['/q/n-', '/q/', '/a/s-', '/e/s-', '/m/k/t-'] as ZPath[]

export function isWrite(request: ReadRequest | WriteRequest): request is WriteRequest {
  return request.kind !== 'get' && request.kind !== 'exists' && request.kind !== 'children'
}

/** Draws what a client asks next. `seenVersion` is what it last saw of a path, for conditional changes. */
export function drawRequest(
  prng: Prng,
  tag: string,
  seenVersion: (path: ZPath) => number | undefined,
  known: readonly ZPath[],
): ReadRequest | WriteRequest {
  const path = known.length > 0 && prng.chance(0.3) ? prng.pick(known) : prng.pick(NODES)
  const data = Buffer.from(prng.chance(0.03) ? tag.padEnd(100) : prng.chance(0.1) ? '' : tag)
  const version = prng.chance(0.5) ? -1 : (seenVersion(path) ?? prng.between(0, 2))
  const kind = prng.unit()
  if (kind < 0.25) return drawCreate(prng, path, data)
  if (kind < 0.4) return { kind: 'set', path, data, version }
  if (kind < 0.52) return { kind: 'delete', path, version }
  if (kind < 0.57) return { kind: 'sync' }
  const watch = prng.chance(0.4)
  if (kind < 0.72) return { kind: 'get', path, watch }
  if (kind < 0.86) return { kind: 'exists', path, watch }
  return { kind: 'children', path: prng.pick(PARENTS), watch }
}

function drawCreate(prng: Prng, path: ZPath, data: Uint8Array): WriteRequest {
  const sequential = prng.chance(0.35)
  return {
    kind: 'create',
    path: sequential ? prng.pick(PREFIXES) : path,
    data,
    acl: OPEN_ACL,
    ephemeral: prng.chance(0.4),
    sequential,
    parents: prng.chance(0.6),
  }
}

/**
 * The workload: all that a client can ask for, on few paths and by many hands, so that requests meet. Some of it is
 * meant to be refused: by access rights, for its size, or because the root is what it is.
 */

import { type Acl, OPEN_ACL, PERMISSIONS } from '../../lib/base/acl.ts'
import { ROOT, type ZPath } from '../../lib/base/path.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import type { Prng } from '../support/prng.ts'

const NODES = ['/a', '/b', '/a/x', '/a/y', '/a/x/deep', '/counter', '/e/1', '/e/2', '/q'] as ZPath[]
const PARENTS = ['/', '/a', '/a/x', '/e', '/q'] as ZPath[]
const PREFIXES = ['/q/n-', '/q/', '/a/s-', '/e/s-', '/m/k/t-', '/'] as ZPath[]
/** Where access is restricted now and then: a node, and what is to be created and deleted below it. */
const GUARDED = ['/guarded', '/guarded', '/guarded/in'] as ZPath[]

/** The ACL that anyone may do all with but one thing. */
function without(permission: number): Acl {
  return [{ permissions: PERMISSIONS.ALL & ~permission, scheme: 'world', id: 'anyone' }]
}

const ACLS: readonly Acl[] = [
  OPEN_ACL,
  without(PERMISSIONS.READ),
  without(PERMISSIONS.WRITE),
  without(PERMISSIONS.CREATE),
  without(PERMISSIONS.DELETE),
  without(PERMISSIONS.ALL),
]

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
  const path = drawPath(prng, known)
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
  return { kind: 'children', path: prng.chance(0.1) ? path : prng.pick(PARENTS), watch }
}

function drawPath(prng: Prng, known: readonly ZPath[]): ZPath {
  const which = prng.unit()
  if (which < 0.02) return ROOT
  if (which < 0.1) return prng.pick(GUARDED)
  return known.length > 0 && which < 0.4 ? prng.pick(known) : prng.pick(NODES)
}

function drawCreate(prng: Prng, path: ZPath, data: Uint8Array): WriteRequest {
  const sequential = prng.chance(0.35)
  return {
    kind: 'create',
    path: sequential ? prng.pick(PREFIXES) : path,
    data,
    acl: !sequential && GUARDED.includes(path) ? prng.pick(ACLS) : OPEN_ACL,
    ephemeral: prng.chance(0.4),
    sequential,
    parents: prng.chance(0.6),
  }
}

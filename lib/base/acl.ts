/** Access control lists. The `world` scheme is known so far; others are refused with INVALID_ACL at the gateway. */

import { show, TreeError } from './errors.ts'

/** Permission bits, as ZooKeeper's ZooDefs.Perms. */
export const PERMISSIONS = { READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16, ALL: 31 } as const

export interface AclEntry {
  /** Sum of `PERMISSIONS` bits. */
  readonly permissions: number
  readonly scheme: string
  readonly id: string
}

export type Acl = readonly AclEntry[]

/** Anyone may do anything: the default. */
export const OPEN_ACL: Acl = [{ permissions: PERMISSIONS.ALL, scheme: 'world', id: 'anyone' }]

/** An ACL's count of entries takes one byte in frames and in the log. */
const ENTRIES_MAX = 255

/** Whether `acl` grants any of the permission bits to an unauthenticated session. */
export function permits(acl: Acl, permission: number): boolean {
  if (acl === OPEN_ACL) return true
  return acl.some(entry => entry.scheme === 'world' && (entry.permissions & permission) !== 0)
}

function isPermissions(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= PERMISSIONS.ALL
}

/**
 * Checks a user's list.
 * @throws TreeError INVALID_ACL when it is empty, malformed or names a scheme that is not known.
 */
export function parseAcl(acl: unknown, path: string): Acl {
  const fail = (why: string): never => {
    throw new TreeError('INVALID_ACL', `invalid ACL for ${path}: ${why}`, { path })
  }
  // A copy, which has no holes and whose length nobody else can change.
  const entries: unknown[] = Array.isArray(acl) ? Array.from(acl) : []
  if (entries.length === 0 || entries.length > ENTRIES_MAX) {
    return fail(`give a list of 1 to ${ENTRIES_MAX} entries`)
  }
  return entries.map(entry => {
    const { permissions, scheme, id } = (entry ?? {}) as Partial<AclEntry>
    if (!isPermissions(permissions)) {
      return fail(`permissions must be a sum of PERMISSIONS bits, not ${show(permissions)}`)
    }
    if (scheme !== 'world' || id !== 'anyone') {
      const known = "{ scheme: 'world', id: 'anyone' }"
      return fail(`only ${known} is known, not ${show(scheme)} and ${show(id)}`)
    }
    return { permissions, scheme, id }
  })
}

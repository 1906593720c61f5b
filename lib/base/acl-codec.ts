/** ACLs as bytes. The open ACL, by far the most common, takes one byte. */

import { type Acl, OPEN_ACL } from './acl.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'

function isOpen(acl: Acl): boolean {
  if (acl === OPEN_ACL) return true
  const [entry] = acl
  const [open] = OPEN_ACL
  return (
    acl.length === 1 &&
    entry?.permissions === open?.permissions &&
    entry?.scheme === open?.scheme &&
    entry?.id === open?.id
  )
}

export function writeAcl(out: ByteWriter, acl: Acl): void {
  if (isOpen(acl)) {
    out.u8(0)
    return
  }
  out.u8(acl.length)
  for (const entry of acl) {
    out.u8(entry.permissions)
    out.text(entry.scheme)
    out.text(entry.id)
  }
}

export function readAcl(from: ByteReader): Acl {
  const count = from.u8()
  if (count === 0) return OPEN_ACL
  return Array.from({ length: count }, () => ({
    permissions: from.u8(),
    scheme: from.text(),
    id: from.text(),
  }))
}

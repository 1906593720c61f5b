/** Random histories: a draw of three small numbers becomes a step that is legal where the model stands. */

import fc from 'fast-check'
import { type AclEntry, OPEN_ACL } from '../../lib/base/acl.ts'
import { childOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import type { TxnBody } from '../../lib/base/txn.ts'
import { NO_SESSION, type SessionId } from '../../lib/base/zxid.ts'
import { type Driver, type Model, openBody } from './model.ts'

export type Draw = readonly [kind: number, which: number, how: number]

const small = fc.nat({ max: 250 })
export const draw: fc.Arbitrary<Draw> = fc.tuple(small, small, small)

const NAMES = ['a', 'b', 'ü', 'a-name-that-is-longer-than-most'] as const
const READ_ONLY: AclEntry = { permissions: 1, scheme: 'world', id: 'anyone' }

function pick<T>(items: Iterable<T>, at: number): T | undefined {
  const all = [...items]
  return all[at % Math.max(all.length, 1)]
}

function bytes(which: number, how: number): Uint8Array {
  return new Uint8Array(which % 90).fill(how)
}

function createStep(model: Model, which: number, how: number, id: SessionId): TxnBody {
  const permanent = [...model.nodes].filter(([, node]) => node.ephemeralOwner === NO_SESSION)
  const [parent] = pick(permanent, which)!
  const first = childOf(parent, NAMES[how % NAMES.length]!)
  if (model.nodes.has(first)) return { type: 'error', code: 'NODE_EXISTS' }
  const parents = how % 3
  const below = ['x', 'y'].slice(0, parents)
  const path = below.reduce<ZPath>((at, name) => childOf(at, name), first)
  const acl = how % 5 === 0 ? [READ_ONLY] : OPEN_ACL
  const ephemeral = id !== NO_SESSION && which % 4 < 2
  return { type: 'create', path, data: bytes(which, how), acl, ephemeral, parents }
}

function deleteStep(model: Model, which: number): TxnBody {
  const leaves = [...model.nodes].filter(([path, node]) => path !== ROOT && node.children === 0)
  const leaf = pick(leaves, which)
  return leaf === undefined ? { type: 'error', code: 'NO_NODE' } : { type: 'delete', path: leaf[0] }
}

function setStep(model: Model, which: number, how: number): TxnBody {
  const [path, node] = pick(model.nodes, which)!
  return { type: 'set', path, data: bytes(how, which), version: node.version + 1 }
}

/** Runs the step that a draw stands for. */
export function runDraw(driver: Driver, [kind, which, how]: Draw): void {
  const { model } = driver
  const id = pick([NO_SESSION, ...model.sessions.keys()], which + how) ?? NO_SESSION
  const session = model.sessions.get(id)
  const granted = session !== undefined
  const unanswered = 1 + (which % 4)
  switch (kind % 12) {
    case 0:
      driver.run({ ...openBody(), timeoutMs: 1000 + how })
      return
    case 1:
      driver.run({ type: 'attach', owner: (how % 5) as never, connection: which, granted }, id)
      return
    case 2:
      if (session !== undefined) {
        driver.run({ type: 'close', ephemerals: [...session.ephemerals] }, id)
      }
      return
    case 3:
      driver.run({ type: 'sync' }, id, unanswered)
      return
    case 4:
    case 5:
    case 6:
      driver.run(deleteStep(model, which), id, unanswered)
      return
    case 7:
    case 8:
      driver.run(setStep(model, which, how), id, unanswered)
      return
    default:
      driver.run(createStep(model, which, how, id), id, unanswered)
  }
}

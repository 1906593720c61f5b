/** Replies become what a method returns. */

// Imported because the global is a getter, which each answer would call.
import { Buffer } from 'node:buffer'
import { assert } from '../base/assert.ts'
import type { Reply } from '../base/reply.ts'
import { copyStat, type Stat } from '../base/stat.ts'
import type { Znode } from '../tree/znode.ts'

/** A znode's data and metadata, read at one moment. */
export interface GetResult {
  /** The caller's own; empty for a node without data. */
  readonly data: Buffer
  readonly stat: Stat
}

/** A look at a znode, as what `get` returns. */
export function getResultOf(node: Znode): GetResult {
  const data = Buffer.allocUnsafe(node.dataLength)
  data.set(node.data)
  return { data, stat: copyStat(node) }
}

export function pathAnswer(reply: Reply): string {
  assert(reply.path !== undefined, 'a create answers with its path')
  return reply.path
}

export function statAnswer(reply: Reply): Stat {
  assert(reply.stat !== undefined, 'a set answers with its stat')
  return reply.stat
}

export function getAnswer(reply: Reply): GetResult {
  assert(reply.data !== undefined, 'a get answers with data')
  // Copied, for whoever transfers the memory of one answer takes all that is in it along: a whole frame of them.
  return { data: Buffer.from(reply.data), stat: statAnswer(reply) }
}

export function existsAnswer(reply: Reply): Stat | null {
  return reply.code === 'NO_NODE' ? null : statAnswer(reply)
}

export function childrenAnswer(reply: Reply): string[] {
  assert(reply.names !== undefined, 'children answers with names')
  return reply.names as string[]
}

export function noAnswer(): void {}

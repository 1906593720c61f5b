/**
 * The one order of committed groups, as it comes to light: whoever delivers a group first extends it, everybody else
 * must deliver the same group at the same place. Together with what leaders proposed under each epoch, this is what the
 * predicates of Zab.tla are checked against.
 */

import { follows, type Group, LOG_START, type LogPoint } from '../../lib/base/group.ts'
import { counterOf, type Epoch, epochOf, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import type { History } from '../../lib/zab/history.ts'
import { shortZxid } from './describe.ts'
import { holds, Violation } from './violation.ts'

interface Reign {
  readonly leader: Sid
  /** Which life of the peer it is of. */
  readonly life: number
  /** End of the leader's log when it was established. */
  readonly start: LogPoint
  /** The chain of each group proposed so far, by its last zxid. */
  readonly proposed: Map<Zxid, number>
  /** Up to where its proposals are known. */
  last: Zxid
}

interface Entry {
  readonly group: Group
  /** Digest of the tree after it; the first peer that has applied it says. */
  digest: number | undefined
}

/** What of a peer's view tells who leads. */
export interface Stand {
  readonly epoch: Epoch
  /** It is established in this epoch. */
  readonly leads: boolean
}

/** Told of every committed group once, in order. */
export type OnCommitted = (group: Group, firstAt: Sid) => void

export class Chronicle {
  readonly #entries: Entry[] = []
  /** Index of an entry by the last zxid of its group. */
  readonly #byLast = new Map<Zxid, number>()
  readonly #reigns = new Map<Epoch, Reign>()
  readonly #onCommitted: OnCommitted
  /** The last epoch with a reign. */
  #newest = 0 as Epoch

  constructor(onCommitted: OnCommitted) {
    this.#onCommitted = onCommitted
  }

  get end(): LogPoint {
    return this.#pointBefore(this.#entries.length)
  }

  get length(): number {
    return this.#entries.length
  }

  get reigns(): number {
    return this.#reigns.size
  }

  /** After a turn of a peer: a reign may have begun, and its leader may have proposed. */
  observe(sid: Sid, life: number, { epoch, leads }: Stand, history: History): void {
    const reign = this.#reigns.get(epoch)
    if (reign === undefined) {
      // A reign may begin and end within one turn: what it proposed shows first in its leader's log.
      const began = leads || epochOf(history.lastZxid) === epoch
      if (began && epoch > 0) this.#establish(epoch, sid, life, history)
      return
    }
    const own = reign.leader === sid && reign.life === life
    holds(own || !leads, 'Leadership', () => {
      return `P${sid} leads epoch ${epoch}, which P${reign.leader} was established in`
    })
    if (own) this.#notice(reign, epoch, history)
  }

  /** A peer delivered everything between two points of its log, `to` not before `from`. */
  delivered(sid: Sid, from: Zxid, groups: readonly Group[]): void {
    let at = this.#indexAfter(from, sid)
    for (const group of groups) {
      const known = this.#entries[at]
      if (known === undefined) this.#extend(sid, group)
      else this.#compare(sid, known.group, group)
      at++
    }
  }

  /** A peer says that its log up to here is committed, without delivering it: it came as a snapshot. */
  jumped(sid: Sid, to: LogPoint): void {
    const index = this.#indexAfter(to.zxid, sid)
    holds(this.#pointBefore(index).chain === to.chain, 'PrefixConsistency', () => {
      return `P${sid} stands at ${shortZxid(to.zxid)} with another past`
    })
  }

  /** Groups that a peer holds after `from` are, up to `committed`, those that were delivered. */
  matches(sid: Sid, from: LogPoint, groups: readonly Group[], committed: Zxid): void {
    this.jumped(sid, from)
    let at = this.#indexAfter(from.zxid, sid)
    for (const group of groups) {
      if (group.last > committed) return
      const known = this.#entries[at++]
      holds(known !== undefined, 'PrefixConsistency', () => {
        return `P${sid} holds ${shortZxid(group.last)} as committed, which nobody delivered`
      })
      this.#compare(sid, known.group, group)
    }
  }

  /** Whether the peer's tree has the digest that the others' had at the same place. */
  digested(sid: Sid, zxid: Zxid, digest: number): void {
    const index = this.#byLast.get(zxid)
    const entry = index === undefined ? undefined : this.#entries[index]
    if (entry === undefined) {
      holds((zxid as number) === 0, 'DigestEquality', () => {
        return `P${sid} has applied up to ${shortZxid(zxid)}, where no committed group ends`
      })
      return
    }
    entry.digest ??= digest
    holds(entry.digest === digest, 'DigestEquality', () => {
      return `P${sid} at ${shortZxid(zxid)} has ${digest}, others ${entry.digest}`
    })
  }

  #establish(epoch: Epoch, leader: Sid, life: number, history: History): void {
    const { last, epochEnds } = history
    const proposes = epochOf(last.zxid) === epoch
    const start = proposes ? (epochEnds.at(-2) ?? LOG_START) : last
    const reign: Reign = { leader, life, start, proposed: new Map(), last: start.zxid }
    this.#reigns.set(epoch, reign)
    if (epoch > this.#newest) this.#newest = epoch
    const end = this.#endBefore(epoch)
    if (end.zxid > history.base.zxid) {
      const held = history.pointAt(end.zxid)
      holds(held !== undefined && held.chain === end.chain, 'PrimaryIntegrity', () => {
        return `P${leader} begins epoch ${epoch} without ${shortZxid(end.zxid)}, which was delivered`
      })
    }
    this.#notice(reign, epoch, history)
  }

  /**
   * Where ends what was delivered of earlier reigns. There may be later ones already: a leader that stood still learns
   * only when it wakes that a quorum had entered its reign, and has left it since.
   */
  #endBefore(epoch: Epoch): LogPoint {
    let at = this.#entries.length
    while (at > 0 && epochOf(this.#entries[at - 1]!.group.last) >= epoch) at--
    return this.#pointBefore(at)
  }

  /** What the leader has put into its log since the last look. */
  #notice(reign: Reign, epoch: Epoch, history: History): void {
    if (history.lastZxid <= reign.last) return
    for (const group of history.groupsAfter(reign.last) ?? []) {
      holds(epochOf(group.first) === epoch, 'LocalPrimaryOrder', () => {
        return `P${reign.leader} in epoch ${epoch} logs ${shortZxid(group.first)}`
      })
      reign.proposed.set(group.last, group.chain)
      reign.last = group.last
    }
  }

  #extend(sid: Sid, group: Group): void {
    const { end } = this
    const epoch = epochOf(group.first)
    holds(group.first > end.zxid, 'GlobalPrimaryOrder', () => {
      return `P${sid} delivers ${shortZxid(group.first)} after ${shortZxid(end.zxid)}`
    })
    const reign = this.#reigns.get(epoch)
    holds(reign?.proposed.get(group.last) === group.chain, 'Integrity', () => {
      return `P${sid} delivers ${shortZxid(group.first)}, which no leader of its epoch proposed`
    })
    this.#checkOrder(sid, group, end)
    if (epoch < this.#newest) this.#checkNewerReigns(epoch, group.last)
    this.#byLast.set(group.last, this.#entries.length)
    this.#entries.push({ group, digest: undefined })
    this.#onCommitted(group, sid)
  }

  /** Its leader proposed everything from the start of its epoch on, and began with all that comes before. */
  #checkOrder(sid: Sid, group: Group, end: LogPoint): void {
    if (follows(end, group)) return
    const epoch = epochOf(group.first)
    const skips = epochOf(end.zxid) === epoch || counterOf(group.first) > 1
    const places = `${shortZxid(group.first)} after ${shortZxid(end.zxid)}`
    holds(
      !skips,
      'LocalPrimaryOrder',
      () => `P${sid} delivers ${places}, leaving out what was proposed`,
    )
    throw new Violation('PrefixConsistency', `P${sid} delivers ${places}, which it does not follow`)
  }

  #checkNewerReigns(epoch: Epoch, last: Zxid): void {
    for (const [later, { leader, start }] of this.#reigns) {
      holds(later <= epoch || start.zxid >= last, 'PrimaryIntegrity', () => {
        return `${shortZxid(last)} is delivered, but P${leader} began epoch ${later} without it`
      })
    }
  }

  #compare(sid: Sid, known: Group, group: Group): void {
    holds(known.first === group.first, 'TotalOrder', () => {
      const places = `${shortZxid(group.first)}, others ${shortZxid(known.first)}`
      return `P${sid} delivers ${places} at the same place`
    })
    holds(known.last === group.last && known.chain === group.chain, 'Agreement', () => {
      return `P${sid} delivers another group at ${shortZxid(group.first)}`
    })
  }

  #indexAfter(zxid: Zxid, sid: Sid): number {
    if (zxid === LOG_START.zxid) return 0
    const index = this.#byLast.get(zxid)
    holds(index !== undefined, 'PrefixConsistency', () => {
      return `P${sid} has delivered up to ${shortZxid(zxid)}, where no committed group ends`
    })
    return index + 1
  }

  #pointBefore(index: number): LogPoint {
    const group = this.#entries[index - 1]?.group
    return group === undefined ? LOG_START : { zxid: group.last, chain: group.chain }
  }
}

/**
 * A hand-driven cluster taken step by step: what could happen next, deaths that lose or keep the write under way, and
 * a witness who remembers everything that any peer ever delivered, because a client may have seen it there.
 */

import assert from 'node:assert/strict'
import { type Group, type LogPoint, pointOf } from '../../lib/base/group.ts'
import type { Zxid } from '../../lib/base/zxid.ts'
import { type Cluster, INIT_LIMIT_TICKS, type Sent } from '../zab/cluster.ts'
import { apply, type Disk } from '../zab/disks.ts'
import type { Choose } from './explore.ts'

export interface Step {
  /** `3>1` for a delivery, `write 1`, `load`. */
  readonly name: string
  /** The peer whose state it changes. */
  readonly peer: number
  /** The peers on whose state its outcome depends. */
  readonly depends: readonly number[]
  readonly take: () => void
}

/** One message at a time, or all that is on its way between two peers at once. */
export type Portion = 'message' | 'frame'

/** What could happen next: the head of each link, each write under way, the oldest load. */
export function stepsOf(cluster: Cluster, portion: Portion): Step[] {
  const steps = new Map<string, Step>()
  for (const { from, to } of cluster.onTheWay) {
    const name = `${from}>${to}`
    if (steps.has(name)) continue
    const isNext = (sent: Sent) => sent.from === from && sent.to === to
    const take =
      portion === 'frame' ? () => cluster.deliverFrame(from, to) : () => cluster.deliverOne(isNext)
    // More may join a frame as long as its sender goes on.
    const depends = portion === 'frame' ? [from, to] : [to]
    steps.set(name, { name, peer: to, depends, take })
  }
  for (const { sid, persist } of cluster.peers.values()) {
    if (persist === undefined) continue
    const name = `write ${sid}`
    steps.set(name, { name, peer: sid, depends: [sid], take: () => cluster.finishWrite(sid) })
  }
  const everybody = [...cluster.peers.keys()]
  if (cluster.unanswered > 0) {
    const take = () => cluster.answerLoad()
    steps.set('load', { name: 'load', peer: 0, depends: [0, ...everybody], take })
  }
  return [...steps.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * One way through the steps. Two steps that do not depend on one another lead to the same in either order, so only one
 * order is gone: what was tried before at a fork sleeps until something happens that it depends on.
 */
export class Walk {
  readonly #choose: Choose
  #asleep: Step[] = []

  constructor(choose: Choose) {
    this.#choose = choose
  }

  /** Picks the next step; undefined at the end of this way, or, with `mayStop`, at any point. */
  pick(steps: readonly Step[], mayStop = false): Step | undefined {
    const awake = steps.filter(({ name }) => this.#asleep.every(step => step.name !== name))
    const count = awake.length + (mayStop ? 1 : 0)
    if (count === 0) return undefined
    const at = this.#choose(count)
    const step = awake[at]
    if (step === undefined) return undefined
    const tried = [...this.#asleep, ...awake.slice(0, at)]
    this.#asleep = tried.filter(other => isIndependent(step, other))
    return step
  }
}

function isIndependent(a: Step, b: Step): boolean {
  return !a.depends.includes(b.peer) && !b.depends.includes(a.peer)
}

/** Moves on, oldest first, until the condition holds. */
export function runUntil(cluster: Cluster, done: () => boolean): void {
  for (let steps = 0; !done(); steps++) {
    assert.ok(steps < 10_000, 'it comes to that')
    if (cluster.deliverOne()) continue
    if (cluster.answerLoad()) continue
    const writer = [...cluster.peers.values()].find(peer => peer.persist !== undefined)
    if (writer === undefined) cluster.tick()
    else cluster.finishWrite(writer.sid)
  }
}

export function hasSent(cluster: Cluster, kind: string, which: (sent: Sent) => boolean): boolean {
  return cluster.log.some(sent => sent.message.kind === kind && which(sent))
}

/** A death. A write under way may have reached the disk although nobody was told. */
export function die(cluster: Cluster, sid: number, choose: Choose): Disk {
  const { persist, disk } = cluster.peer(sid)
  if (persist !== undefined && choose(2) === 1) apply(disk, persist)
  return cluster.crash(sid)
}

/** Remembers what any peer delivered to its tree, whatever became of that peer. */
export class Witness {
  readonly #cluster: Cluster
  /** Chains by zxid. */
  readonly #seen = new Map<Zxid, number>()
  readonly #looked = new Map<object, number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Looks at every peer; what two peers deliver at one place is the same. */
  look(): void {
    for (const peer of this.#cluster.peers.values()) {
      const from = this.#looked.get(peer) ?? 0
      for (const group of peer.delivered.slice(from)) this.#note(peer.sid, group)
      this.#looked.set(peer, peer.delivered.length)
    }
  }

  /** These were delivered once, before the cluster was there. */
  remember(groups: readonly Group[]): void {
    for (const group of groups) this.#note(0, group)
  }

  /** Everything that was ever delivered stands in the log of every peer that serves. */
  assertKept(): void {
    this.look()
    assert.ok(this.#cluster.leader, 'there is a leader that serves')
    for (const { sid, zab } of this.#cluster.peers.values()) {
      if (!zab.view.serving) continue
      for (const [zxid, chain] of this.#seen) {
        if (zxid <= zab.history.base.zxid) continue
        const point = zab.history.pointAt(zxid)
        assert.equal(point?.chain, chain, `what was seen at ${zxid} is kept by ${sid}`)
        assert.ok(zxid <= zab.view.committed, `what was seen at ${zxid} is committed at ${sid}`)
      }
    }
  }

  #note(sid: number, group: Group): void {
    const known = this.#seen.get(group.last)
    if (known !== undefined) {
      assert.equal(group.chain, known, `${sid} delivers at ${group.last} what others do`)
    }
    this.#seen.set(group.last, group.chain)
  }
}

/** The same disk for another way. */
export function copyOf(disk: Disk): Disk {
  return { ...disk, groups: [...disk.groups] }
}

/** Where the log on a disk ends. */
export function lastOf(disk: Disk): LogPoint {
  const group = disk.groups.at(-1)
  return group === undefined ? disk.logStart : pointOf(group)
}

/** Ticks until everybody serves. */
export function findTogether(cluster: Cluster): void {
  for (let ticks = 0; ticks < 3 * INIT_LIMIT_TICKS; ticks++) {
    if ([...cluster.peers.values()].every(({ zab }) => zab.view.serving)) return
    cluster.tick()
  }
  assert.fail('the cluster finds together')
}

/**
 * ZOOKEEPER-1412 and 1667: when a client reconnected, what its watches had missed was worked out from the wrong facts:
 * a watch on a node that had come, gone or changed meanwhile was told of the wrong thing, or not at all.
 *
 * Here a client's home dies at every step while what it watches changes in every way there is. However it hears of it,
 * it hears once, before anything shows it the change, and it hears of nothing that did not happen. Only a node that
 * came and went while nobody watched leaves no trace.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventType } from '../../lib/base/reply.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import { bytes, create, path, remove, set } from '../replica/support.ts'
import type { HandCall, HandClient } from './hand-client.ts'
import { HandEnsemble } from './hand-ensemble.ts'

interface Case {
  readonly kind: ReadRequest['kind']
  /** Whether the node is there when the watch is set; if so it has a child. */
  readonly present: boolean
  readonly changes: readonly WriteRequest[]
  /** What may be told; nothing when nothing happened. */
  readonly types: readonly EventType[]
  /** It came and went: it may pass unnoticed. */
  readonly untraced?: boolean
}

const WITHOUT_CHILD = [remove('/t/k'), remove('/t')]
const MADE_ANEW = [...WITHOUT_CHILD, create('/t', { data: bytes('new') })]

const CASES: readonly Case[] = [
  ...(['get', 'exists'] as const).flatMap((kind): Case[] => [
    { kind, present: true, changes: [set('/t', 'x')], types: ['dataChanged'] },
    { kind, present: true, changes: MADE_ANEW, types: ['deleted', 'dataChanged'] },
  ]),
  { kind: 'get', present: true, changes: [set('/t', 'x'), set('/t', 'y')], types: ['dataChanged'] },
  { kind: 'get', present: true, changes: WITHOUT_CHILD, types: ['deleted'] },
  { kind: 'get', present: true, changes: [remove('/t/k')], types: [] },
  { kind: 'exists', present: true, changes: [set('/u', 'x')], types: [] },
  { kind: 'exists', present: false, changes: [create('/t')], types: ['created'] },
  { kind: 'exists', present: false, changes: [create('/t'), set('/t', 'x')], types: ['created'] },
  {
    kind: 'exists',
    present: false,
    changes: [create('/t'), remove('/t')],
    types: ['created'],
    untraced: true,
  },
  {
    kind: 'exists',
    present: false,
    changes: [create('/t'), remove('/t'), create('/t')],
    types: ['created'],
  },
  { kind: 'children', present: true, changes: [create('/t/n')], types: ['childrenChanged'] },
  { kind: 'children', present: true, changes: [remove('/t/k')], types: ['childrenChanged'] },
  {
    kind: 'children',
    present: true,
    changes: [create('/t/n'), remove('/t/n')],
    types: ['childrenChanged'],
  },
  {
    kind: 'children',
    present: true,
    changes: WITHOUT_CHILD,
    types: ['childrenChanged', 'deleted'],
  },
  {
    kind: 'children',
    present: true,
    changes: MADE_ANEW,
    types: ['childrenChanged', 'deleted'],
  },
  { kind: 'children', present: true, changes: [set('/t', 'x')], types: [] },
]

/** What a watch of this kind waits to change, as far as a reply shows it. */
function shownBy(call: HandCall): string {
  const { stat, code } = call.reply!
  if (stat === undefined) return `${code}`
  return call.request.kind === 'children' ? `${stat.czxid} ${stat.pzxid}` : `${stat.mzxid}`
}

function read(client: HandClient, { kind }: Case, watch: boolean): HandCall {
  const call = client.ask({ kind, path: path('/t'), watch })
  client.pump()
  return call
}

/** A node, or its absence, watched by a client at 1. */
function watching(of: Case) {
  const ensemble = new HandEnsemble()
  const writer = ensemble.join('writer', 3)
  const watcher = ensemble.join('watcher', 1)
  writer.ask(create('/u'))
  if (of.present) for (const at of ['/t', '/t/k']) writer.ask(create(at))
  writer.pump()
  ensemble.findTogether()
  const watch = read(watcher, of, true)
  ensemble.settle()
  assert.ok(watch.reply, 'the watch is set')
  return { ensemble, writer, watcher, watch }
}

/** Told once, of what happened, and before anything that shows it. */
function assertTold(of: Case, watcher: HandClient, watch: HandCall, hint: string): void {
  const before = shownBy(watch)
  let told: EventType | undefined
  for (const each of watcher.told) {
    if (each.kind === 'event') {
      assert.equal(told, undefined, `told once, ${hint}`)
      told = each.event.type
      assert.ok(of.types.includes(told), `${told} did not happen, ${hint}`)
    } else if (each.call.request.kind === of.kind && each.call !== watch) {
      if (shownBy(each.call) === before) continue
      assert.ok(told !== undefined, `told before ${shownBy(each.call)} is shown, ${hint}`)
    } else if (of.types.length > 0 && each.call.request === of.changes[of.changes.length - 1]) {
      assert.ok(told !== undefined, `told before the own change is answered, ${hint}`)
    }
  }
  if (of.types.length > 0 && !of.untraced) assert.ok(told !== undefined, `told at all, ${hint}`)
}

for (const of of CASES) {
  const changes = of.changes.map(({ kind }) => kind).join(', ')
  const what = `${of.kind} on a node that is ${of.present ? 'there' : 'missing'}: ${changes}`
  for (const own of [false, true]) {
    test(`a watch by ${what}${own ? ', by the watcher itself' : ''}`, () => {
      for (let steps = 0; ; steps++) {
        const { ensemble, writer, watcher, watch } = watching(of)
        const author = own ? watcher : writer
        for (const change of of.changes) {
          author.ask(change)
          author.pump()
        }
        let taken = 0
        for (; taken < steps && ensemble.advance(); taken++) {
          // It looks all the time.
          if (taken % 4 === 0 && watcher.connection !== undefined) read(watcher, of, false)
        }
        if (taken < steps) break
        read(watcher, of, false)
        const disk = ensemble.crash(1)
        ensemble.settle()
        ensemble.findTogether()
        read(watcher, of, false)
        ensemble.start(1, disk)
        ensemble.findTogether()
        assertTold(of, watcher, watch, `after ${steps} steps`)
        ensemble.assertEqual()
      }
    })
  }
}

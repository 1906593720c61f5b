/**
 * A peer's ports to the other peers: made and replaced as the supervisor says, and with such faults as it sets. Both
 * ends greet; a link is up once the other end has, because a peer gets its links before it has recovered.
 */

import type { MessagePort } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import type { ControlMessage, LinkFault } from '../base/ports.ts'
import type { Sid } from '../base/zxid.ts'
import { Gate } from './gate.ts'

/** From this size on a frame's memory is handed over; below, copying is cheaper. */
const TRANSFER_BYTES = 8192
/** The first thing on a port; no fault is done to it. Frames are never empty. */
const GREETING = new Uint8Array(0)

export type LinkMessage = Extract<ControlMessage, { readonly kind: 'link' }>

interface Link {
  readonly port: MessagePort
  readonly incarnation: number
  /** Not 0 once one of the ends has a new link: that this one closes then is no sign of a death. */
  readonly replaced: Int32Array
  /** The other end has greeted. */
  isUp: boolean
  /** Only while a fault is set, or after frames were lost. */
  gate: Gate | undefined
}

export interface LinksListener {
  onLinkUp(sid: Sid): void
  onFrame(from: Sid, frame: Uint8Array): void
  onLinkDown(sid: Sid): void
  /** The peer at the other end of a link, be it up yet or not, is gone, not only the link. */
  onPeerGone(sid: Sid, incarnation: number): void
}

/** Small frames are copied, so that many can share memory; the memory of a large one is handed over. */
export function post(port: MessagePort, frame: Uint8Array): void {
  if (frame.length < TRANSFER_BYTES) port.postMessage(frame)
  else port.postMessage(frame, [frame.buffer as ArrayBuffer])
}

export class Links {
  readonly #listener: LinksListener
  readonly #links = new Map<Sid, Link>()
  #faults: ReadonlyMap<Sid, LinkFault> = new Map()

  constructor(listener: LinksListener) {
    this.#listener = listener
  }

  post(to: Sid, frame: Uint8Array): void {
    const link = this.#links.get(to)
    if (link === undefined) return
    if (link.gate === undefined) post(link.port, frame)
    else link.gate.post(frame)
  }

  connect({ sid, incarnation, port, replaced }: LinkMessage): void {
    const before = this.#links.get(sid)
    if (before !== undefined) {
      Atomics.store(before.replaced, 0, 1)
      this.#disconnect(sid, before)
    }
    const word = new Int32Array(replaced)
    const link: Link = { port, incarnation, replaced: word, isUp: false, gate: undefined }
    this.#links.set(sid, link)
    this.#guard(sid, link)
    port.on('message', (frame: Uint8Array) => {
      if (this.#links.get(sid) === link) this.#take(sid, link, frame)
    })
    port.on('close', () => this.#disconnect(sid, link))
    port.postMessage(GREETING)
  }

  /** Sets all faults there are from now on. Links whose fault is gone are as before, unless they have lost frames. */
  disturb(faults: readonly LinkFault[]): void {
    this.#faults = new Map(faults.map(fault => [fault.to, fault]))
    for (const [sid, link] of this.#links) this.#guard(sid, link)
  }

  close(): void {
    for (const { port, gate } of this.#links.values()) {
      gate?.close()
      port.close()
    }
  }

  #take(sid: Sid, link: Link, frame: Uint8Array): void {
    if (link.isUp) return this.#listener.onFrame(sid, frame)
    assert(frame.length === 0, 'a link begins with a greeting')
    link.isUp = true
    this.#listener.onLinkUp(sid)
  }

  #guard(sid: Sid, link: Link): void {
    const fault = this.#faults.get(sid)
    if (fault === undefined && link.gate === undefined) return
    link.gate ??= new Gate(link.port)
    link.gate.set(fault)
    if (link.gate.idle) link.gate = undefined
  }

  #disconnect(sid: Sid, link: Link): void {
    if (this.#links.get(sid) !== link) return
    this.#links.delete(sid)
    link.gate?.close()
    link.port.close()
    const wasReplaced = Atomics.load(link.replaced, 0) !== 0
    if (!wasReplaced) this.#listener.onPeerGone(sid, link.incarnation)
    if (link.isUp) this.#listener.onLinkDown(sid)
  }
}

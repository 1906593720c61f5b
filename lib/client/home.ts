/** The peer that serves a session: how it is chosen, and the connection to it. */

import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Board } from '../base/board.ts'
import type { ConnectMessage } from '../base/ports.ts'
import type { Sid } from '../base/zxid.ts'
import { wakeCount } from './wake.ts'

/**
 * The peer to connect to: the preferred one if it serves, else the leader (a write there takes two steps less), else
 * any that serves. Undefined when none does, during an election.
 */
export function chooseHome(
  board: Board,
  sids: Iterable<Sid>,
  preferred: Sid | undefined,
): Sid | undefined {
  let chosen: Sid | undefined
  let leader: Sid | undefined
  for (const sid of sids) {
    const role = board.role(sid)
    if (role === 'down' || role === 'looking') continue
    if (sid === preferred) return sid
    if (role === 'leading') leader = sid
    chosen ??= sid
  }
  return leader ?? chosen
}

/** A peer other than `sid` that leads: where to go when `sid` is stuck, though it may be shown as leading itself. */
export function otherLeader(board: Board, sids: Iterable<Sid>, sid: Sid): Sid | undefined {
  for (const other of sids) {
    if (other !== sid && board.role(other) === 'leading') return other
  }
  return undefined
}

/** Told what happens on a connection while the event loop turns. */
export interface HomeListener {
  onFrame(home: Home, frame: Uint8Array): void
  onGone(home: Home): void
}

export class Home {
  readonly sid: Sid
  readonly door: MessagePort
  readonly #incarnation: number
  readonly #port: MessagePort
  /** Node.js dereferences a null pointer when a port is read from within its `close` event. */
  #closed = false

  /** Announces a connection of that kind through the peer's door. */
  constructor(
    kind: ConnectMessage['kind'],
    sid: Sid,
    door: MessagePort,
    board: Board,
    listener: HomeListener,
  ) {
    this.sid = sid
    this.door = door
    this.#incarnation = board.incarnation(sid)
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    port1.on('message', (frame: Uint8Array) => listener.onFrame(this, frame))
    port1.on('close', () => {
      this.#closed = true
      listener.onGone(this)
    })
    const message: ConnectMessage = { kind, port: port2, wake: wakeCount.buffer }
    door.postMessage(message, [port2])
  }

  /** Whether the peer this connection was made to is gone. A blocked thread sees no `close`, only this. */
  isDown(board: Board): boolean {
    return board.role(this.sid) === 'down' || board.incarnation(this.sid) !== this.#incarnation
  }

  /** Tells everybody else; ignored when the peer has been started again meanwhile. */
  showDown(board: Board): void {
    board.showDown(this.sid, this.#incarnation)
  }

  /** Hands the frame over, not a copy of it: its bytes must be nobody else's. */
  post(frame: Uint8Array): void {
    this.#port.postMessage(frame, [frame.buffer as ArrayBuffer])
  }

  /** The next frame that has arrived and that no event has delivered. */
  take(): Uint8Array | undefined {
    if (this.#closed) return undefined
    return receiveMessageOnPort(this.#port)?.message as Uint8Array | undefined
  }

  keepAlive(on: boolean): void {
    if (on) this.#port.ref()
    else this.#port.unref()
  }

  close(): void {
    this.#port.close()
  }
}

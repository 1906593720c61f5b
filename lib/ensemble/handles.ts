/**
 * The handles given out: the ends of their ports that stay here. Each handle gets a door to every peer, and another one
 * each time a peer is started again. Which of them serve, the board shows.
 */

import { randomUUID } from 'node:crypto'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Board } from '../base/board.ts'
import type { HandleMessage } from '../base/ports.ts'
import { atExit, notAtExit } from './exit-calls.ts'
import type { SupervisedPeer } from './supervised-peer.ts'

/** Opens a way into the peer and returns its other end. */
function openDoor(peer: SupervisedPeer): MessagePort {
  const { port1, port2 } = new MessageChannel()
  peer.send({ kind: 'door', door: port2 }, [port2])
  return port1
}

export class Handles {
  readonly #board: Board
  readonly #dataBytesMax: number
  readonly #ensembleId = randomUUID()
  readonly #ports = new Set<MessagePort>()
  readonly #close = (): void => this.close()

  constructor(board: Board, dataBytesMax: number) {
    this.#board = board
    this.#dataBytesMax = dataBytesMax
    // Peers do not outlive the process, and a call that is blocked by then would wait for one that comes back.
    atExit(this.#close)
  }

  /** A new handle to all peers, with doors to those that are started. */
  create(peers: readonly SupervisedPeer[]): MessagePort {
    const { port1, port2 } = new MessageChannel()
    const doors = peers
      .filter(peer => peer.isStarted)
      .map(peer => ({ sid: peer.sid, door: openDoor(peer) }))
    const opened: HandleMessage = {
      kind: 'opened',
      ensembleId: this.#ensembleId,
      board: this.#board.memory,
      dataBytesMax: this.#dataBytesMax,
      peers: peers.map(({ sid }) => sid),
      doors,
    }
    port1.postMessage(
      opened,
      doors.map(({ door }) => door),
    )
    this.#ports.add(port1)
    // Its holder has closed it, or its thread has ended.
    port1.once('close', () => this.#ports.delete(port1))
    return port2
  }

  /** A peer was started: a door to it for everybody. */
  addDoors(peer: SupervisedPeer): void {
    for (const port of this.#ports) {
      const door = openDoor(peer)
      const message: HandleMessage = { kind: 'door', sid: peer.sid, door }
      port.postMessage(message, [door])
    }
  }

  close(): void {
    notAtExit(this.#close)
    const message: HandleMessage = { kind: 'closed' }
    for (const port of this.#ports) {
      port.postMessage(message)
      port.close()
    }
    this.#ports.clear()
  }
}

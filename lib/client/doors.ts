/**
 * The handle as a client sees it: the board, and a door to each peer. Doors of peers that are started later arrive on
 * the same port; `collect` fetches them without an event loop, and the port's events fetch them where one turns.
 */

import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { assert, unreachable } from '../base/assert.ts'
import { Board } from '../base/board.ts'
import { TreeError } from '../base/errors.ts'
import type { HandleMessage } from '../base/ports.ts'
import type { Sid } from '../base/zxid.ts'

/**
 * Moves the port into a new one that nobody else knows of; what waits in it comes along. The port itself must not be
 * read: Node.js crashes when it is closing, closed or transferred, and only the attempt to transfer it tells.
 * @throws TreeError BAD_ARGUMENTS.
 */
function takeOver(handle: MessagePort): MessagePort {
  const { port1, port2 } = new MessageChannel()
  try {
    port1.postMessage(handle, [handle])
    return receiveMessageOnPort(port2)?.message as MessagePort
  } catch (cause) {
    const why = 'this handle was connected, transferred or closed already'
    throw new TreeError('BAD_ARGUMENTS', `${why}: take a new handle from the ensemble`, { cause })
  } finally {
    port1.close()
  }
}

export class Doors {
  readonly #handle: MessagePort
  readonly #doors = new Map<Sid, MessagePort>()
  /** Tells this ensemble from others in the process. */
  readonly ensembleId: string
  readonly board: Board
  /** All peers there are, whether they are up or not. */
  readonly peers: readonly Sid[]
  /** Largest data of one znode that the ensemble takes. */
  readonly dataBytesMax: number
  /** Whether the ensemble was closed; its end of the handle closing says so too. */
  #ensembleClosed = false
  #readable = true

  /**
   * `onChange` is called when something arrived while nobody was collecting.
   * @throws TreeError BAD_ARGUMENTS when the port is no handle, or one that was used already.
   */
  constructor(handle: MessagePort, onChange: () => void) {
    const own = takeOver(handle)
    const first = receiveMessageOnPort(own)?.message as HandleMessage | undefined
    if (first?.kind !== 'opened') {
      own.close()
      const why = 'this port is no handle, or was read already'
      throw new TreeError('BAD_ARGUMENTS', `${why}: take a new handle from the ensemble`)
    }
    this.ensembleId = first.ensembleId
    this.board = new Board(first.board)
    this.dataBytesMax = first.dataBytesMax
    for (const { sid, door } of first.doors) this.#add(sid, door)
    this.peers = first.peers
    this.#handle = own
    own.on('message', (message: HandleMessage) => {
      this.#take(message)
      onChange()
    })
    own.on('close', () => {
      // We closed it.
      if (!this.#readable) return
      this.#readable = false
      this.#ensembleClosed = true
      onChange()
    })
    // The line decides what keeps the process alive.
    own.unref()
  }

  get ensembleClosed(): boolean {
    return this.#ensembleClosed
  }

  /** Peers that can be asked for a connection. */
  get sids(): Iterable<Sid> {
    return this.#doors.keys()
  }

  door(sid: Sid): MessagePort | undefined {
    return this.#doors.get(sid)
  }

  collect(): void {
    // Not once it is closed: Node.js crashes when a port is read from within its `close` event.
    while (this.#readable) {
      const received = receiveMessageOnPort(this.#handle)
      if (received === undefined) return
      this.#take(received.message as HandleMessage)
    }
  }

  /** A door that led nowhere: its peer is gone, and a new one brings a new door. */
  forget(sid: Sid, door: MessagePort): void {
    door.close()
    if (this.#doors.get(sid) === door) this.#doors.delete(sid)
  }

  close(): void {
    this.#readable = false
    this.#handle.close()
    for (const door of this.#doors.values()) door.close()
    this.#doors.clear()
  }

  #take(message: HandleMessage): void {
    switch (message.kind) {
      case 'door':
        this.#add(message.sid, message.door)
        return
      case 'closed':
        this.#ensembleClosed = true
        return
      default:
        assert(message.kind !== 'opened', 'a handle opens once')
        unreachable(message)
    }
  }

  #add(sid: Sid, door: MessagePort): void {
    this.#doors.get(sid)?.close()
    this.#doors.set(sid, door)
  }
}

/**
 * What travels on the ports that join an application thread to the ensemble, besides packed frames.
 *
 * A handle is one MessagePort. Its first message, waiting in it before it is handed out, gives a door to each peer; a
 * door is a port on which a client announces a connection of its own. So a client in any thread can reach every peer,
 * and fail over between them, without the main thread's help and without an event loop.
 */

import type { MessagePort } from 'node:worker_threads'
import type { Sid } from './zxid.ts'

/** Supervisor → holder of a handle. */
export type HandleMessage =
  | {
      readonly kind: 'opened'
      readonly board: SharedArrayBuffer
      readonly dataBytesMax: number
      readonly doors: readonly { readonly sid: Sid; readonly door: MessagePort }[]
    }
  /** A peer was started (again): a new way to it. */
  | { readonly kind: 'door'; readonly sid: Sid; readonly door: MessagePort }
  | { readonly kind: 'closed' }

/** Client → peer, through a door. Frames follow on `port`; after each, the peer bumps and notifies `wake[0]`. */
export interface ConnectMessage {
  readonly kind: 'connect'
  readonly port: MessagePort
  readonly wake: SharedArrayBuffer
}

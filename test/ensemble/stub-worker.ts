/**
 * A peer without a protocol: greets every peer it is linked with, and serves once it has heard from a majority; the
 * largest server id leads. Its status tells of its links instead of a tree. A text sent through one of its doors is an
 * order: `throw` or `exit`; what it does with its sessions is said at all of them.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { MessagePort } from 'node:worker_threads'
import { Board } from '../../lib/base/board.ts'
import { Lifeline } from '../../lib/base/lifeline.ts'
import type { ControlMessage, PeerBoot, PeerReport, PeerStatus } from '../../lib/base/ports.ts'
import { makeEpoch, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import { type Behaviour, STUB_VARIABLE } from './stub-behaviour.ts'

const LATE_MS = 100
const LOOK_MS = 5

function behaviourOf(sid: Sid): Behaviour {
  return JSON.parse(process.env[STUB_VARIABLE] ?? '{}')[sid] ?? {}
}

class StubPeer {
  readonly #boot: PeerBoot
  readonly #behaviour: Behaviour
  readonly #ports = new Map<Sid, MessagePort>()
  readonly #heard = new Set<Sid>()
  readonly #doors: MessagePort[] = []
  #serving = false
  #sessions: number
  resolve: () => void = () => undefined

  constructor(boot: PeerBoot, behaviour: Behaviour) {
    this.#boot = boot
    this.#behaviour = behaviour
    this.#sessions = behaviour.sessions ?? 0
  }

  start(): void {
    this.#boot.control.on('message', (message: ControlMessage) => this.#onControl(message))
    this.#report({ kind: 'ready', damage: undefined })
    this.#consider()
  }

  #report(report: PeerReport): void {
    this.#boot.control.postMessage(report)
  }

  #onControl(message: ControlMessage): void {
    switch (message.kind) {
      case 'link':
        return this.#link(message.sid, message.port)
      case 'door':
        this.#doors.push(message.door)
        message.door.on('message', (order: string) => {
          if (order === 'exit') process.exit(7)
          throw new Error(`stub ${this.#boot.sid} was told to ${order}`)
        })
        return
      case 'status':
        if (!this.#behaviour.mute) {
          this.#report({ kind: 'status', id: message.id, status: this.#status() })
        }
        return
      case 'closeSessions':
        for (const door of this.#doors) door.postMessage(this.#sessions)
        if (!this.#behaviour.clings) this.#sessions = 0
        return
      case 'close':
        for (const port of this.#ports.values()) port.close()
        this.resolve()
    }
  }

  #link(sid: Sid, port: MessagePort): void {
    this.#ports.set(sid, port)
    port.on('message', (from: Sid) => {
      this.#heard.add(from)
      this.#consider()
    })
    port.on('close', () => {
      if (this.#ports.get(sid) !== port) return
      this.#heard.delete(sid)
      this.#consider()
    })
    port.postMessage(this.#boot.sid)
  }

  #consider(): void {
    const { voters, sid, board } = this.#boot
    const serving = !this.#behaviour.idle && (this.#heard.size + 1) * 2 > voters.length
    const changed = serving !== this.#serving
    this.#serving = serving
    new Board(board).show(sid, this.#role)
    if (changed) this.#report({ kind: 'role', serving })
    if (serving && this.#behaviour.diesOnce && this.#boot.incarnation === 1) {
      throw new Error(`stub ${sid} dies once`)
    }
  }

  get #leader(): Sid {
    return Math.max(this.#boot.sid, ...this.#heard) as Sid
  }

  get #role(): 'leading' | 'following' | 'looking' {
    if (!this.#serving) return 'looking'
    return this.#leader === this.#boot.sid ? 'leading' : 'following'
  }

  #status(): PeerStatus {
    const { incarnation, founding } = this.#boot
    return {
      role: this.#role,
      leader: this.#serving ? this.#leader : undefined,
      serving: this.#serving,
      epoch: makeEpoch(incarnation),
      zxid: (founding ? 1 : 0) as Zxid,
      digest: 0,
      nodes: this.#heard.size,
      sessions: this.#sessions,
    }
  }
}

export async function runPeer(boot: PeerBoot): Promise<void> {
  new Lifeline(boot.lifeline).hold()
  const behaviour = behaviourOf(boot.sid)
  if (behaviour.crash) throw new Error(`stub ${boot.sid} crashes`)
  if (behaviour.refuse !== undefined) {
    const failure = { code: behaviour.refuse, message: 'the stub refuses', path: '/stub' }
    boot.control.postMessage({ kind: 'failed', failure } satisfies PeerReport)
    throw new Error('refused')
  }
  const peer = new StubPeer(boot, behaviour)
  if (!behaviour.hang) boot.control.postMessage({ kind: 'opened' } satisfies PeerReport)
  if (behaviour.late) await untilOthersServe(boot)
  await new Promise<void>(resolve => {
    peer.resolve = resolve
    // What is sent to it keeps it alive, and is not read.
    if (behaviour.hang || behaviour.slow) boot.control.on('message', () => undefined)
    else peer.start()
  })
  boot.control.close()
}

/** And a little longer, in which the ensemble is open. */
async function untilOthersServe({ board, voters }: PeerBoot): Promise<void> {
  const shown = new Board(board)
  while (!voters.some(voter => shown.role(voter) === 'leading')) await pause(LOOK_MS)
  await pause(LATE_MS)
}

/**
 * Programs that this one starts. Their process ids are noted in the run's directory as long as they live, so that
 * `bench/run.mjs` ends what a run that failed has left.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { extname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { runDirectory } from './places.ts'

const noted = new Set<number>()

function note(): void {
  writeFileSync(join(runDirectory(), 'pids'), [...noted].join('\n'))
}

export interface Server {
  readonly pid: number
  /** What it has said so far. */
  readonly output: () => string
  readonly isRunning: () => boolean
  /** With SIGKILL when it is to die as in a crash. */
  readonly stop: (signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>
}

const STOP_PATIENCE_MS = 10_000

/** Starts a program that goes on until it is stopped. What it says goes to `logFile`. */
export function startServer(command: string, args: readonly string[], logFile: string): Server {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { stdio: ['ignore', log, log] })
  closeSync(log)
  const { pid } = child
  if (pid === undefined) throw new Error(`cannot start ${command}`)
  noted.add(pid)
  note()
  const ended = once(child, 'exit').then(() => {
    noted.delete(pid)
    note()
  })
  return {
    pid,
    output: () => readFileSync(logFile, 'utf8'),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    stop: signal => stop(child, ended, signal),
  }
}

async function stop(
  child: ChildProcess,
  ended: Promise<void>,
  signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM',
): Promise<void> {
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS)
  await ended
  clearTimeout(timer)
}

/** Runs a program to its end; what it says of its progress is shown. @returns What it printed. */
export async function runProgram(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const { pid } = child
  if (pid !== undefined) noted.add(pid)
  note()
  try {
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    if (code === 0) return printed
    throw new Error(`${command} ended with code ${code}: ${printed.slice(-1000)}`)
  } finally {
    if (pid !== undefined) noted.delete(pid)
    note()
  }
}

/** Runs a program of this folder in a process of its own. @returns The last line that it prints, which is JSON. */
export async function runProcess<T>(
  entry: string,
  from: string,
  args: readonly string[],
): Promise<T> {
  const file = fileURLToPath(new URL(`${entry}${extname(new URL(from).pathname)}`, from))
  const printed = await runProgram(process.execPath, [...process.execArgv, file, ...args])
  return JSON.parse(printed.trimEnd().split('\n').at(-1)!) as T
}

export function isInstalled(command: string, versionFlag: string): boolean {
  return spawnSync(command, [versionFlag], { stdio: 'ignore' }).status === 0
}

/** Ports of loopback that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}

/** Waits until `probe` gives something. @throws Error with `what` when it takes too long. */
export async function untilReady<T>(
  what: string,
  patienceMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs / 1000} s: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/**
 * Runs one killer on one copy of the sources and judges how it ended. Only a promise found broken counts: a failed
 * assertion of a test or of the code itself, or a violation that a simulator or a program reports. Code that does not
 * load, a mistake in the words of JavaScript (a TypeError, say) or a time-out prove nothing.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Killer } from './mutation.ts'
import type { TestLine } from './reporter.ts'

export type Verdict =
  /** `passed`: how many tests or runs it looked at, if it counts them. */
  | { readonly kind: 'green'; readonly passed: number }
  | { readonly kind: 'red'; readonly by: string }
  /** Ended in a way that says nothing about the promise. */
  | { readonly kind: 'broken'; readonly why: string }

/** Beyond any honest killer's time, also on a machine that does other things. */
const PATIENCE_MS = 120_000
const TAIL_LENGTH = 1200

const LANGUAGE_ERRORS: ReadonlySet<string> = new Set([
  'TypeError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'EvalError',
  'URIError',
])
const FAILURES_OF_THE_RUNNER: ReadonlySet<string> = new Set([
  'testTimeoutFailure',
  'cancelledByParent',
  'subtestsFailed',
  'testAborted',
  'parentAlreadyFinished',
  'multipleCallbackInvocations',
  'callbackAndPromisePresent',
])

interface Ended {
  readonly code: number | null
  readonly output: string
  readonly timedOut: boolean
}

const BECAUSE_OF = new RegExp(`^because of (?:${[...LANGUAGE_ERRORS].join('|')})\\b`, 'm')
const SIMULATOR = ['test/sim/main.ts', '--profile', 'dense']
/** `seed 17 failed: Agreement: P2 has …` */
const SEED_FAILED = /^seed (\d+) failed: ((\w+): .*)$/m
const SEEDS_RAN = /^(\d+) seeds, /m

export function argumentsOf(killer: Killer): string[] {
  const node = ['--import', 'tsx']
  switch (killer.kind) {
    case 'test': {
      const { file, name } = killer
      const only = name === undefined ? [] : [`--test-name-pattern=/${escapeForPattern(name)}/`]
      return [...node, '--test-reporter=./test/mutations/reporter.ts', ...only, file]
    }
    case 'campaign': {
      const { seeds, from } = killer
      return [...node, ...SIMULATOR, '--no-shrink', '--seeds', `${seeds}`, '--from', `${from}`]
    }
    case 'program':
      return [...node, killer.file, ...killer.args]
  }
}

export async function runKiller(killer: Killer, directory: string): Promise<Verdict> {
  // A red test is known as soon as it is reported; the rest of the file tells nothing more.
  const isEnough =
    killer.kind === 'test' ? (output: string) => judgeTests(output, 1).kind === 'red' : () => false
  const ended = await run(argumentsOf(killer), directory, isEnough)
  if (ended.timedOut) return broken(`no end within ${PATIENCE_MS} ms`, ended.output)
  switch (killer.kind) {
    case 'test':
      return judgeTests(ended.output, ended.code)
    case 'campaign': {
      const verdict = judgeCampaign(ended)
      return verdict.kind === 'red' ? await confirm(verdict, ended.output, directory) : verdict
    }
    case 'program':
      return judgeProgram(ended, killer.complaint)
  }
}

function linesOf(output: string): TestLine[] {
  return output.split('\n').flatMap(line => {
    // The file that is tested may print too, and the last line may be under way.
    if (!line.startsWith('{"name":') || !line.endsWith('}')) return []
    return [JSON.parse(line) as TestLine]
  })
}

/** Whether a test failed because a promise was broken. */
function isComplaint({ passed, failureType, errors }: TestLine): boolean {
  if (passed || errors.length === 0) return false
  if (failureType === undefined || FAILURES_OF_THE_RUNNER.has(failureType)) return false
  return !errors.some(name => LANGUAGE_ERRORS.has(name))
}

export function judgeTests(output: string, code: number | null): Verdict {
  const lines = linesOf(output)
  const complaint = lines.find(isComplaint)
  if (complaint !== undefined) {
    return { kind: 'red', by: `${complaint.name} (${complaint.errors[0]}: ${complaint.message})` }
  }
  const passed = lines.filter(line => line.passed).length
  const failed = lines.find(line => !line.passed)
  if (failed !== undefined) return broken(`${failed.name}: ${failed.message}`, output)
  return code === 0 ? { kind: 'green', passed } : broken(`ended with code ${code}`, output)
}

export function judgeCampaign({ code, output }: Pick<Ended, 'code' | 'output'>): Verdict {
  if (code === 0) return { kind: 'green', passed: Number(SEEDS_RAN.exec(output)?.[1] ?? 0) }
  const found = SEED_FAILED.exec(output)
  if (code !== 1 || found === null) return broken(`ended with code ${code}`, output)
  const [, seed, message] = found
  return { kind: 'red', by: `seed ${seed}: ${message}` }
}

/** What breaks in the code under test is said to be an assertion; whether it is one, its run alone tells. */
async function confirm(verdict: Verdict, output: string, directory: string): Promise<Verdict> {
  const [, seed, , check] = SEED_FAILED.exec(output) ?? []
  if (seed === undefined || check !== 'Assertion') return verdict
  const args = ['--import', 'tsx', ...SIMULATOR, '--lines', '1', '--seed', seed]
  const again = await run(args, directory, () => false)
  return isMistakeInWords(again.output) ? broken(`seed ${seed}`, again.output) : verdict
}

export function isMistakeInWords(output: string): boolean {
  return BECAUSE_OF.test(output)
}

function judgeProgram({ code, output }: Ended, complaint: RegExp): Verdict {
  if (code === 0) return { kind: 'green', passed: 1 }
  const found = complaint.exec(output)
  if (code !== 1 || found === null) return broken(`ended with code ${code}`, output)
  return { kind: 'red', by: found[0].trim() }
}

function broken(why: string, output: string): Verdict {
  return { kind: 'broken', why: `${why}\n${output.slice(-TAIL_LENGTH)}` }
}

function escapeForPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** Killed with all that it started: a program may have children of its own. */
function kill(child: ChildProcess): void {
  try {
    if (process.platform !== 'win32' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    else child.kill('SIGKILL')
  } catch {
    // It ended by itself meanwhile.
  }
}

async function run(
  args: readonly string[],
  cwd: string,
  isEnough: (output: string) => boolean,
): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  let output = ''
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    kill(child)
  }, PATIENCE_MS)
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (text.includes('\n') && isEnough(output)) kill(child)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  kill(child)
  return { code, output, timedOut }
}

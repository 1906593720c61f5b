/** The options that all programs of this folder share, and what they make of them. */

import type { ParseArgsConfig } from 'node:util'
import type { Plan } from '../load/series.ts'
import { countArgument, numberArgument } from './arguments.ts'
import { fromCaller, isInMemory, runDirectory } from './places.ts'

type Options = NonNullable<ParseArgsConfig['options']>

export const RUN_OPTIONS = {
  seconds: { type: 'string', default: '5' },
  runs: { type: 'string', default: '3' },
  'warm-up': { type: 'string', default: '10' },
  directory: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const satisfies Options

export const RUN_OPTIONS_USAGE = `  --seconds N      length of one run (5)
  --runs N         runs of each row; the row is their median (3)
  --warm-up N      seconds before the first run of each row (10)
  --directory DIR  where the data goes: on the disk that is meant (in the repository)
  --json FILE      the result as JSON`

export interface RunOptions extends Plan {
  readonly directory: string
  readonly jsonFile: string | undefined
}

interface RunValues {
  readonly seconds: string
  readonly runs: string
  readonly 'warm-up': string
  readonly directory?: string | undefined
  readonly json?: string | undefined
}

export function runOptions(values: RunValues): RunOptions {
  const directory = values.directory === undefined ? runDirectory() : fromCaller(values.directory)
  if (isInMemory(directory)) console.error(`${directory} is in memory: syncs cost nothing there`)
  return {
    seconds: numberArgument('seconds', values.seconds, 0.1),
    runs: countArgument('runs', values.runs, 1),
    warmUpSeconds: numberArgument('warm-up', values['warm-up'], 0),
    directory,
    jsonFile: values.json === undefined ? undefined : fromCaller(values.json),
  }
}

/** What of the options belongs into a result: no path of this machine. */
export function planOf({ seconds, runs, warmUpSeconds }: Plan): Plan {
  return { seconds, runs, warmUpSeconds }
}

/** Which of `known` are asked for; all when `text` says nothing. */
export function chooseParts<T extends string>(
  name: string,
  text: string | undefined,
  known: readonly T[],
): ReadonlySet<T> {
  if (text === undefined) return new Set(known)
  const chosen = text.split(',').map(word => {
    const part = known.find(each => each === word)
    if (part !== undefined) return part
    throw new Error(`--${name}: there is no '${word}': choose from ${known.join(', ')}`)
  })
  return new Set(chosen)
}

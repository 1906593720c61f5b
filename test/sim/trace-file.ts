/** Traces in files: written while a run goes on, and checked line by line, so that long ones need no memory. */

import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describeEvent } from './describe.ts'
import type { OnEvent } from './trace.ts'
import { TraceCheck } from './trace-check.ts'
import { type TraceEvent, toJson } from './trace-event.ts'

/** Lines are gathered up to so many characters before they are written. */
const BUFFER_LENGTH = 1 << 18
/** Findings that are shown; what follows from the first may be many. */
const FINDINGS_SHOWN = 20

class LineFile {
  readonly #descriptor: number
  #buffer = ''

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w')
  }

  add(line: string): void {
    this.#buffer += `${line}\n`
    if (this.#buffer.length > BUFFER_LENGTH) this.#flush()
  }

  close(): void {
    this.#flush()
    closeSync(this.#descriptor)
  }

  #flush(): void {
    writeSync(this.#descriptor, this.#buffer)
    this.#buffer = ''
  }
}

/** A trace in either form or both; events are not asked for when it is neither. */
export class TraceFiles {
  readonly #json: LineFile | undefined
  readonly #text: LineFile | undefined

  constructor(jsonPath: string | undefined, textPath: string | undefined) {
    this.#json = jsonPath === undefined ? undefined : new LineFile(jsonPath)
    this.#text = textPath === undefined ? undefined : new LineFile(textPath)
  }

  get onEvent(): OnEvent | undefined {
    if (this.#json === undefined && this.#text === undefined) return undefined
    return (event: TraceEvent): void => {
      this.#json?.add(toJson(event))
      this.#text?.add(describeEvent(event))
    }
  }

  close(): void {
    this.#json?.close()
    this.#text?.close()
  }
}

/** Returns whether every predicate holds, and prints which do not. */
export async function checkTraceFile(path: string): Promise<boolean> {
  const check = new TraceCheck()
  let lines = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    check.line(line)
    lines++
  }
  const { findings, groups, reigns } = check
  for (const { at, actor, predicate, what } of findings.slice(0, FINDINGS_SHOWN)) {
    console.log(`${(at / 1000).toFixed(3).padStart(11)} ${actor} ${predicate}: ${actor} ${what}`)
  }
  const size = `${lines} events, ${reigns} reigns, ${groups} groups delivered`
  console.log(`${size}: ${findings.length} findings`)
  return findings.length === 0
}

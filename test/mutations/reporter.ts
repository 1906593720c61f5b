/** What `node --test-reporter` writes for the gate: one line of JSON for each test that ran. */

import type { TestEvent } from 'node:test/reporters'

/** One test that ran to its end. */
export interface TestLine {
  readonly name: string
  readonly passed: boolean
  /** How it failed, in the words of node:test. */
  readonly failureType: string | undefined
  /** Names of the error and of what it was caused by, outermost first. */
  readonly errors: readonly string[]
  readonly message: string
}

const MESSAGE_LENGTH_MAX = 300
const DEPTH_MAX = 8

function chainOf(error: unknown): Error[] {
  const chain: Error[] = []
  for (let at = error; at instanceof Error && chain.length < DEPTH_MAX; at = at.cause) {
    chain.push(at)
  }
  return chain
}

function lineOf(event: TestEvent): TestLine | undefined {
  if (event.type === 'test:pass') {
    const { name, skip } = event.data
    if (skip !== undefined) return undefined
    return { name, passed: true, failureType: undefined, errors: [], message: '' }
  }
  if (event.type !== 'test:fail') return undefined
  const { name, details } = event.data
  // The runner's own error stands around what the test threw.
  const wrapper: Error & { failureType?: string } = details.error
  const chain = chainOf(wrapper.cause)
  const message = chain.length > 0 ? chain.map(each => each.message).join(' <- ') : String(wrapper)
  return {
    name,
    passed: false,
    failureType: wrapper.failureType,
    errors: chain.map(each => each.name),
    message: message.replaceAll(/\s+/g, ' ').slice(0, MESSAGE_LENGTH_MAX),
  }
}

// biome-ignore lint/style/noDefaultExport: node:test takes a reporter from there and nowhere else.
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const line = lineOf(event)
    if (line !== undefined) yield `${JSON.stringify(line)}\n`
  }
}

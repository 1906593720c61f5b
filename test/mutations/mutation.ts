/**
 * A mutation is one mistake that a person could make in the shipped code, as a change of its text. It is made in a copy
 * of the sources, so that nothing that ships knows of it. Killers are what must notice it: the cheapest first.
 */

export interface Patch {
  /** From the root of the repository. */
  readonly file: string
  /** Exact text, which occurs in the file once. */
  readonly find: string
  readonly replace: string
}

export type Killer =
  /** A test file; with `name`, only the tests whose name has that in it. */
  | { readonly kind: 'test'; readonly file: string; readonly name: string | undefined }
  /** Short runs of the simulator, one after the other until one breaks a promise. */
  | { readonly kind: 'campaign'; readonly from: number; readonly seeds: number }
  /** A program that ends with code 1, after saying what matches `complaint`, when a promise was broken. */
  | {
      readonly kind: 'program'
      readonly file: string
      readonly args: readonly string[]
      readonly complaint: RegExp
    }

export interface Mutation {
  /** Unique, in words joined by dashes. */
  readonly name: string
  /** The mistake in one sentence. */
  readonly says: string
  readonly patches: readonly Patch[]
  /** Tried in this order until one notices. */
  readonly killers: readonly Killer[]
}

export function patch(file: string, find: string, replace: string): Patch {
  return { file, find, replace }
}

export function testFile(file: string, name?: string): Killer {
  return { kind: 'test', file, name }
}

export function campaign(seeds: number, from = 1): Killer {
  return { kind: 'campaign', from, seeds }
}

export function program(file: string, args: readonly string[], complaint: RegExp): Killer {
  return { kind: 'program', file, args, complaint }
}

/** As a person would name it. */
export function describeKiller(killer: Killer): string {
  switch (killer.kind) {
    case 'test':
      return killer.name === undefined ? killer.file : `${killer.file}: ${killer.name}`
    case 'campaign':
      return `simulator (dense), seeds ${killer.from} to ${killer.from + killer.seeds - 1}`
    case 'program':
      return [killer.file, ...killer.args].join(' ')
  }
}

/** The account that the shim keeps of one life of a process, read back. Its lines are described in `shim/shim.c`. */

export type Event =
  | {
      readonly kind: 'create' | 'empty'
      readonly change: number
      readonly inode: number
      readonly path: string
    }
  | {
      readonly kind: 'rename'
      readonly change: number
      readonly inode: number
      /** What was replaced is kept. */
      readonly kept: boolean
      readonly path: string
      readonly newPath: string
    }
  | {
      readonly kind: 'unlink'
      readonly change: number
      readonly inode: number
      readonly kept: boolean
      readonly path: string
    }
  | {
      readonly kind: 'write'
      readonly change: number
      readonly inode: number
      readonly kept: boolean
      readonly offset: number
      readonly length: number
      readonly path: string
    }
  | { readonly kind: 'mkdir' | 'rmdir'; readonly change: number; readonly path: string }
  | {
      readonly kind: 'sync'
      readonly isDirectory: boolean
      /** How many changes were done before it began. */
      readonly changes: number
      readonly inode: number
      readonly size: number
      /** Of the file; more than `size` when there is room behind what was written. */
      readonly length: number
      readonly path: string
    }

export interface Passages {
  /** How often each point was passed, by its name. */
  readonly passed: ReadonlyMap<string, number>
  /** The point and phase where the process killed itself, as `name,phase`. */
  readonly killedAt: string | undefined
}

/** What the shim calls directories: parts of a peer's own, and all others. */
const DIRECTORIES: readonly (string | undefined)[] = ['directory', 'segment', 'snapshot']

/** Lines of either file of a life; the last one may be missing its end. */
function linesOf(text: string): string[] {
  const lines = text.split('\n')
  lines.pop()
  return lines
}

/** Takes as many words from the front as there are numbers and names before the path. */
function split(line: string, words: number): { readonly words: string[]; readonly path: string } {
  const parts = line.split(' ')
  return { words: parts.slice(0, words), path: parts.slice(words).join(' ') }
}

function parseEvent(line: string): Event | undefined {
  const kind = line.slice(0, line.indexOf(' '))
  switch (kind) {
    case 'create':
    case 'empty':
    case 'mkdir':
    case 'rmdir': {
      const { words, path } = split(line, 4)
      return { kind, change: Number(words[2]), inode: Number(words[3]), path }
    }
    case 'rename': {
      const { words, path: paths } = split(line, 5)
      const [path, newPath] = paths.split('\t')
      const kept = words[4] === '1'
      const change = Number(words[2])
      return { kind, change, inode: Number(words[3]), kept, path: path!, newPath: newPath! }
    }
    case 'unlink': {
      const { words, path } = split(line, 5)
      return {
        ...{ kind, change: Number(words[2]), inode: Number(words[3]) },
        ...{ kept: words[4] === '1', path },
      }
    }
    case 'write': {
      const { words, path } = split(line, 7)
      const [change, inode, kept, offset, length] = words.slice(2).map(Number)
      const place = { offset: offset!, length: length! }
      return { kind, change: change!, inode: inode!, kept: kept === 1, ...place, path }
    }
    case 'sync': {
      const { words, path } = split(line, 6)
      const [changes, inode, size, length] = words.slice(2).map(Number)
      const isDirectory = DIRECTORIES.includes(words[1])
      const numbers = { changes: changes!, inode: inode!, size: size!, length: length! }
      return { kind, isDirectory, ...numbers, path }
    }
    default:
      return undefined
  }
}

export function parseAccount(text: string): Event[] {
  return linesOf(text)
    .map(parseEvent)
    .filter(event => event !== undefined)
}

/** From the shim's account and the threads' own file, in which each passage is a line. */
export function parsePassages(text: string): Passages {
  const passed = new Map<string, number>()
  let killedAt: string | undefined
  for (const line of linesOf(text)) {
    const [kind, ...rest] = line.split(' ')
    if (kind === 'killed') killedAt = rest.join(' ')
    const name = kind === 'pass' ? rest.join(' ') : `${kind} ${rest[0]}`
    passed.set(name, (passed.get(name) ?? 0) + 1)
  }
  return { passed, killedAt }
}

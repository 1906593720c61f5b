/**
 * The house rules, each a function from the sources to what breaks it. What needs a parser is left to Biome: length of
 * functions, `any`, enums, default exports, formatting.
 */

import { dirname, join } from 'node:path/posix'
import {
  CODE_COLUMNS_MAX,
  ENTRANCES,
  FILE_LINES_MAX,
  LINE_COLUMNS_MAX,
  PACKAGES,
  PURE,
  ROOMS,
} from './rooms.ts'
import { type Import, lineAt, type SourceFile } from './source.ts'

/** `file:line: what is wrong`, as a terminal makes clickable. */
export type Finding = string
export type Rule = (sources: readonly SourceFile[]) => Finding[]

function finding(source: SourceFile, line: number, message: string): Finding {
  return `${source.path}:${line}: ${message}`
}

function isLib(source: SourceFile): boolean {
  return source.path.startsWith('lib/')
}

/** `lib/<room>/…` → the room; a file directly in `lib/` is a room of its own. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? ''
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.')
}

function targetOf(source: SourceFile, found: Import): string {
  return join(dirname(source.path), found.specifier)
}

function searchAll(
  sources: readonly SourceFile[],
  view: 'text' | 'code' | 'comments',
  pattern: RegExp,
  message: (hit: string) => string,
): Finding[] {
  return sources.flatMap(source =>
    [...source[view].matchAll(pattern)].map(hit =>
      finding(source, lineAt(source.text, hit.index), message(hit[0].trim())),
    ),
  )
}

export const importDirection: Rule = sources =>
  sources.filter(isLib).flatMap(source => {
    const room = roomOf(source.path)
    const allowed = ROOMS[room]
    if (allowed === undefined) return [finding(source, 1, `'${room}' is not in the table of rooms`)]
    return source.imports
      .filter(found => found.kind !== 'url')
      .flatMap(found => {
        const refusal = refuse(source, room, allowed, found)
        return refusal === undefined ? [] : [finding(source, found.line, refusal)]
      })
  })

function refuse(
  source: SourceFile,
  room: string,
  allowed: readonly string[],
  found: Import,
): string | undefined {
  const { specifier } = found
  if (specifier.startsWith('node:')) return undefined
  if (!isRelative(specifier)) {
    const users = PACKAGES[specifier]
    if (users?.includes(room)) return undefined
    return `${room} may not use the package '${specifier}' (${users?.join(', ') ?? 'no room'} may)`
  }
  const target = targetOf(source, found)
  if (!target.startsWith('lib/')) return `${target} is outside lib`
  if (roomOf(target) === room || allowed.includes(roomOf(target))) return undefined
  if (allowed.includes(target.slice('lib/'.length))) return undefined
  return `${room} may not import ${target} (it may: ${allowed.join(', ') || 'nothing'})`
}

/** The pure files, and whatever they need at run time. */
function pureSources(sources: readonly SourceFile[]): SourceFile[] {
  const byPath = new Map(sources.map(source => [source.path, source]))
  const pure = new Set(sources.filter(source => PURE.test(source.path)))
  // A set hands out what is added while it is walked.
  for (const source of pure) {
    for (const found of source.imports) {
      if (found.typeOnly || !isRelative(found.specifier)) continue
      const target = byPath.get(targetOf(source, found))
      if (target !== undefined) pure.add(target)
    }
  }
  return [...pure]
}

const IMPURE_NAMES = [
  String.raw`(?:new\s+)?Date\b(?!\s*:)`,
  String.raw`Math\s*\.\s*random\b`,
  String.raw`(?:performance|process|console|crypto)\s*[.[]`,
  String.raw`(?:setTimeout|setInterval|setImmediate|queueMicrotask|globalThis)\b`,
]
/** Not behind a dot, unless the dots are those of a spread. */
const IMPURE = new RegExp(String.raw`(?<![\w$#]|(?<!\.\.)\.)(?:${IMPURE_NAMES.join('|')})`, 'g')

export const purity: Rule = sources => {
  const pure = pureSources(sources)
  const imports = pure.flatMap(source =>
    source.imports
      .filter(found => !found.typeOnly && !isRelative(found.specifier))
      .map(found =>
        finding(source, found.line, `a pure file may not import '${found.specifier}' at run time`),
      ),
  )
  return [...imports, ...searchAll(pure, 'code', IMPURE, hit => `a pure file may not use ${hit}`)]
}

export const fileLength: Rule = sources =>
  sources.flatMap(source => {
    const lines = source.text.replace(/\n$/, '').split('\n').length
    if (lines <= FILE_LINES_MAX) return []
    return [finding(source, FILE_LINES_MAX + 1, `${lines} lines, more than ${FILE_LINES_MAX}`)]
  })

/** Biome wraps code; it cannot wrap a comment or a literal, which may go on a little further. */
export const lineLength: Rule = sources =>
  sources.flatMap(source => {
    const code = source.code.split('\n')
    return source.text.split('\n').flatMap((line, index) => {
      const codeColumns = code[index]!.replace(/[\s)\]},;]+$/, '').length
      if (line.length > LINE_COLUMNS_MAX)
        return [finding(source, index + 1, `${line.length} columns, more than ${LINE_COLUMNS_MAX}`)]
      if (codeColumns > CODE_COLUMNS_MAX)
        return [finding(source, index + 1, `code goes beyond column ${CODE_COLUMNS_MAX}`)]
      return []
    })
  })

export const noDeferredWork: Rule = sources =>
  searchAll(sources, 'comments', /\b(?:TODO|FIXME|XXX|HACK)\b/g, hit => `${hit}: do it or drop it`)

const UNEVEN =
  /\b(?:test|it|describe|suite)\s*\.\s*(?:only|skip|todo)\b|\b(?:only|skip|todo)\s*:\s*true\b/g

export const noPartialTests: Rule = sources =>
  searchAll(
    sources.filter(source => source.path.startsWith('test/')),
    'code',
    UNEVEN,
    hit => `'${hit}' would leave tests out`,
  )

export const openingComment: Rule = sources =>
  sources.filter(isLib).flatMap(source => {
    const words = source.comments.trimStart().split(/\s+/, 6).length
    if (/^\s*\/[/*]/.test(source.text) && words >= 5) return []
    return [finding(source, 1, 'does not begin with a comment that says what the file owns')]
  })

export const noDeadFiles: Rule = sources => {
  const byPath = new Map(sources.filter(isLib).map(source => [source.path, source]))
  const reached = new Set(ENTRANCES.flatMap(path => byPath.get(path) ?? []))
  for (const source of reached) {
    for (const found of source.imports) {
      const target = byPath.get(targetOf(source, found))
      if (target !== undefined) reached.add(target)
    }
  }
  return [...byPath.values()]
    .filter(source => !reached.has(source))
    .map(source => finding(source, 1, `dead file: not reached from ${ENTRANCES.join(' or ')}`))
}

export const noBarrels: Rule = sources =>
  sources
    .filter(source => isLib(source) && source.path !== 'lib/index.ts')
    .flatMap(source => [
      ...(source.path.endsWith('/index.ts') ? [finding(source, 1, 'a barrel: name it')] : []),
      ...source.imports
        .filter(found => found.kind === 'export')
        .map(found => finding(source, found.line, 're-export: only lib/index.ts is a barrel')),
    ])

/** Paths that exist on one machine only. `root` is where this copy of the repository lies. */
export function noMachinePaths(sources: readonly SourceFile[], root: string): Finding[] {
  const here = root.replace(/[\\/]+$/, '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = new RegExp(
    `${here}\\b|(?<![\\w.:/])/(?:home|Users)/\\w+|\\b[A-Z]:\\\\\\\\?Users\\b`,
    'g',
  )
  return searchAll(sources, 'text', pattern, hit => `'${hit}' is a path of one machine`)
}

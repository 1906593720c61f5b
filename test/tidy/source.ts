/**
 * A source file as the house rules look at it. A small scanner tells code, comments and literals apart, so that a rule
 * about code is not upset by a word in a comment. It knows tokens only, not the grammar: rules that need a parser are
 * Biome's.
 */

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly text: string
  /** The text with comments and literals blanked. Every view keeps the length and the line breaks of the text. */
  readonly code: string
  /** The text with everything but comments blanked. */
  readonly comments: string
  /** The text with comments blanked. */
  readonly uncommented: string
  readonly imports: readonly Import[]
}

export interface Import {
  readonly specifier: string
  readonly line: number
  /** Gone at run time. */
  readonly typeOnly: boolean
  readonly kind: 'import' | 'export' | 'dynamic' | 'url'
}

type Kind = 'code' | 'comment' | 'literal'

interface Token {
  readonly kind: Kind
  readonly end: number
  /** The code, when the next slash may depend on it. */
  readonly word: string
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'?|"(?:[^"\\\n]|\\[\s\S])*"?/y
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const WORD = /[\w$]+|\s+|./uy
/** Words after which a slash begins a regular expression and does not divide. */
const BEFORE_OPERAND = /^(?:return|typeof|case|in|of|do|else|void|delete|await|yield|throw)$/

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** One scan of a text. Nested template literals are followed with a stack of the braces that are open. */
class Scanner {
  readonly #text: string
  readonly #braces: ('block' | 'template')[] = []
  #before = ''

  constructor(text: string) {
    this.#text = text
  }

  next(at: number): Token {
    const text = this.#text
    const comment = match(COMMENT, text, at)
    if (comment !== undefined) return { kind: 'comment', end: at + comment.length, word: '' }
    const string = match(STRING, text, at)
    if (string !== undefined) return this.#literal(at + string.length)
    if (text[at] === '`') return this.#template(at + 1)
    if (text[at] === '}' && this.#braces.pop() === 'template') return this.#template(at + 1)
    const regexp = this.#operandExpected() ? match(REGEXP, text, at) : undefined
    if (regexp !== undefined) return this.#literal(at + regexp.length)
    const word = match(WORD, text, at)!
    if (word === '{') this.#braces.push('block')
    if (word.trim() !== '') this.#before = word
    return { kind: 'code', end: at + word.length, word }
  }

  #template(at: number): Token {
    const chunk = match(TEMPLATE, this.#text, at) ?? ''
    if (!chunk.endsWith('${')) return this.#literal(at + chunk.length)
    this.#braces.push('template')
    this.#before = '{'
    return { kind: 'literal', end: at + chunk.length, word: '' }
  }

  #literal(end: number): Token {
    this.#before = ')'
    return { kind: 'literal', end, word: '' }
  }

  #operandExpected(): boolean {
    return BEFORE_OPERAND.test(this.#before) || !/^[\w$)\]}]/.test(this.#before)
  }
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}

/** The number, from 1, of the line that holds the character at `index`. */
export function lineAt(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line++
  return line
}

const CLAUSE = String.raw`(?:\*(?:\s+as\s+[\w$]+)?|[\w$]+|(?:[\w$]+\s*,\s*)?\{[^}]*\})`
const STATIC = new RegExp(
  String.raw`\b(import|export)\b(\s+type\b(?!\s*from\b))?\s*(?:${CLAUSE}\s*from\s*)?(['"])(.+?)\3`,
  'g',
)
const DYNAMIC = /\b(?:import|require)\s*\(\s*(['"])(.+?)\1/g
const URL = /\bnew\s+URL\s*\(([^()]*?),\s*import\.meta\.url/g
const RELATIVE = /(['"`])(\.{1,2}\/.+?)\1/g

function findImports(uncommented: string, code: string): Import[] {
  const found: Import[] = []
  for (const [pattern, isStatic] of [[STATIC, true] as const, [DYNAMIC, false] as const]) {
    for (const hit of uncommented.matchAll(pattern)) {
      // A statement quoted in a literal is blank in the code view.
      if (code[hit.index] === ' ') continue
      const line = lineAt(uncommented, hit.index)
      if (!isStatic) found.push({ specifier: hit[2]!, line, typeOnly: false, kind: 'dynamic' })
      else {
        const kind = hit[1] === 'export' ? 'export' : 'import'
        found.push({ specifier: hit[4]!, line, typeOnly: hit[2] !== undefined, kind })
      }
    }
  }
  for (const hit of uncommented.matchAll(URL)) {
    if (code[hit.index] === ' ') continue
    const line = lineAt(uncommented, hit.index)
    for (const literal of hit[1]!.matchAll(RELATIVE)) {
      // A worker may be named with the extension of the build it runs in.
      const specifier = literal[2]!.replace(/\.js$|\$\{[^}]*\}$/, '.ts')
      found.push({ specifier, line, typeOnly: false, kind: 'url' })
    }
  }
  return found
}

export function parseSource(path: string, text: string): SourceFile {
  const views = { code: '', comments: '', uncommented: '' }
  const scanner = new Scanner(text)
  for (let at = 0; at < text.length; ) {
    const { kind, end } = scanner.next(at)
    const piece = text.slice(at, end)
    const space = blank(piece)
    views.code += kind === 'code' ? piece : space
    views.comments += kind === 'comment' ? piece : space
    views.uncommented += kind === 'comment' ? space : piece
    at = end
  }
  return { path, text, ...views, imports: findImports(views.uncommented, views.code) }
}

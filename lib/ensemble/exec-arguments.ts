/**
 * The options of Node.js that a peer's thread starts with. A thread inherits those of the process, which is right but
 * for `--input-type`: it says what a program given as text (`node -e`) is, and Node.js refuses it for one in a file.
 */

const INPUT_TYPE = '--input-type'
/** What a program may need to be loaded at all; other options of the process hold for its threads anyway. */
const LOADING: readonly string[] = [
  '--import',
  ...['--require', '-r'],
  ...['--loader', '--experimental-loader'],
  ...['--conditions', '-C'],
]

function isOption(argument: string, name: string): boolean {
  return argument === name || argument.startsWith(`${name}=`)
}

/**
 * Options for a thread of a process that has `processArguments`; undefined where it may inherit them. Only what is
 * known to be allowed is passed on: a thread that is explicitly given an option of the whole process (`--expose-gc`,
 * `--max-old-space-size`, …) is refused too.
 */
export function threadArguments(processArguments: readonly string[]): string[] | undefined {
  if (!processArguments.some(argument => isOption(argument, INPUT_TYPE))) return undefined
  return processArguments.flatMap((argument, at) => {
    if (!LOADING.some(name => isOption(argument, name))) return []
    const value = processArguments[at + 1]
    return argument.includes('=') || value === undefined ? [argument] : [argument, value]
  })
}

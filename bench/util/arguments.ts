/** Numbers from the command line. */

/** @throws Error when `text` is not a number from `low` on. */
export function numberArgument(name: string, text: string, low: number): number {
  const value = Number(text)
  if (text !== '' && value >= low && value < Infinity) return value
  throw new Error(`--${name} must be a number from ${low}, not '${text}'`)
}

/** @throws Error when `text` is not a whole number from `low` on. */
export function countArgument(name: string, text: string, low: number): number {
  const value = numberArgument(name, text, low)
  if (Number.isInteger(value)) return value
  throw new Error(`--${name} must be a whole number, not '${text}'`)
}

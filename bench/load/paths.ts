/** Paths of the nodes that are written and read, all made before the first call. */

const NODES_PER_PARENT = 1000

/** The parents that `pathsOf` needs, `top` first. */
export function parentsOf(top: string, count: number): string[] {
  const parents = Math.ceil(count / NODES_PER_PARENT)
  return [top, ...Array.from({ length: parents }, (_, at) => `${top}/group-${at}`)]
}

/**
 * `count` paths below `top`, a thousand with one parent. Each is one piece of memory, as if it came from a file or a
 * message: V8 puts strings together as trees of pieces, and every store would be timed with those being fetched.
 */
export function pathsOf(top: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) =>
    inOnePiece(`${top}/group-${Math.floor(at / NODES_PER_PARENT)}/node-${at}`),
  )
}

function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** The same in an order without a pattern that a cache could learn; always the same one. */
export function shuffled<T>(items: readonly T[]): T[] {
  const shuffledItems = [...items]
  let state = 1
  for (let at = shuffledItems.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const other = Math.floor((state / 2 ** 32) * (at + 1))
    const item = shuffledItems[at]!
    shuffledItems[at] = shuffledItems[other]!
    shuffledItems[other] = item
  }
  return shuffledItems
}

/** Tables for people: aligned on a terminal, or as markdown for the documentation. */

/** The first line is the heading; the first column is text, the others are figures. */
export type Lines = readonly (readonly string[])[]

export function formatTable(lines: Lines): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(line => line[column]!.length)))
  return lines
    .map(([first, ...others]) => {
      const cells = others.map((cell, at) => cell.padStart(widths[at + 1]!))
      return [first!.padEnd(widths[0]!), ...cells].join('  ').trimEnd()
    })
    .join('\n')
}

export function formatMarkdown(lines: Lines): string {
  const [heading, ...rest] = lines
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = `|${heading!.map((_, at) => (at === 0 ? '---' : '---:')).join('|')}|`
  return [row(heading!), rule, ...rest.map(row)].join('\n')
}

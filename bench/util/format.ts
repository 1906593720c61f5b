/** Figures as people read them. */

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

export function formatCount(value: number): string {
  return COUNT.format(value)
}

/** `1 file`, `2 files`. */
export function formatNumberOf(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** In the unit that suits it, from nanoseconds to seconds. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`
  if (ms >= 10) return `${ms.toFixed(0)} ms`
  if (ms >= 1) return `${ms.toFixed(1)} ms`
  return ms >= 0.001 ? `${(ms * 1e3).toFixed(ms < 0.01 ? 1 : 0)} µs` : `${(ms * 1e6).toFixed(0)} ns`
}

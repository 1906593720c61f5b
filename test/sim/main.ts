/**
 * `npm run sim -- --seeds 1000 --from 1`: many runs, each from its seed; with `--jobs N`, in N processes.
 * `npm run sim -- --seed 17`: one run again, with its trace. `--mutation NAME` switches a bug on.
 */

import { run } from './run.ts'

const t = performance.now()
const args = process.argv.slice(2)
const get = (name: string, fallback: number): number => {
  const at = args.indexOf(name)
  return at < 0 ? fallback : Number(args[at + 1])
}
const from = get('--from', 1)
const seeds = get('--seeds', 100)
const one = get('--seed', 0)
const m = args.includes('--mutation') ? args[args.indexOf('--mutation') + 1] : 'none'
if (one > 0) {
  const r = run({ seed: one, traceLines: get('--lines', 300), mutation: m as 'none' })
  console.log(r.trace.join('\n'))
  console.log(r.violation?.stack, (r.violation?.cause as Error)?.stack)
  console.log(r.counters)
} else {
  const total: Record<string, number> = {}
  let failed = 0
  for (let seed = from; seed < from + seeds; seed++) {
    const r = run({ seed, mutation: m as 'none' })
    for (const [k, v] of Object.entries(r.counters)) total[k] = (total[k] ?? 0) + v
    if (r.violation) {
      console.log(seed, r.violation.message)
      if (++failed >= get('--stop', 10)) break
    }
  }
  console.log(total, (performance.now() - t) / seeds, 'ms/seed')
}

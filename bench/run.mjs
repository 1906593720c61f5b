// Runs a program of this folder as the package ships: `node bench/run.mjs compare …`. Library and benchmarks are
// compiled, since the loader that runs the sources doubles the time a thread takes to start, and is no part of what
// users run. Options of Node.js before the file name hold for the program too (`node --cpu-prof bench/run.mjs write`).
// All that a run leaves behind is in one directory, which goes when the run ends, however it ends; so do the processes
// it has started. Plain JavaScript: it is what compiles the rest.

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../.ci/bundle.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const place = join(root, '.quorumtree', 'bench')

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** A run notes the process ids of its servers in a file, and takes out those it has ended itself. */
function endServers(directory) {
  let noted
  try {
    noted = readFileSync(join(directory, 'pids'), 'utf8')
  } catch {
    return
  }
  for (const line of noted.split('\n')) {
    if (line === '') continue
    try {
      process.kill(Number(line), 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

function end(directory) {
  endServers(directory)
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** A run that was killed together with this program left its directory. */
function removeEarlier() {
  for (const name of readdirSync(place)) {
    const pid = /^run-(\d+)-\w{6}$/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid))) end(join(place, name))
  }
}

function compile(outDir) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const project = join(root, 'bench', 'tsconfig.json')
  const args = [compiler, '-p', project, '--outDir', outDir]
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error('the sources do not compile')
}

/** Resolves to the exit code. A signal is for the run to obey; this program stays to clear up after it. */
function run(program, args, directory) {
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, BENCH_RUN_DIRECTORY: directory },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal))
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? 1))
  })
}

const [name, ...args] = process.argv.slice(2)
mkdirSync(place, { recursive: true })
removeEarlier()
const directory = mkdtempSync(join(place, `run-${process.pid}-`))
try {
  const built = join(directory, 'built')
  compile(built)
  // A peer's program is one file in the package.
  await bundle({ 'lib/peer/worker': 'lib/peer/worker.ts' }, built)
  process.exitCode = await run(join(built, 'bench', `${name}.js`), args, directory)
} finally {
  end(directory)
}

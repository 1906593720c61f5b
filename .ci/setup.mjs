// Installs the packages when they are missing or not the ones the lock file names. Says nothing when all is in place.
// Plain JavaScript without imports from packages: it runs before there are any.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(`${root}/${lockFile}`, 'utf8')).packages
  } catch {
    return undefined
  }
}

/** True when npm's own record of what it installed agrees with the lock file. */
function isInstalled() {
  const wanted = packagesOf('package-lock.json')
  const installed = packagesOf('node_modules/.package-lock.json')
  if (wanted === undefined || installed === undefined) return false
  for (const [place, { version, integrity, optional }] of Object.entries(wanted)) {
    if (place === '') continue
    const found = installed[place]
    // Packages for other platforms are optional and are not installed here.
    if (found === undefined && optional) continue
    if (found?.version !== version || found.integrity !== integrity) return false
  }
  return Object.keys(installed).every(place => wanted[place] !== undefined)
}

function install() {
  process.stderr.write('quorumtree: installing packages (npm ci)\n')
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const options = { cwd: root, stdio: ['ignore', 2, 2] }
  const result = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (result.error) process.stderr.write(`quorumtree: ${result.error.message}\n`)
  return result.status ?? 1
}

if (!isInstalled()) process.exitCode = install()

/**
 * An application with an ensemble of real peers, in a process of its own. Arguments: what to do, and the directory.
 * What it says last is said by `exit`, when nothing keeps the process alive any more.
 */

import { openEnsemble } from '../../lib/index.ts'

const [task, dataDir] = process.argv.slice(2)

function attempt(call: () => unknown): unknown {
  try {
    call()
    return 'done'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

async function main(): Promise<void> {
  const ensemble = await openEnsemble({ peers: 3, dataDir: dataDir! })
  const tree = await ensemble.connect({ timeoutMs: 600_000 })
  switch (task) {
    case 'close':
      tree.create('/kept', 'by the first')
      tree.close()
      return await ensemble.close()
    case 'unref':
      tree.close()
      ensemble.unref()
      // Work under way keeps the process alive nevertheless.
      await ensemble.status()
      process.send?.('asked')
      return
    case 'stay':
      tree.create('/kept', 'by the victim')
      tree.close()
      process.send?.('serving')
      return
    case 'exit': {
      // Unlike a listener that was there before the ensemble, this one comes when the peers are gone.
      process.on('exit', () => {
        const said = [attempt(() => tree.set('/', '')), attempt(() => tree.close()), tree.state]
        process.send?.(said)
      })
      return process.exit(0)
    }
    case 'lock':
      tree.create('/lock', 'by the victim', { ephemeral: true })
      process.send?.('locked')
  }
}

void main().then(() => process.disconnect())

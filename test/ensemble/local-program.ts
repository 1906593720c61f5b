/**
 * An application that reads locally and then closes its session, or lets it go; when nothing keeps its process alive
 * any more, that ends.
 */

import { openEnsemble } from '../../lib/index.ts'
import { countLocally } from './local-counts.ts'

const [task] = process.argv.slice(2)
const counts = countLocally()

async function main(): Promise<void> {
  const ensemble = await openEnsemble({ peers: 1, durability: 'memory' })
  const tree = await ensemble.connect()
  while (counts.reads === 0) {
    await tree.promises.get('/')
    await new Promise(resolve => setImmediate(resolve))
  }
  process.send?.('local')
  if (task === 'close') {
    await tree.promises.close()
    await ensemble.close()
  } else {
    tree.unref()
    ensemble.unref()
  }
}

void main().then(() => process.disconnect())

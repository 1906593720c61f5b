// The last step of the build, after the compiler has written the declarations: the programs, as one file each.

import { bundle } from './bundle.mjs'

// The library finds a peer's program beside its own folder, as among the sources.
await bundle({ 'library/index': 'lib/index.ts', 'peer/worker': 'lib/peer/worker.ts' }, 'dist')

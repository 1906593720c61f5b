/** A process that exits while one of its threads is in a turn. Argument: the file of the thread's notes. */

import { startLabour } from './labour.ts'

await startLabour(process.argv[2]!)
process.exit(0)

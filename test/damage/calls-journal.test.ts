/** The first, the second, the third … call of LevelDB fails, in a store of one segment that gets what a journal had. */

import { testEachCall } from './calls.ts'

testEachCall('one segment, behind a journal', { durability: 'process' })

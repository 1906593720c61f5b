/** Where there are many small directories, each synced a hundred times for a test that is not about a disk. */

import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** In memory, where there is such a place: calls fail there all the same, and those that do not cost nothing. */
export const FAST_PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** CRC-32 by the fastest means there is: that of Node.js, which it has from 20.15 on, or else ours. */

import * as zlib from 'node:zlib'
import { crc32 } from '../base/crc32.ts'

export const checksum: (bytes: Uint8Array) => number = zlib.crc32 ?? crc32

/** The process of one room: measures what its arguments say, and prints the chapter as JSON. */

import type { Chapter } from './chapter.ts'
import { measureNodes } from './nodes.ts'
import type { GrowthOptions, RoomName } from './options.ts'
import { measurePayload, measurePeers, measureThreads } from './scaling.ts'
import { measureSessions } from './sessions.ts'

const MEASURES: Readonly<Record<RoomName, (options: GrowthOptions) => Promise<Chapter>>> = {
  nodes: measureNodes,
  sessions: measureSessions,
  peers: measurePeers,
  payload: measurePayload,
  threads: measureThreads,
}

const [room, options] = process.argv.slice(2)
const chapter = await MEASURES[room as RoomName](JSON.parse(options!) as GrowthOptions)
console.log(JSON.stringify(chapter))

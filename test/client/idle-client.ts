/** A thread that opens a session, lets go of it and has nothing else to do. */

import { type MessagePort, workerData } from 'node:worker_threads'
import { connect } from '../../lib/client/connect.ts'

const { handle } = workerData as { handle: MessagePort }
const tree = await connect(handle)
await tree.promises.create('/idle')
await tree.promises.exists('/idle', { watch: () => {} })
tree.unref()

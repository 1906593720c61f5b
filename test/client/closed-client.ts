/** A thread that closes its session while a watch is still to be told, and has nothing else to do. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connect } from '../../lib/client/connect.ts'
import { COMMANDS } from './fake-commands.ts'

const { handle } = workerData as { handle: MessagePort }
const tell = (word: string): void => parentPort?.postMessage(word)
const tree = await connect(handle, { onState: tell })
tree.create('/fickle', COMMANDS.fickle)
void tree.promises.get('/fickle', { watch: ({ type }) => tell(type) }).then(() => tell('got'))
void tree.promises.close().then(() => tell('done'))

/**
 * Writes to etcd as its own clients do: gRPC calls, any number at once on one HTTP/2 connection. Just enough of gRPC
 * for that: a call is one message with five bytes before it, and its status comes in the trailers.
 */

import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Target } from '../load/closed-loop.ts'

const PUT = {
  ':method': 'POST',
  ':path': '/etcdserverpb.KV/Put',
  'content-type': 'application/grpc',
  te: 'trailers',
}
const KEY_FIELD = 1
const VALUE_FIELD = 2
const BYTES_TYPE = 2
const OK = '0'

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return bytes
}

function bytesField(field: number, bytes: Uint8Array): Uint8Array {
  const tag = (field << 3) | BYTES_TYPE
  return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes])
}

/** A whole put request, with its five bytes in front. */
function putMessage(key: string, value: Uint8Array): Uint8Array {
  const fields = [bytesField(KEY_FIELD, Buffer.from(key)), bytesField(VALUE_FIELD, value)]
  const message = Buffer.concat(fields)
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

export class EtcdClient {
  readonly #session: ClientHttp2Session

  static async open(url: string): Promise<EtcdClient> {
    const session = connect(url)
    await once(session, 'connect')
    return new EtcdClient(session)
  }

  private constructor(session: ClientHttp2Session) {
    this.#session = session
  }

  /** Sets these keys in turn; the requests are made before the first. */
  putTarget(keys: readonly string[], value: Uint8Array): Target<string | undefined> {
    const messages = keys.map(key => putMessage(key, value))
    return {
      call: at => this.#call(messages[at % messages.length]!),
      isRight: status => status === OK,
    }
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#session.close(resolve))
  }

  #call(message: Uint8Array): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(PUT)
      stream.once('trailers', headers => resolve(headers['grpc-status'] as string | undefined))
      stream.once('error', reject)
      // A call that was refused has no trailers; settling twice does nothing.
      stream.once('close', () => resolve(undefined))
      stream.resume()
      stream.end(message)
    })
  }
}

/**
 * The gateway: what a user passes is checked and normalised here, once, and becomes a call. Both faces come through
 * it, and nothing behind it checks again.
 */

// Imported because the global is a getter, which each call would call.
import { Buffer } from 'node:buffer'
import { types } from 'node:util'
import { type Acl, OPEN_ACL, parseAcl } from '../base/acl.ts'
import { show, TreeError } from '../base/errors.ts'
import { PARENTS_MAX } from '../base/limits.ts'
import { parsePath, parseSequentialPrefix } from '../base/path.ts'
import type { Stat } from '../base/stat.ts'
import {
  childrenAnswer,
  existsAnswer,
  type GetResult,
  getAnswer,
  noAnswer,
  pathAnswer,
  statAnswer,
} from './answers.ts'
import { Call } from './core-call.ts'
import {
  badArgument,
  type CreateOptions,
  checkFlag,
  checkFunction,
  checkOptions,
  type Data,
  type VersionOptions,
  type WatchOptions,
} from './options.ts'

const CREATE_OPTIONS: readonly (keyof CreateOptions)[] = [
  'ephemeral',
  'sequential',
  'parents',
  'acl',
]
const VERSION_OPTIONS: readonly (keyof VersionOptions)[] = ['version']
const WATCH_OPTIONS: readonly (keyof WatchOptions)[] = ['watch']

// Taken from the prototype once, so that no subclass can stand in for them.
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
const BYTE_LENGTH = Object.getOwnPropertyDescriptor(TYPED_ARRAY, 'byteLength')!.get!
const COPY_FROM = TYPED_ARRAY.set

const VERSION_MAX = 0x7fffffff
const ANY_VERSION = -1

function checkSize(bytes: number, path: string, bytesMax: number): void {
  if (bytes <= bytesMax) return
  const limit = `the limit is ${bytesMax} (dataBytesMax)`
  const message = `data for ${path} is ${bytes} bytes, ${limit}: split it, or raise the limit`
  throw new TreeError('DATA_TOO_LARGE', message, { path })
}

/** The bytes, in memory of our own: the call may be sent again long after the caller has changed theirs. */
function toBytes(data: Data, path: string, bytesMax: number): Uint8Array {
  if (typeof data === 'string') {
    // UTF-8 takes at most three bytes for a unit of UTF-16: most text needs no counting.
    if (data.length * 3 > bytesMax) checkSize(Buffer.byteLength(data), path, bytesMax)
    return Buffer.from(data)
  }
  if (!types.isUint8Array(data)) {
    throw badArgument(`data for ${path} must be a string or a Uint8Array, not ${show(data)}`, path)
  }
  return copyOf(data, path, bytesMax)
}

/** Copies the bytes there are, whatever the methods of a subclass say; another realm's are as good as ours. */
function copyOf(data: Uint8Array, path: string, bytesMax: number): Uint8Array {
  const length: number = Reflect.apply(BYTE_LENGTH, data, [])
  checkSize(length, path, bytesMax)
  const copy = Buffer.allocUnsafe(length)
  try {
    Reflect.apply(COPY_FROM, copy, [data])
  } catch {
    // The length of transferred memory is 0, so this is what tells it from empty data.
    throw badArgument(`data for ${path} was transferred elsewhere: pass it before, or a copy`, path)
  }
  return copy
}

function versionOf(method: string, path: string, options: VersionOptions | undefined): number {
  checkOptions(method, options, VERSION_OPTIONS, path)
  const version = options?.version
  if (version === undefined) return ANY_VERSION
  if (Number.isInteger(version) && version >= ANY_VERSION && version <= VERSION_MAX) return version
  const range = `an integer from ${ANY_VERSION} (any) to ${VERSION_MAX}`
  throw badArgument(`option version must be ${range}, not ${show(version)}`, path)
}

function watcherOf(
  method: string,
  path: string,
  options: WatchOptions | undefined,
): WatchOptions['watch'] {
  checkOptions(method, options, WATCH_OPTIONS, path)
  return checkFunction(options?.watch, 'watch', path)
}

function aclOf(path: string, options: CreateOptions | undefined): Acl {
  const acl = options?.acl
  if (acl === undefined) return OPEN_ACL
  if (acl === null) throw badArgument('option acl must be a list, not null', path)
  return parseAcl(acl, path)
}

function checkParents(path: string): void {
  // One part is before the first slash, one is the node's own name.
  const above = path.split('/').length - 2
  if (above <= PARENTS_MAX) return
  const limit = `with { parents: true } it may have ${PARENTS_MAX}`
  throw badArgument(`${above} nodes are above it, ${limit}: create the upper ones before`, path)
}

export function createCall(
  text: string,
  data: Data,
  options: CreateOptions | undefined,
  bytesMax: number,
): Call<string> {
  // How the path is to be read depends on an option, so options are checked first.
  const given = typeof text === 'string' ? text : undefined
  checkOptions('create', options, CREATE_OPTIONS, given)
  const sequential = checkFlag(options?.sequential, 'sequential', given)
  const path = sequential ? parseSequentialPrefix(text) : parsePath(text)
  const acl = aclOf(path, options)
  const ephemeral = checkFlag(options?.ephemeral, 'ephemeral', path)
  const parents = checkFlag(options?.parents, 'parents', path)
  if (parents) checkParents(path)
  const bytes = toBytes(data, path, bytesMax)
  const request = {
    kind: 'create',
    path,
    data: bytes,
    acl,
    ephemeral,
    sequential,
    parents,
  } as const
  return new Call(request, pathAnswer)
}

export function getCall(text: string, options: WatchOptions | undefined): Call<GetResult> {
  const path = parsePath(text)
  const watcher = watcherOf('get', path, options)
  return new Call({ kind: 'get', path, watch: watcher !== undefined }, getAnswer, watcher)
}

export function setCall(
  text: string,
  data: Data,
  options: VersionOptions | undefined,
  bytesMax: number,
): Call<Stat> {
  const path = parsePath(text)
  const version = versionOf('set', path, options)
  return new Call({ kind: 'set', path, data: toBytes(data, path, bytesMax), version }, statAnswer)
}

export function deleteCall(text: string, options: VersionOptions | undefined): Call<void> {
  const path = parsePath(text)
  return new Call({ kind: 'delete', path, version: versionOf('delete', path, options) }, noAnswer)
}

export function existsCall(text: string, options: WatchOptions | undefined): Call<Stat | null> {
  const path = parsePath(text)
  const watcher = watcherOf('exists', path, options)
  return new Call({ kind: 'exists', path, watch: watcher !== undefined }, existsAnswer, watcher)
}

export function childrenCall(text: string, options: WatchOptions | undefined): Call<string[]> {
  const path = parsePath(text)
  const watcher = watcherOf('children', path, options)
  return new Call({ kind: 'children', path, watch: watcher !== undefined }, childrenAnswer, watcher)
}

export function syncCall(): Call<void> {
  return new Call({ kind: 'sync' }, noAnswer)
}

export function closeCall(): Call<void> {
  return new Call({ kind: 'closeSession' }, noAnswer)
}

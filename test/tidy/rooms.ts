/** The rooms of `lib/`: who may import whom, which of them are pure, and where the outside is reached. */

/** Room → what its files may import besides their own room. An entry with a slash is that one file. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  tree: ['base'],
  zab: ['base'],
  replica: ['base', 'tree'],
  wire: ['base'],
  storage: ['base', 'zab/types.ts'],
  gateway: ['base', 'wire'],
  peer: ['base', 'tree', 'zab', 'replica', 'storage', 'gateway'],
  ensemble: ['base', 'client'],
  client: ['base', 'tree', 'replica', 'wire'],
  recipes: ['base', 'client'],
  'index.ts': ['ensemble', 'client', 'recipes', 'base'],
}

/** Rooms and files that do no I/O and know no clock and no chance, so that the simulator can run them from a seed. */
export const PURE = /^lib\/(?:(?:base|tree|zab|replica|wire)\/|(?:peer|client)\/core[^/]*\.ts$)/

/** Packages, and the rooms that may use them. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  // The ensemble only loads it, so that LevelDB's addon stays in the process from the first peer to the last.
  level: ['storage', 'ensemble'],
  piscina: ['ensemble', 'peer'],
}

/** Where the program is entered: the public surface, and the worker that the ensemble starts by its URL. */
export const ENTRANCES: readonly string[] = ['lib/index.ts', 'lib/peer/worker.ts']

export const FILE_LINES_MAX = 400
export const CODE_COLUMNS_MAX = 100
export const LINE_COLUMNS_MAX = 120

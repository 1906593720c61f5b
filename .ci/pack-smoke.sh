#!/usr/bin/env bash
# Packs the package, installs the tarball into an empty directory and uses it there: as a program, and as types.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cd "$root"
npm pack --loglevel=error --pack-destination "$place" >/dev/null
tarball=$(echo "$place"/quorumtree-*.tgz)

mkdir "$place/app"
cd "$place/app"
echo '{ "name": "smoke", "private": true, "type": "module" }' >package.json
npm install --no-audit --no-fund --loglevel=error "$tarball" >/dev/null
cp "$root/.ci/pack-smoke.mjs" app.mjs

# The program must come to its end by itself.
timeout 120 node app.mjs | tee output
grep -qx 'pack smoke: ok' output

# The declarations must be complete in themselves.
cat >types.mts <<'TYPES'
import { type Faults, openEnsemble } from 'quorumtree'

const ensemble = await openEnsemble({ peers: 3, dataDir: 'data' })
const tree = await ensemble.connect()
export const faults: Faults = ensemble.faults
await faults.partition([[1], [2, 3]])
await faults.partition({ from: 1, to: [2, 3] })
export const data: Buffer = tree.get('/greeting').data
export const version: number = (await tree.promises.set('/greeting', 'good day')).version
TYPES
node "$root/node_modules/typescript/bin/tsc" --noEmit --strict --target ES2022 --module NodeNext \
  --lib ES2023,ESNext.Disposable --types node --typeRoots "$root/node_modules/@types" types.mts
echo 'pack smoke: types ok'

#!/bin/sh
# Writes src/generated from openapi/openapi.json, with the generator that package-lock.json
# pins. With a folder as the argument it writes there instead, to be compared.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ -d "$here/node_modules/@hey-api/openapi-ts" ] || npm ci --prefix "$here" --no-audit --no-fund --silent
exec node "$here/generate.mjs" "$@"

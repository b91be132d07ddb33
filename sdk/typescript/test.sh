#!/usr/bin/env bash
# Tests the package against a running `countersign dev`: COUNTERSIGN_READY_FILE names what its
# --ready-file wrote. Leaves node_modules, dist and build behind, which git ignores.
set -euo pipefail
: "${COUNTERSIGN_READY_FILE:?must name the ready file of a running countersign dev}"
COUNTERSIGN_READY_FILE=$(realpath "$COUNTERSIGN_READY_FILE")
export COUNTERSIGN_READY_FILE LC_ALL=C.UTF-8 NO_COLOR=1
cd "$(dirname "${BASH_SOURCE[0]}")"
cache="${COUNTERSIGN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign}"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
    { echo "the generator needs Node.js 20.19 or newer" >&2; exit 1; }
lock=$(sha256sum package-lock.json | cut -c 1-16)
if [ "$(cat node_modules/.installed 2>/dev/null)" != "$lock" ]; then
    npm ci --cache "$cache/npm" --prefer-offline --no-audit --no-fund --silent
    echo "$lock" >node_modules/.installed
fi
tsc=node_modules/.bin/tsc

./generate.sh "$temp/generated"
diff -r src/generated "$temp/generated" || { echo "the API has changed: run ./generate.sh" >&2; exit 1; }
rm -rf dist build
"$tsc" --strict -p tsconfig.json
"$tsc" --strict -p tests
node --test --test-reporter=spec build/*.test.js

#!/usr/bin/env bash
# Tries the client against the running `countersign dev` that COUNTERSIGN_READY_FILE names.
# All that it needs is pinned in the go.mod and go.sum of this folder, tools/ and tests/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${COUNTERSIGN_READY_FILE:?must name the ready file of a running countersign dev}"
COUNTERSIGN_READY_FILE=$(realpath "$COUNTERSIGN_READY_FILE")
cache="${COUNTERSIGN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign}/sdk-go"
mkdir -p "$cache"
export COUNTERSIGN_READY_FILE GOWORK=off GOFLAGS=-mod=readonly GOCACHE="$cache/build" GOMODCACHE="${GOMODCACHE:-$cache/modules}"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
fail() { echo "$*" >&2; exit 1; }

cmp -s LICENSE ../../LICENSE || fail "LICENSE is not that of the project."
./generate.sh "$temp"
diff -u generated.go "$temp/generated.go" || fail "generated.go is not what openapi.json says. Run sdk/go/generate.sh."

# Beside the compiler: a Go that is installed as a package brings only `go` onto the path.
badly=$("$(go env GOROOT)/bin/gofmt" -l .)
[ -z "$badly" ] || fail "gofmt would change: $badly"
for module in . tools tests; do
    (cd "$module" && go vet ./...)
done
(cd tools && go build -o "$temp/staticcheck" honnef.co/go/tools/cmd/staticcheck)
"$temp/staticcheck" ./...
(cd tests && "$temp/staticcheck" ./...)

go test -count=1 ./...
(cd tests && go test -count=1 -timeout 120s ./...)

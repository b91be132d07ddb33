#!/usr/bin/env bash
# Makes generated.go of ../../openapi/openapi.json, here or in the folder that is named.
#   ./generate.sh [FOLDER]
# The generator and all below it are pinned in tools/go.mod and tools/go.sum.
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "${BASH_SOURCE[0]}")}")
cd "$(dirname "${BASH_SOURCE[0]}")/tools"
prepared=$(mktemp)
trap 'rm -f "$prepared"' EXIT
mkdir -p "$out"
go run ./prepare ../../../openapi/openapi.json >"$prepared"
go tool oapi-codegen --config oapi-codegen.yaml --templates templates -o "$out/generated.go" "$prepared"

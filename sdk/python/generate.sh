#!/usr/bin/env bash
# Generates src/countersign/_generated from ../../openapi/openapi.json, or into OUT: ./generate.sh [OUT]
# Needs the tools of requirements-dev.txt in the PATH (test.sh puts them there).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${1:-src/countersign/_generated}
temp=$(mktemp -d "${TMPDIR:-/tmp}/countersign-generate.XXXXXX")
trap 'rm -rf "$temp"' EXIT

python generator/prepare.py ../../openapi/openapi.json "$temp/openapi.json"
openapi-python-client generate --path "$temp/openapi.json" --meta none --fail-on-warning \
    --config generator/config.yaml --custom-template-path generator/templates --output-path "$temp/all" >&2

# One file for the models, one for each resource; the generator writes one for each class and operation.
made="$temp/made"
mkdir -p "$made/api"
cp "$temp/all/__init__.py" "$made/__init__.py"
cp "$temp/all/models/__init__.py" "$made/models.py"
cp "$temp/all/api/__init__.py" "$made/api/__init__.py"
for resource in "$temp/all/api"/*/; do
    cp "$resource/__init__.py" "$made/api/$(basename "$resource").py"
done
ruff check --quiet --isolated --target-version py310 --select F401,I --fix "$made"
ruff format --quiet --isolated --target-version py310 --line-length 110 "$made"

mkdir -p "$(dirname "$out")"
rm -rf "$out"
mv "$made" "$out"

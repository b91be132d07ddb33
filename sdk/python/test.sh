#!/usr/bin/env bash
# The whole test of this SDK: COUNTERSIGN_READY_FILE=/path/of/ready.json ./test.sh
#
# The file is that of a running `countersign dev --ready-file`; messages of webhooks are tested
# too if its delivery.allowed_networks holds 127.0.0.0/8. What is installed stands in COUNTERSIGN_CACHE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${COUNTERSIGN_READY_FILE:?names the ready file of a running countersign dev}"
COUNTERSIGN_READY_FILE=$(realpath "$COUNTERSIGN_READY_FILE")
export COUNTERSIGN_READY_FILE
cache="${COUNTERSIGN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign}"
export LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
unset COUNTERSIGN_KEY COUNTERSIGN_URL PYTHONPATH VIRTUAL_ENV
temp=$(mktemp -d "${TMPDIR:-/tmp}/countersign-python.XXXXXX")
trap 'rm -rf "$temp"' EXIT

# ---- tools, once for each requirements-dev.txt and Python ------------------------------------------

digest=$({ python3 --version; cat requirements-dev.txt; } | sha256sum | cut -c 1-16)
venv="$cache/sdk-python-$digest"
if [ ! -f "$venv/complete" ]; then
    rm -rf "$venv"
    mkdir -p "$cache"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --require-hashes --requirement requirements-dev.txt
    # What the README's `pip install` gets beside the package itself.
    grep -E '^[a-z].*==' requirements-dev.txt | sed 's/ .*//' >"$venv/constraints.txt"
    "$venv/bin/pip" download --quiet --dest "$venv/wheels" --constraint "$venv/constraints.txt" httpx anyio
    touch "$venv/complete"
fi
export PATH="$venv/bin:$PATH" COUNTERSIGN_TEST_WHEELS="$venv/wheels"

# ---- what needs no server --------------------------------------------------------------------------

./generate.sh "$temp/_generated"
diff -r -x __pycache__ "$temp/_generated" src/countersign/_generated ||
    { echo "src/countersign/_generated is not what generate.sh makes." >&2; exit 1; }
ruff check --cache-dir "$temp/ruff" .
ruff format --check --cache-dir "$temp/ruff" .
mypy --cache-dir "$venv/mypy"
cmp LICENSE ../../LICENSE

# ---- the package as it would be published, and the tests against it --------------------------------

python -m build --no-isolation --outdir "$temp/dist" . >"$temp/build.log" || { cat "$temp/build.log" >&2; exit 1; }
pip install --quiet --no-deps --no-index --target "$temp/site" "$temp"/dist/*.whl
export COUNTERSIGN_TEST_DIST="$temp/dist" PYTHONPATH="$temp/site"
pytest -p no:cacheprovider --basetemp "$temp/pytest"

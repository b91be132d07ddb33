#!/usr/bin/env bash
# The whole test of this example: COUNTERSIGN_READY_FILE=/path/of/ready.json ./test.sh
#
# The file is that of a running `countersign dev --ready-file`. CHROMIUM names the browser.
# What is installed stands in COUNTERSIGN_CACHE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${COUNTERSIGN_READY_FILE:?names the ready file of a running countersign dev}"
COUNTERSIGN_READY_FILE=$(realpath "$COUNTERSIGN_READY_FILE")
export COUNTERSIGN_READY_FILE
cache="${COUNTERSIGN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign}"
export LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
unset COUNTERSIGN_KEY COUNTERSIGN_URL APP_URL APP_SECRET PYTHONPATH VIRTUAL_ENV
temp=$(mktemp -d "${TMPDIR:-/tmp}/countersign-fastapi.XXXXXX")
trap 'rm -rf "$temp"' EXIT

# ---- tools, once for each requirements-dev.txt and Python ------------------------------------------

digest=$({ python3 --version; cat requirements-dev.txt; } | sha256sum | cut -c 1-16)
venv="$cache/fastapi-login-$digest"
if [ ! -f "$venv/complete" ]; then
    rm -rf "$venv"
    mkdir -p "$cache"
    python3 -m venv "$venv"
    # All but the SDK, which is that of this checkout.
    grep -v '^countersign-sdk==' requirements-dev.txt >"$temp/requirements.txt"
    "$venv/bin/pip" install --quiet --requirement "$temp/requirements.txt"
    touch "$venv/complete"
fi
export PATH="$venv/bin:$PATH"
pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir "$temp/dist" ../../sdk/python
pip install --quiet --no-deps --no-index --target "$temp/site" "$temp"/dist/*.whl
export PYTHONPATH="$temp/site:$PWD"
grep -qx "countersign-sdk==$(python -c 'import countersign; print(countersign.__version__)')" requirements.txt ||
    { echo "requirements.txt names another version of the SDK." >&2; exit 1; }

# ---- the code, and what it does ---------------------------------------------------------------------

ruff check --cache-dir "$temp/ruff" .
ruff format --check --cache-dir "$temp/ruff" .
mypy --cache-dir "$venv/mypy"
pytest -p no:cacheprovider --basetemp "$temp/pytest"

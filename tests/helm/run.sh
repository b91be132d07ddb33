#!/usr/bin/env bash
# Checks the Helm chart: rendered by Helm 3 and 4, against the schemas of Kubernetes, and by
# rules of its own. The tools are fetched once, into the cache. No cluster is needed.
# COUNTERSIGN names a program that also reads the settings of each rendered pod.
# `--tools` only prints the folder of helm3 and helm4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/needs.sh
. ../needs.sh
export LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/countersign"
venv="$cache/venv-$(digest requirements.txt)"
mkdir -p "$cache/tools"
# Both change what is fetched.
tools="$cache/tools/helm-$(cat tools.py crds.txt | sha256sum | cut -c 1-16)"

prepare_venv "$venv" requirements.txt
if [ ! -f "$tools/complete" ]; then
    if ! has go; then
        go_venv="$cache/venv-$(digest ../openapi/requirements.txt)"
        prepare_venv "$go_venv" ../openapi/requirements.txt
        export PATH="$PATH:$go_venv/bin"
    fi
    rm -rf "$tools"
    GOWORK=off GOFLAGS='' GOMODCACHE="${GOMODCACHE:-$cache/helm/modules}" "$venv/bin/python" tools.py "$tools"
    touch "$tools/complete"
fi
if [ "${1:-}" = --tools ]; then
    echo "$tools"
    exit
fi

"$venv/bin/python" generate.py --check
COUNTERSIGN_HELM_TOOLS="$tools" COUNTERSIGN_CRD_SCHEMAS="$tools/crds" \
    "$venv/bin/python" -m pytest -q -p no:cacheprovider --color=no "${@:-.}"

#!/usr/bin/env bash
# Builds the programs of Kubernetes into the cache, from its Go module; about ten minutes on two cores.
#
# usage: tests/cluster/build.sh
#
# Programs of the pinned version that are there stay.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/needs.sh
. ../needs.sh
# shellcheck source=tests/cluster/versions.sh
. ./versions.sh
mkdir -p "$kubernetes"
missing=()
for name in "${programs[@]}"; do has_program "$name" || missing+=("$name"); done
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! has go; then
    go_venv="$cache/venv-$(digest ../openapi/requirements.txt)"
    prepare_venv "$go_venv" ../openapi/requirements.txt
    export PATH="$PATH:$go_venv/bin"
fi
# The module has no staging/ folder, so `go install` cannot work. A module of our own names the
# published copy of each staged module instead, at the same release.
module="$kubernetes/.module-$version"
if [ ! -e "$module/tidy" ]; then
    rm -rf "$module"
    mkdir "$module"
    source=$(cd "$module" && go mod download -json "k8s.io/kubernetes@v$version" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
    {
        echo "module kubernetes.build"
        # Without the second the programs run with the defaults of another Go release.
        grep -E '^(go|godebug) ' "$source/go.mod"
        echo "require k8s.io/kubernetes v$version"
        sed -nE "s#^[[:space:]]*(replace )?(k8s\.io/[a-z0-9-]+) => \./staging/.*#replace \2 => \2 v0.${version#1.}#p" "$source/go.mod"
    } >"$module/go.mod"
    install -m 644 "$source/go.sum" "$module/go.sum"
    printf '//go:build tools\n\npackage tools\n\nimport (\n' >"$module/tools.go"
    printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "${programs[@]}" >>"$module/tools.go"
    echo ')' >>"$module/tools.go"
    (cd "$module" && go mod tidy)
    touch "$module/tidy"
fi

package=k8s.io/component-base/version
ldflags="-s -w -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*}"
ldflags+=" -X $package.gitMinor=$(cut -d. -f2 <<<"$version") -X $package.gitTreeState=clean"
for name in "${missing[@]}"; do
    echo "Building $name $version"
    (cd "$module" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "$ldflags" \
        -o "$kubernetes/.$name" "k8s.io/kubernetes/cmd/$name")
    mv "$kubernetes/.$name" "$kubernetes/$name"
    has_program "$name" || stop "$name was built, but it is not version $version."
done

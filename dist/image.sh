#!/usr/bin/env bash
# Makes the container image of the commit that is checked out, with buildah or else with docker.
#
# usage: dist/image.sh NAME:TAG [FOLDER]
#
# With FOLDER, the image gets the program that dist/release.sh made there; without, the program is
# compiled in the image RUST. By buildah the same commit, program and image RUST give the same digest.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
tag=$1 release=${2:+$(realpath "$2")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

changed=
[ -z "$(git status --porcelain)" ] || changed=-changed
revision="$(git rev-parse HEAD)$changed"
time=$(git log -1 --format=%ct)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "SOURCE_DATE_EPOCH=$time")
[ -z "${RUST:-}" ] || arguments+=(--build-arg "RUST=$RUST")
# A folder of this name takes the place of the stage that compiles.
[ -z "$release" ] || arguments+=(--build-context "release=$release")

if command -v buildah >/dev/null; then
    # The OCI format knows no health check.
    buildah bud --format docker --timestamp "$time" "${arguments[@]}" --tag "$tag" .
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    buildah push --quiet "$tag" "dir:$folder"
    python3 dist/image/forget-container.py "$folder"
    first=$(buildah images --quiet "$tag")
    buildah tag "$(buildah pull --quiet "dir:$folder")" "$tag"
    buildah rmi "$first" >/dev/null
    exit
fi
exec docker buildx build --load "${arguments[@]}" --tag "$tag" .

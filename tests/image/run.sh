#!/usr/bin/env bash
# Tests what platform teams install: the image, the release archive, the systemd unit, the compose file.
#
# usage: tests/image/run.sh PROGRAM      any build of countersign, also that of `cargo build`
#
# COUNTERSIGN_IMAGE_ARCHIVE names a file for an archive of the image.
# As root on Debian it installs what it needs. Containers run in a namespace of their own, with their
# own storage: nothing of the machine changes. Elsewhere it tests the archive alone, and says so.
set -uo pipefail
[ $# -eq 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
program=$(realpath "$1")
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1

export LC_ALL=C.UTF-8 PATH="$PATH:/usr/bin:/usr/sbin:/bin:/sbin" PIP_DISABLE_PIP_VERSION_CHECK=1
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/countersign"
temp=$(mktemp -d "${TMPDIR:-/tmp}/countersign-image.XXXXXX") || exit 1
logs="$temp"
# shellcheck source=tests/needs.sh
. tests/needs.sh
# shellcheck source=tests/image/lib.sh
. tests/image/lib.sh

venv="$cache/venv-$(digest tests/image/requirements.txt)"
if [ -z "${COUNTERSIGN_IMAGE_INSIDE:-}" ]; then
    prepare_venv "$venv" tests/image/requirements.txt || stop "The tools of tests/image could not be installed."
    if can_run_containers; then
        install_container_tools || stop "The tools for containers could not be installed."
        rm -rf "$temp"
        # Networks, mounts and processes end with the script.
        COUNTERSIGN_IMAGE_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc tests/image/run.sh "$program"
    fi
fi
sources="$program.d"
strip -o "$temp/countersign" "$program" || exit 1
program="$temp/countersign"
archive="countersign-$("$program" --version | cut -d' ' -f2)-$(rustc -vV | sed -n 's/^host: //p')"

. tests/image/archive.sh
if [ -n "${COUNTERSIGN_IMAGE_INSIDE:-}" ]; then
    prepare_containers
    . tests/image/image.sh
    . tests/image/systemd.sh
    . tests/image/compose.sh
else
    left_out=3
    echo 'LEFT OUT: image, systemd and compose. They need root on Debian.'
fi
summary

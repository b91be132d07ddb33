#!/usr/bin/env bash
# The part of run.sh that runs in namespaces of its own: makes the images, starts the cluster, runs the trials.
set -eEuo pipefail
# shellcheck source=tests/needs.sh
. tests/needs.sh
# shellcheck source=tests/cluster/versions.sh
. tests/cluster/versions.sh
# shellcheck source=tests/cluster/start.sh
. tests/cluster/start.sh
export PATH="$kubernetes:$PATH" TMPDIR="$temp"

exec 3>&2
trap 'gave_up "line $LINENO: $(tail -n 5 "$logs/start")"' ERR
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$temp/storage" "$temp/run" >"$temp/storage.conf"
export CONTAINERS_STORAGE_CONF="$temp/storage.conf"
make_images() {
    make_pause_image
    if [ -n "${COUNTERSIGN_IMAGE_ARCHIVE:-}" ]; then
        cp "$COUNTERSIGN_IMAGE_ARCHIVE" "$temp/test.tar"
    else
        tests/cluster/images.sh "$temp" test
    fi
    # shellcheck disable=SC2154 # of run.sh
    if [ "$mode" != quick ]; then tests/cluster/images.sh "$temp" before postgres redis; fi
}
started=$SECONDS
make_images >"$logs/start" 2>&1
echo "Images: $((SECONDS - started)) s" >&2

started=$SECONDS
start_cluster >"$logs/start" 2>&1
for archive in "$temp"/{test,before,postgres,redis}.tar; do
    [ ! -f "$archive" ] || import_image "$archive" >/dev/null
done
echo "Kubernetes $version is up: $((SECONDS - started)) s" >&2
trap - ERR

if [ "$mode" = shell ]; then
    bash
    exit
fi
PYTHONPATH=sdk/python/src exec "$venv/bin/python" tests/cluster/trials.py "$mode"

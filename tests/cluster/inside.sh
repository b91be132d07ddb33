#!/usr/bin/env bash
# The part of run.sh that runs in namespaces of its own: makes the images, starts the cluster, runs the trials.
set -euo pipefail
# shellcheck source=tests/needs.sh
. tests/needs.sh
# shellcheck source=tests/cluster/versions.sh
. tests/cluster/versions.sh
# shellcheck source=tests/cluster/start.sh
. tests/cluster/start.sh
export PATH="$kubernetes:$PATH" TMPDIR="$temp"

trap 'gave_up "line $LINENO: $(tail -n 5 "$logs"/images "$logs"/start 2>/dev/null)"' ERR
started=$SECONDS
prepare_containers() {
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$temp/storage" "$temp/run" >"$temp/storage.conf"
    export CONTAINERS_STORAGE_CONF="$temp/storage.conf"
    make_pause_image
}
prepare_containers
if [ -n "${COUNTERSIGN_IMAGE:-}" ]; then
    cp "$COUNTERSIGN_IMAGE" "$temp/test.tar"
else
    tests/cluster/images.sh "$temp" test >"$logs/images" 2>&1
fi
[ "$mode" = quick ] || tests/cluster/images.sh "$temp" before postgres redis >"$logs/images" 2>&1
echo "Images: $((SECONDS - started)) s" >&2

started=$SECONDS
start_cluster
for archive in "$temp"/{test,before,postgres,redis}.tar; do
    [ ! -f "$archive" ] || import_image "$archive" >/dev/null
done
echo "Kubernetes $version is up: $((SECONDS - started)) s" >&2
trap - ERR

if [ "$mode" = shell ]; then
    bash
    exit
fi
exec "$venv/bin/python" tests/cluster/trials.py "$mode"

#!/usr/bin/env bash
# Tests the chart and the image on a real Kubernetes: API server, controllers, scheduler, and a kubelet with
# containerd. Prints docs/cluster.md.
#
# usage: tests/cluster/run.sh PROGRAM            all trials
#        tests/cluster/run.sh --quick PROGRAM    an install, `helm test`, an uninstall; left out where it cannot run
#        tests/cluster/run.sh --shell PROGRAM    a shell beside the cluster, with kubectl, helm3 and helm4
#
# COUNTERSIGN_IMAGE_ARCHIVE names an archive of the image of PROGRAM, so that it is not made again.
# COUNTERSIGN_TRIALS names some of the trials, as in "single-helm3 all-helm4".
# It needs root on Debian. Network, mounts, processes and cgroups are the cluster's own and end with it.
set -uo pipefail
mode=all
case ${1:-} in --quick | --shell) mode=${1#--} && shift ;; esac
[ $# -ge 1 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2; }
program_test=$(realpath "$1")
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.." || exit 1

export LC_ALL=C.UTF-8 PATH="$PATH:/usr/bin:/usr/sbin:/bin:/sbin" PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
# shellcheck source=tests/needs.sh
. tests/needs.sh
# shellcheck source=tests/cluster/versions.sh
. tests/cluster/versions.sh

left_out() {
    [ "$mode" = quick ] || stop "There is no cluster: $1"
    echo "LEFT OUT: the cluster: $1"
    exit 0
}

cgroup_folders() { awk -v name="$cgroup" '$3 ~ /^cgroup2?$/ { print $2 "/" name }' /proc/mounts; }

make_cgroups() {
    local folder
    for folder in $(cgroup_folders); do
        mkdir -p "$folder" 2>/dev/null || return 1
        # Otherwise all pods together get as much of a busy machine as one process.
        [ ! -f "$folder/cpu.shares" ] || echo 65536 >"$folder/cpu.shares"
        [ ! -f "$folder/cpu.weight" ] || echo 6400 >"$folder/cpu.weight"
    done
}

# shellcheck disable=SC2329 # for the trap
remove_cgroups() { # the kernel needs a moment after the last process
    local folder left
    for _ in $(seq 100); do
        left=0
        for folder in $(cgroup_folders); do
            [ ! -d "$folder" ] || find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null
            [ ! -d "$folder" ] || left=1
        done
        [ "$left" = 1 ] || return 0
        sleep 0.1
    done
    echo "The cgroup $cgroup is left." >&2
    return 1
}

may_unshare() {
    unshare --net --mount --pid --fork --mount-proc sh -c 'mount -t tmpfs tmpfs /mnt && mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys' 2>/dev/null
}

install_cluster_tools() {
    local command missing='' names="etcd:etcd-server containerd:containerd runc:runc /usr/lib/cni/bridge:containernetworking-plugins
        catatonit:catatonit dnsmasq:dnsmasq-base conntrack:conntrack iptables:iptables ip:iproute2 buildah:buildah redis-server:redis-server"
    for command in $names; do has "${command%:*}" || missing="$missing ${command#*:}"; done
    [ -n "$missing" ] || return 0
    echo "Installing$missing" >&2
    # shellcheck disable=SC2086,SC2154 # names of packages; needs.sh sets the script
    sh -c "$install_packages" sh $missing >"$temp/apt" 2>&1 </dev/null || { cat "$temp/apt"; return 1; }
}

missing=()
for name in "${programs[@]}"; do has_program "$name" || missing+=("$name"); done
[ "${#missing[@]}" -eq 0 ] ||
    left_out "$kubernetes has no ${missing[*]} of version $version; tests/cluster/build.sh makes them, in about ten minutes."
if [ "$(id -u)" != 0 ] || ! has apt-get; then left_out "it needs root on Debian."; fi
before=$(cat tests/release-before)
program_before="$cache/releases/$before/countersign"
[ "$mode" = quick ] || [ -x "$program_before" ] || stop "There is no $program_before: tests/run.sh builds it."
temp=$(mktemp -d "${TMPDIR:-/tmp}/countersign-cluster.XXXXXX") || exit 1
cgroup=$(basename "$temp")
cluster=''
# shellcheck disable=SC2329 # for the trap
cleanup() {
    trap - EXIT
    # With the first process of a namespace all others end, and then the mounts and the network.
    [ -z "$cluster" ] || kill -KILL "$cluster" 2>/dev/null
    wait
    remove_cgroups
    rm -rf --one-file-system "$temp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
may_unshare || left_out "this machine permits no namespaces."
make_cgroups || left_out "this machine permits no cgroups."
install_cluster_tools || stop "The tools of the cluster could not be installed."
venv="$cache/venv-$(digest tests/cluster/requirements.txt)"
prepare_venv "$venv" tests/cluster/requirements.txt || stop "The Python SDK's packages could not be installed."
helm=$(tests/helm/run.sh --tools) || stop "Helm could not be fetched."
export before mode temp cgroup venv helm program_test program_before
export PATH="$helm:$PATH"

# If this script is killed, the cluster ends too.
nice -n -10 setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc catatonit -- \
    bash tests/cluster/inside.sh <&0 &
cluster=$!
wait "$cluster"
outcome=$?
cluster=''
[ "$outcome" != 3 ] || left_out "this machine does not permit what it needs; see above."
exit "$outcome"

# What the parts of tests/image/run.sh share.

passed=0 failed=0 left_out=0 started_at=$SECONDS

check() { # name command...: runs it, and shows what it printed if it failed
    local name=$1 started=$SECONDS
    shift
    if "$@" >"$temp/check" 2>&1 </dev/null; then
        passed=$((passed + 1))
        printf 'ok      %3s s  %s\n' "$((SECONDS - started))" "$name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %3s s  %s\n' "$((SECONDS - started))" "$name"
        sed 's/^/    /' "$temp/check" | tail -n 40
        return 1
    fi
}

summary() {
    printf 'image: %s passed, %s failed, %s left out, in %s s\n' "$passed" "$failed" "$left_out" "$((SECONDS - started_at))"
    [ "$failed" -eq 0 ]
}

is() { # got expected
    [ "$1" = "$2" ] || { printf 'got:      %s\nexpected: %s\n' "$1" "$2"; return 1; }
}

within() { # seconds command...: until it succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >"$temp/within" 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { cat "$temp/within"; return 1; }
        sleep 0.2
    done
    cat "$temp/within"
}

same_files() { # folder folder
    diff -r "$1" "$2" && is "$(cd "$1" && find . -printf '%M %P\n' | sort)" "$(cd "$2" && find . -printf '%M %P\n' | sort)"
}

cleanup() {
    trap - EXIT
    if [ -n "${containers:-}" ]; then
        podman rm --all --force --depend --time 1 >/dev/null 2>&1
        buildah rm --all >/dev/null 2>&1
        podman rmi --all --force >/dev/null 2>&1
        umount "$temp"/storage/overlay 2>/dev/null
    fi
    rm -rf "$temp"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

can_run_containers() { [ "$(id -u)" = 0 ] && has apt-get; }

install_container_tools() {
    local missing='' command
    # Netavark calls iptables, which its package does not ask for.
    for command in buildah podman runc nginx redis-server ip iptables /usr/lib/podman/netavark /usr/lib/podman/aardvark-dns /lib/systemd/systemd; do
        has "$command" || missing="$missing $(basename "$command" | sed 's/^nginx$/nginx-light/; s/^ip$/iproute2/')"
    done
    find_initdb >/dev/null || missing="$missing postgresql"
    [ -n "$missing" ] || return 0
    echo "Installing$missing"
    # shellcheck disable=SC2086 # names of packages
    sh -c "$install_packages" sh $missing >"$temp/apt" 2>&1 </dev/null || { cat "$temp/apt"; return 1; }
}

prepare_containers() {
    ip link set lo up || return 1
    containers=yes
    # What root may do in a container or on a small machine: no systemd, no CAP_SYS_RESOURCE, cgroups of version 1.
    cat >"$temp/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$temp/libpod"
CONF
    printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$temp/storage" "$temp/run" >"$temp/storage.conf"
    export CONTAINERS_CONF="$temp/containers.conf" CONTAINERS_STORAGE_CONF="$temp/storage.conf"
}

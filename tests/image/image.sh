# The image: Dockerfile, dist/image.sh. Read by run.sh.

image=localhost/countersign:test
export RUST=localhost/stand-in/debian:test

versions_agree() {
    is "$(sed -n 's/^ARG VERSION=//p' Dockerfile)" "$("$program" --version | cut -d' ' -f2)" &&
        is "$(sed -n 's/^ARG RUST=.*rust:\([0-9.]*\)-.*/\1/p' Dockerfile)" "$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)"
}
check "Dockerfile: hadolint" "$venv/bin/hadolint" --ignore DL3008 Dockerfile
check "Dockerfile: its versions are the project's" versions_agree

context_is_whole() { # cargo lists beside the program what it was compiled from
    local file missing=0
    for file in $(sed 's/^[^:]*: //' "$sources" | xargs realpath -s); do
        file=${file#"$PWD/"}
        case $file in /*) continue ;; esac
        sed -n 's/^!//p' .dockerignore | grep -qxF -e "$file" -e "${file%%/*}" || { echo "$file is not in .dockerignore"; missing=1; }
    done
    return "$missing"
}
check "Dockerfile: it gets every source" context_is_whole

build() { # tag: the Dockerfile as it is; its base is made of this Debian, its program is the given one
    dist/image.sh "$1" "$temp/one"
}
same_digest() {
    is "$(podman image inspect -f '{{.Digest}} {{.Id}}' localhost/countersign:again)" "$(podman image inspect -f '{{.Digest}} {{.Id}}' "$image")"
}
check "a base is made" tests/image/stand-in.sh debian "$RUST"
check "an image is made" build "$image"
# For tests/cluster.
[ -z "${COUNTERSIGN_IMAGE_ARCHIVE:-}" ] || buildah push --quiet "$image" "oci-archive:$COUNTERSIGN_IMAGE_ARCHIVE:$image"
check "once more: the same digest" eval 'build localhost/countersign:again && same_digest'

labelled() {
    local changed=''
    [ -z "$(git status --porcelain)" ] || changed=-changed
    is "$(podman image inspect -f '{{.Config.User}} {{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.WorkingDir}} {{.Config.Volumes}}' "$image")" \
        '65532:65532 [countersign] [serve] /data map[/data:{}]' &&
        is "$(podman image inspect -f '{{.HealthCheck.Test}}' "$image")" '[CMD countersign healthcheck]' &&
        is "$(podman image inspect -f '{{index .Labels "org.opencontainers.image.version"}} {{index .Labels "org.opencontainers.image.revision"}} {{index .Labels "org.opencontainers.image.licenses"}}' "$image")" \
            "$("$program" --version | cut -d' ' -f2) $(git rev-parse HEAD)$changed Apache-2.0"
}
check "user, command, health check, labels" labelled

holds_only() { # the program, five files of glibc, settings, names, certificates and licences
    local container root rest
    container=$(buildah from "$image") && root=$(buildah mount "$container") || return 1
    rest=$(find "$root" -not -type d -printf '%P\n' | grep -v '^usr/share/doc/' | sed 's/^lib\/[^/]*-linux-gnu/lib/; s/^lib64\/ld-.*/lib64\/ld/; s/^lib\/ld-.*/lib64\/ld/' | sort)
    is "$rest" "$(printf '%s\n' etc/countersign/countersign.toml etc/debian_version etc/group etc/nsswitch.conf etc/os-release etc/passwd \
        etc/ssl/certs/ca-certificates.crt lib/libc.so.6 lib/libgcc_s.so.1 lib/libm.so.6 lib64/ld usr/bin/countersign \
        var/lib/dpkg/status.d/ca-certificates var/lib/dpkg/status.d/libc6 var/lib/dpkg/status.d/libgcc-s1 | sort)" &&
        is "$(cd "$root/usr/share/doc" && find . -type f -printf '%P ' | tr ' ' '\n' | sort | xargs)" \
            "ca-certificates/copyright countersign/LICENSE countersign/THIRD-PARTY-LICENSES.txt countersign/countersign.cdx.json libc6/copyright libgcc-s1/copyright" &&
        is "$(find "$root" -perm /6000)" '' && is "$(find "$root" -perm -o+w -printf '%P ')" 'tmp ' &&
        is "$(stat -c '%u:%g' "$root/data" "$root/usr/bin/countersign" | xargs)" '65532:65532 0:0'
    local outcome=$?
    buildah rm "$container" >/dev/null
    return "$outcome"
}
check "no shell and nothing else: each file is known" holds_only

is_small() {
    local size
    size=$(podman image inspect -f '{{.Size}}' "$image")
    echo "$size bytes with a program of $(stat -c %s "$program")"
    [ "$((size - $(stat -c %s "$program")))" -lt 6000000 ]
}
check "less than 6 MB beside the program" is_small

refuses_plain_http() { # the sentence says what to do
    ! podman run --rm --network none "$image" >"$temp/refusal" 2>&1 && grep -q 'set server.tls.certificate and server.tls.key, or server.trusted_proxies' "$temp/refusal"
}
check "without TLS and proxies it refuses, and says what to set" refuses_plain_http

exec_in() { podman exec "$@"; }

serves() {
    podman run --detach --name served --read-only --cap-drop all --security-opt no-new-privileges --memory 256m --pids-limit 100 \
        --env COUNTERSIGN__SERVER__TRUSTED_PROXIES=192.0.2.1 --publish "127.0.0.1:$port:8080" "$image" || return 1
    within 20 podman healthcheck run served && within 5 curl -fsS "http://127.0.0.1:$port/health/ready"
}
port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
check "it serves: read-only, without capabilities, healthy" serves

is_confined() {
    local pid
    pid=$(podman inspect -f '{{.State.Pid}}' served)
    is "$(sed -n 's/^\(Uid\|Gid\|CapEff\|CapBnd\|NoNewPrivs\|Seccomp\):\t/\1 /p' "/proc/$pid/status" | tr '\t\n' '  ')" \
        'Uid 65532 65532 65532 65532 Gid 65532 65532 65532 65532 CapEff 0000000000000000 CapBnd 0000000000000000 NoNewPrivs 1 Seccomp 2 '
    ! podman exec --env COUNTERSIGN__KEYRING__FILE=/etc/countersign/new.toml served countersign keyring create 2>"$temp/refusal" &&
        grep -q 'Read-only file system' "$temp/refusal"
}
check "it runs as 65532, with seccomp, and cannot write beside /data" is_confined

checks_a_code() { # url command...: a tenant and a test key by this command, then a start and a check over HTTP
    local url=$1 tenant key answer
    shift
    tenant=$("$@" tenant create --name Test --countries PL | tr -d '\r' | grep '^ten_') &&
        key=$("$@" key create --tenant "$tenant" --name test --test --scopes verifications:start,verifications:check | tr -d '\r' | grep '^cs_test_') || return 1
    post() { curl -sS --max-time 10 "$url/v1/$1" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d "$2"; }
    within 10 eval 'post verifications "{\"to\":\"+48500500500\"}" | grep "\"pending\""' || return 1
    answer=$(post checks '{"to":"+48500500500","code":"123456"}')
    echo "$answer"
    [[ $answer == *'"approved"'* ]]
}
check "a code is sent and checked" checks_a_code "http://127.0.0.1:$port" podman exec served countersign

ends() {
    local started=$SECONDS
    podman stop --time 30 served && is "$(podman inspect -f '{{.State.ExitCode}}' served)" 0 && [ "$((SECONDS - started))" -lt 10 ]
}
check "asked to stop, it ends by itself, with code 0" ends
podman rm --force --volumes served >/dev/null 2>&1

#!/usr/bin/env bash
# The whole test of Countersign: ./tests/run.sh
#
# On Debian it installs missing packages. On other systems it names them and stops. It starts its own
# Postgres, PgBouncer, Redis (one server, one behind Sentinels, and a cluster), Valkey, browser, Kannel and
# `countersign dev` on free ports, and ends them. Caches are outside the checkout, except the node_modules of
# tests/browser, tests/compatible, tests/smpp and tests/webhooks.
set -uo pipefail
[ "${BASH_VERSINFO[0]}" -ge 4 ] || { echo "bash 4 or newer is needed" >&2; exit 1; }
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

export LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
# The folders of rustup's Rust and of Debian's servers. Only root has the latter in its PATH.
command -v cargo >/dev/null || export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
command -v pgbouncer >/dev/null || export PATH="$PATH:/usr/sbin"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/countersign"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
if [ "${CI:-}" = true ] || [ ! -t 1 ]; then export NO_COLOR=1 CARGO_TERM_COLOR=never; fi

mkdir -p "$cache" || exit 1
temp=$(mktemp -d "${TMPDIR:-/tmp}/countersign-test.XXXXXX") || exit 1
logs="$temp/logs" postgres_data='' dev_pid='' clients_pid='' twilio_pid='' tls_pid='' beside_pid='' redis_data="$temp/redis"
mkdir "$logs"

# ---- ending ------------------------------------------------------------------

end_process() { # pid signal: asks, waits 30 s, then insists
    kill "-$2" "$1" 2>/dev/null || return 0
    for _ in $(seq 300); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null
}

end_tree() { # pid: asks its children first
    local child
    for child in $(pgrep -P "$1"); do end_tree "$child"; done
    kill -TERM "$1" 2>/dev/null
}

cleanup() {
    trap - EXIT
    [ -z "$beside_pid" ] || end_tree "$beside_pid"
    [ -z "$dev_pid" ] || end_process "$dev_pid" TERM
    [ -z "$clients_pid" ] || end_process "$clients_pid" TERM
    [ -z "$twilio_pid" ] || end_process "$twilio_pid" TERM
    [ -z "$tls_pid" ] || end_process "$tls_pid" TERM
    for pid_file in "$redis_data"/*/pid; do
        [ ! -f "$pid_file" ] || end_process "$(cat "$pid_file")" TERM
    done
    # The servers' pid files name their processes, which may run as another user.
    [ ! -f "$postgres_data/pgbouncer.pid" ] || end_process "$(cat "$postgres_data/pgbouncer.pid")" TERM
    [ ! -f "$postgres_data/data/postmaster.pid" ] ||
        end_process "$(head -n 1 "$postgres_data/data/postmaster.pid")" INT
    rm -rf "$temp" ${postgres_data:+"$postgres_data"}
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- steps -------------------------------------------------------------------

results=() failed=0

step() { # name command...: runs it under a heading, notes outcome and duration
    local name=$1 started=$SECONDS outcome=ok log
    log="$logs/$(printf %s "$name" | tr -c 'a-zA-Z0-9\n' '-')"
    shift
    printf '\n==> %s\n' "$name"
    "$@" </dev/null 2>&1 | tee "$log"
    if [ "${PIPESTATUS[0]}" -ne 0 ]; then outcome=FAILED failed=$((failed + 1)); fi
    results+=("$(printf '%-6s %5s s  %s' "$outcome" "$((SECONDS - started))" "$name")")
    printf '<== %s: %s (%s s)\n' "$name" "$outcome" "$((SECONDS - started))"
    [ "$outcome" = ok ]
}

beside() { # name command...: a step that runs beside the next ones. It shares no server with them and measures no speed.
    printf '\n==> beside the next steps: %s\n' "$1"
    (
        results=()
        step "$@"
        outcome=$?
        printf '%s\n' "${results[@]}" >"$temp/beside.results"
        exit "$outcome"
    ) >"$temp/beside.log" 2>&1 &
    beside_pid=$!
}

join_beside() { # waits for it, and shows what it printed
    wait "$beside_pid" || failed=$((failed + 1))
    beside_pid=''
    cat "$temp/beside.log"
    mapfile -t -O "${#results[@]}" results <"$temp/beside.results"
}

# shellcheck source=tests/needs.sh
. tests/needs.sh

# ---- servers -----------------------------------------------------------------

free_port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

# A test copies a database of 700 files and drops it. That is fast only in memory, which a container may lack.
memory_folder() {
    local free
    free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
    if [ -w /dev/shm ] && [ "${free:-0}" -ge 6000000 ]; then echo /dev/shm; else echo /tmp; fi
}

start_postgres() { # a throwaway server on a free port; Postgres refuses to run as root
    local bin port as=()
    bin=$(dirname "$(readlink -f "$(find_initdb)")")
    port=$(free_port)
    postgres_data=$(mktemp -d "$(memory_folder)/countersign-pg.XXXXXX") || return 1
    make_certificate "$postgres_data" || return 1
    if [ "$(id -u)" = 0 ]; then
        id postgres >/dev/null || return 1
        chown -R postgres: "$postgres_data"
        as=(runuser -u postgres --)
    fi
    (
        cd "$postgres_data" || exit 1
        "${as[@]}" "$bin/initdb" -D data -U countersign -A trust -E UTF8 --no-locale --no-sync >initdb.log 2>&1 ||
            { cat initdb.log; exit 1; }
        # Members of this group need their password: tests/src/rotation.rs.
        sed -i '1i host all +countersign_by_password all scram-sha-256' data/pg_hba.conf || exit 1
        "${as[@]}" "$bin/postgres" -D data -h 127.0.0.1 -p "$port" -k "$postgres_data" -c fsync=off \
            -c full_page_writes=off -c synchronous_commit=off -c max_connections=400 -c ssl=on \
            -c ssl_cert_file="$postgres_data/server.pem" -c ssl_key_file="$postgres_data/server.key" >server.log 2>&1 </dev/null &
    ) || return 1
    for _ in $(seq 300); do
        if grep -q 'ready to accept connections' "$postgres_data/server.log"; then
            export COUNTERSIGN_TEST_POSTGRES="postgres://countersign@127.0.0.1:$port/postgres"
            export COUNTERSIGN_TEST_POSTGRES_CA="$postgres_data/ca.pem"
            start_pgbouncer "$port"
            return
        fi
        sleep 0.1
    done
    cat "$postgres_data/server.log"
    return 1
}

start_redis() { # name port server options...: one server with a folder of its own
    local folder="$redis_data/$1" port=$2 server=$3
    shift 3
    mkdir -p "$folder" || return 1
    "$server" --port "$port" --bind 127.0.0.1 --dir "$folder" --pidfile "$folder/pid" --logfile "$folder/log" \
        --daemonize yes --appendonly yes --appendfsync no --save '' "$@" >/dev/null || return 1
    for _ in $(seq 100); do
        [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && return 0
        sleep 0.1
    done
    cat "$folder/log"
    return 1
}

start_redis_servers() { # one Redis, one Valkey, a master that Sentinels watch, and a cluster of three masters with a replica each
    local port nodes=() master sentinels=() quiet="$logs/redis"
    port=$(free_port)
    start_redis one "$port" redis-server --databases 3000 || return 1
    export COUNTERSIGN_TEST_REDIS="redis://127.0.0.1:$port"
    # Accepts only TLS, and a user with just the rights that docs/adr/0019 names.
    port=$(free_port) tls=$(free_port)
    install -m 600 "$postgres_data/server.key" "$postgres_data/server.pem" "$postgres_data/ca.pem" "$redis_data" || return 1
    start_redis tls "$port" redis-server --tls-port "$tls" --tls-cert-file "$redis_data/server.pem" \
        --tls-key-file "$redis_data/server.key" --tls-ca-cert-file "$redis_data/ca.pem" --tls-auth-clients no || return 1
    redis-cli -p "$port" ACL SETUSER app on '>secret' '~{cs*' '&{cs*' +@scripting +@read +@write +@connection +@pubsub \
        +info +wait '+cluster|slots' '+memory|usage' +time >/dev/null || return 1
    export COUNTERSIGN_TEST_REDIS_TLS="rediss://app:secret@127.0.0.1:$tls"
    port=$(free_port)
    start_redis valkey "$port" "$(find "$valkey_venv" -name valkey-server -type f | head -n 1)" --databases 3000 || return 1
    export COUNTERSIGN_TEST_VALKEY="redis://127.0.0.1:$port"
    for n in 1 2 3 4 5 6; do
        port=$(cluster_port)
        start_redis "cluster$n" "$port" redis-server --cluster-enabled yes --cluster-node-timeout 1000 \
            --cluster-config-file "$redis_data/cluster$n/nodes.conf" || return 1
        nodes+=("127.0.0.1:$port")
    done
    redis-cli --cluster create "${nodes[@]}" --cluster-replicas 1 --cluster-yes >"$quiet" 2>&1 || { cat "$quiet"; return 1; }
    export COUNTERSIGN_TEST_REDIS_CLUSTER="redis-cluster://$(IFS=,; echo "${nodes[*]}")"
    master=$(free_port)
    start_redis master "$master" redis-server || return 1
    port=$(free_port)
    start_redis replica "$port" redis-server --replicaof 127.0.0.1 "$master" || return 1
    for n in 1 2 3; do
        port=$(free_port)
        mkdir -p "$redis_data/sentinel$n"
        printf 'sentinel monitor main 127.0.0.1 %s 2\nsentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 5000\n' \
            "$master" >"$redis_data/sentinel$n/sentinel.conf"
        redis-server "$redis_data/sentinel$n/sentinel.conf" --sentinel --port "$port" --bind 127.0.0.1 --daemonize yes \
            --dir "$redis_data/sentinel$n" --pidfile "$redis_data/sentinel$n/pid" --logfile "$redis_data/sentinel$n/log" >/dev/null || return 1
        sentinels+=("127.0.0.1:$port")
    done
    export COUNTERSIGN_TEST_SENTINEL="redis-sentinel://$(IFS=,; echo "${sentinels[*]}")/main"
}

# A node of a cluster also listens 10,000 ports higher.
cluster_port() {
    local port
    for _ in $(seq 100); do
        port=$(free_port)
        if [ "$port" -lt 55000 ]; then echo "$port"; return; fi
    done
    return 1
}

make_certificate() { # folder: an authority, and what it signed for 127.0.0.1 alone
    (
        cd "$1" || exit 1
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj '/CN=test authority' \
            -keyout ca.key -out ca.pem 2>openssl.log &&
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=postgres' \
                -keyout server.key -out server.csr 2>>openssl.log &&
            printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >server.ext &&
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext \
                -out server.pem 2>>openssl.log && chmod 600 server.key && chmod 755 . || { cat openssl.log; exit 1; }
    )
}

start_pgbouncer() { # Postgres's port: a pooler by transaction, with few connections to share
    local port as=()
    port=$(free_port)
    # PgBouncer also refuses to run as root.
    [ "$(id -u)" != 0 ] || as=(runuser -u postgres --)
    cat >"$postgres_data/pgbouncer.ini" <<EOF
[databases]
* = host=127.0.0.1 port=$1 user=countersign
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
pidfile = $postgres_data/pgbouncer.pid
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
server_idle_timeout = 5
EOF
    "${as[@]}" pgbouncer "$postgres_data/pgbouncer.ini" >"$postgres_data/pgbouncer.log" 2>&1 </dev/null &
    for _ in $(seq 100); do
        if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            export COUNTERSIGN_TEST_PGBOUNCER="postgres://countersign@127.0.0.1:$port"
            return 0
        fi
        sleep 0.1
    done
    cat "$postgres_data/pgbouncer.log"
    return 1
}

start_server() { # name setting=value...: `countersign dev`, its ready file $temp/NAME.json, its process $started
    local name=$1
    shift
    env "$@" "$countersign" dev --port 0 --operator-port 0 --data "$temp/$name" --ready-file "$temp/$name.json" \
        >"$temp/$name.out" 2>"$temp/$name.err" </dev/null &
    started=$!
    for _ in $(seq 300); do
        [ -f "$temp/$name.json" ] && return 0
        kill -0 "$started" 2>/dev/null || break
        sleep 0.1
    done
    echo "countersign dev did not come up:"
    cat "$temp/$name.out" "$temp/$name.err"
    return 1
}

start_dev() {
    local outcome
    export READY_FILE="$temp/dev.json"
    # Schemathesis sends more wrong keys in a minute than the default limit allows.
    start_server dev COUNTERSIGN__SERVER__AUTH_FAILURES=10000
    outcome=$?
    dev_pid=$started
    return "$outcome"
}

# A second server, for Twilio's clients for Go and Java. A magic number allows five starts in ten minutes, and
# the other compatible clients use all of them on the first server.
start_twilio() {
    local outcome
    start_server twilio COUNTERSIGN__SERVER__AUTH_FAILURES=10000
    outcome=$?
    twilio_pid=$started
    return "$outcome"
}

start_clients() { # what clients are tried against: its webhooks may lead to this machine
    local outcome
    start_server clients COUNTERSIGN__DELIVERY__ALLOWED_NETWORKS=127.0.0.0/8
    outcome=$?
    clients_pid=$started
    return "$outcome"
}

ready() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$READY_FILE" "$1"; }

# ---- the steps' bodies -------------------------------------------------------

check_merged() {
    ! grep -rnE '^(<<<<<<<|>>>>>>>) ' --exclude-dir=.git --exclude-dir=target --exclude-dir=node_modules .
}

check_core_is_pure() {
    local found
    found=$(cargo tree --locked -p countersign-core -e normal --prefix none | cut -d ' ' -f 1 | sort -u |
        grep -xE 'tokio|mio|socket2|actix-.*|rusqlite|tokio-postgres|redis|reqwest|hyper') || return 0
    echo "countersign-core must do no I/O, yet depends on:" $found
    return 1
}

check_openapi() {
    "$countersign" openapi >"$temp/openapi.json" && "$countersign" openapi --compatible >"$temp/compatible.json" || return 1
    if ! diff -u openapi/openapi.json "$temp/openapi.json" || ! diff -u openapi/compatible.json "$temp/compatible.json"; then
        echo "The documents in openapi/ are not what the code says. Run: just generate"
        return 1
    fi
    tests/browser/node_modules/.bin/spectral lint --ruleset tests/browser/.spectral.yaml \
        --fail-severity warn openapi/openapi.json openapi/compatible.json
}

# Checks that the API still has everything of the last release. openapi/breaking.md lists the exceptions.
check_breaking_changes() {
    # The first run builds oasdiff.
    timeout 900 python3 tests/openapi/check.py --self-test && timeout 300 python3 tests/openapi/check.py
}

check_printed_lines() { # what `dev` prints must work as printed
    local lines answer number=0 printed
    printed=$(wc -l <"$temp/dev.out")
    cat "$temp/dev.out"
    [ "$printed" -le 12 ] || { echo "dev prints $printed lines; 12 are the most that people read"; return 1; }
    mapfile -t lines < <(grep -E '(^|[ (])curl -?' "$temp/dev.out")
    [ "${#lines[@]}" -eq 2 ] || { echo "expected two curl lines, found ${#lines[@]}"; return 1; }
    for line in "${lines[@]}"; do
        number=$((number + 1))
        answer=$(timeout 20 sh -c "$line") || { echo "line $number failed: $answer"; return 1; }
        echo "$answer"
        case "$number $answer" in
            1*'"pending"'* | 2*'"approved"'*) ;;
            *) echo "line $number did not answer as it should"; return 1 ;;
        esac
    done
}

run_browser() {
    CHROMIUM=$(find_chromium) timeout 300 node --test --test-reporter=spec tests/browser/dev.test.mjs
}

run_portal() { # it has servers of its own
    COUNTERSIGN="$countersign" CHROMIUM=$(find_chromium) timeout 600 \
        node --test --test-concurrency=2 --test-reporter=spec tests/browser/portal/*.test.mjs
}

run_smsapi_clients() { # SMSAPI's own, with another address; and CAMARA, which has none
    timeout 300 "$smsapi_venv/bin/python" tests/compatible/smsapi_client.py &&
        timeout 300 node --test --test-reporter=spec tests/compatible/smsapi_client.test.mjs
}

run_twilio_clients() { # Twilio's own, with another base URL
    timeout 300 "$twilio_venv/bin/python" tests/compatible/twilio_client.py &&
        timeout 300 node --test --test-reporter=spec tests/compatible/twilio_client.test.mjs
}

run_twilio_go() { # the first run fetches what go.sum names
    (
        cd tests/compatible/twilio_go || exit 1
        export GOWORK=off GOFLAGS=-mod=readonly GOCACHE="$cache/twilio-go/build"
        export GOMODCACHE="${GOMODCACHE:-$cache/twilio-go/modules}"
        READY_FILE="$temp/twilio.json" timeout 900 go test -count=1 -timeout 120s ./...
    )
}

run_twilio_java() { # the first run fetches what pom.xml names
    READY_FILE="$temp/twilio.json" timeout 900 mvn --batch-mode --no-transfer-progress --file tests/compatible/twilio_java/pom.xml \
        -Dbuild.folder="$cache/twilio-java" test
}

run_schemathesis() {
    timeout 900 "$venv/bin/schemathesis" --config-file tests/schemathesis/schemathesis.toml run \
        "$(ready base_url)/openapi.json" --max-examples 100 --generation-deterministic --workers 1 \
        --header "Authorization: Bearer $(ready key)"
}

run_sslyze() { # the TLS that `serve` speaks, seen from outside
    local port operator_port folder="$temp/tls" outcome
    port=$(free_port) operator_port=$(free_port)
    mkdir "$folder" || return 1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null || return 1
    COUNTERSIGN__DATA__FOLDER="$folder/data" COUNTERSIGN__SERVER__BIND="127.0.0.1:$port" \
        COUNTERSIGN__SERVER__OPERATOR_BIND="127.0.0.1:$operator_port" \
        COUNTERSIGN__SERVER__TLS__CERTIFICATE="$folder/cert.pem" COUNTERSIGN__SERVER__TLS__KEY="$folder/key.pem" \
        "$countersign" serve 2>"$temp/tls.err" </dev/null &
    tls_pid=$!
    for _ in $(seq 300); do
        curl -fsS --cacert "$folder/cert.pem" "https://127.0.0.1:$port/health/ready" 2>/dev/null && break
        kill -0 "$tls_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo
    timeout 300 "$sslyze_venv/bin/python" tests/sslyze/check.py 127.0.0.1 "$port" &&
        timeout 60 "$sslyze_venv/bin/python" tests/sslyze/portal.py 127.0.0.1 "$port" "$folder/cert.pem"
    outcome=$?
    [ "$outcome" -eq 0 ] || cat "$temp/tls.err"
    end_process "$tls_pid" TERM
    return "$outcome"
}

check_ending() { # after all of that it still serves, and ends by itself when asked
    curl -fsS --max-time 5 "$(ready operator_url)/health/ready" || return 1
    kill -TERM "$dev_pid" || return 1
    for _ in $(seq 300); do
        if ! kill -0 "$dev_pid" 2>/dev/null; then
            ! grep -n panicked "$temp/dev.err"
            return
        fi
        sleep 0.1
    done
    echo "it did not end within 30 s"
    return 1
}

run_client() { # folder: the test of a client, against the server of clients
    COUNTERSIGN_READY_FILE="$temp/clients.json" COUNTERSIGN_CACHE="$cache" CHROMIUM=$(find_chromium) timeout 900 "$1/test.sh"
}

end_clients() {
    end_process "$clients_pid" TERM
    clients_pid=''
    ! grep -n panicked "$temp/clients.err"
}

run_helm() {
    COUNTERSIGN="$countersign" timeout 600 tests/helm/run.sh
}

run_image() {
    COUNTERSIGN_IMAGE_ARCHIVE="$temp/image.tar" tests/image/run.sh "$countersign"
}

run_cluster() { # its first run installs packages
    local image="$temp/image.tar"
    [ -f "$image" ] || image=''
    COUNTERSIGN_IMAGE_ARCHIVE="$image" timeout 600 tests/cluster/run.sh --quick "$countersign"
}

run_kannel() { COUNTERSIGN="$countersign" timeout 120 node --test --test-reporter=spec tests/kannel/kannel.test.mjs; }

run_kill() { timeout 300 "$CARGO_TARGET_DIR/debug/kill" --kills 1; }

run_delivery() { timeout 300 "$CARGO_TARGET_DIR/debug/delivery" --messages 5000; }

# More tries than one twentieth, because the medians of ten vary too much; three times the difference allowed. A
# dev build takes ten times the CPU.
run_sign_in() { timeout 300 "$CARGO_TARGET_DIR/debug/sign_in" --tries 60 --apart 30 --most 60; }

run_bench() { timeout 300 "$CARGO_TARGET_DIR/debug/bench" --pairs 1000; }

on_a_database() { # name program arguments...: with an empty database of the test server
    local name=$1
    shift
    psql "$COUNTERSIGN_TEST_POSTGRES" -qc "CREATE DATABASE $name" || return 1
    COUNTERSIGN_BENCH_POSTGRES="${COUNTERSIGN_TEST_POSTGRES%/*}/$name" \
        COUNTERSIGN_BENCH_POSTGRES_CA="$COUNTERSIGN_TEST_POSTGRES_CA" timeout 900 "$@"
}

run_fleet() {
    on_a_database fleet "$CARGO_TARGET_DIR/debug/fleet" --pairs 1000 --rounds 1 --live 50000 --tenants 500 --directory 5000 --members 5000
}

# Builds the program of the commit in tests/release-before, once for each commit.
build_release_before() {
    [ ! -x "$release_before" ] || return 0
    local commit
    commit=$(cat tests/release-before)
    git cat-file -e "$commit^{commit}" 2>/dev/null || {
        echo "This checkout has no commit $commit: two releases side by side are not tried."
        return 0
    }
    rm -rf "$cache/releases"
    # It needs its own target folder, because cargo tells two checkouts apart only by file times.
    mkdir -p "$temp/before" "${release_before%/*}" && git archive "$commit" | tar -x -C "$temp/before" &&
        CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$temp/before/target" \
            cargo build -p countersign --locked --manifest-path "$temp/before/Cargo.toml" &&
        cp "$temp/before/target/debug/countersign" "$release_before" && rm -rf "$temp/before"
}

run_chaos() {
    local before=()
    [ ! -x "$release_before" ] || before=(--old "$release_before")
    on_a_database chaos "$CARGO_TARGET_DIR/debug/chaos" --away 3 --kills 1 "${before[@]}"
}

# A busy machine makes every list slow, but a wrong query plan takes far longer than this bound.
run_history() {
    timeout 600 "$CARGO_TARGET_DIR/debug/history" --url "$COUNTERSIGN_TEST_POSTGRES" --verifications 500000 \
        --reads 100 --bound 250
}

# ---- the run -----------------------------------------------------------------

install_missing
check_toolchain
cargo_deny="$cache/tools/bin/cargo-deny"
venv="$cache/venv-$(digest tests/schemathesis/requirements.txt)"
sslyze_venv="$cache/venv-$(digest tests/sslyze/requirements.txt)"
valkey_venv="$cache/venv-$(digest tests/valkey/requirements.txt)"
smpp_venv="$cache/venv-$(digest tests/smpp/requirements.txt)"
smtp_venv="$cache/venv-$(digest tests/smtp/requirements.txt)"
twilio_venv="$cache/venv-$(digest tests/twilio/requirements.txt)"
smsapi_venv="$cache/venv-$(digest tests/compatible/requirements.txt)"
go_venv="$cache/venv-$(digest tests/openapi/requirements.txt)"
# The last entry in PATH: it is used only if no Go is installed.
export PATH="$PATH:$go_venv/bin"
export COUNTERSIGN_TEST_SMPP_NODE="$PWD/tests/smpp" COUNTERSIGN_TEST_SMPP_PYTHON="$smpp_venv/bin/python"
export COUNTERSIGN_TEST_SMTP_PYTHON="$smtp_venv/bin/python"
countersign="$CARGO_TARGET_DIR/debug/countersign"
release_before="$cache/releases/$(cat tests/release-before)/countersign"
step "tools" prepare_tools || stop "A tool could not be installed; see above."

step "format" cargo fmt --all --check
step "no half-done merge" check_merged
step "Twilio's signatures" "$twilio_venv/bin/python" tests/twilio/signatures.py --check
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
step "licences, bans, sources" "$cargo_deny" --locked check licenses bans sources
step "core does no I/O" check_core_is_pure
if start_postgres && start_redis_servers; then
    # Many tests wait: for a lease, a time-out, a server. One thread more than the cores of a small machine fills the gap.
    step "cargo test" cargo test --workspace --locked --no-fail-fast -- --test-threads="$(($(nproc) + 1))"
else
    step "Postgres and Redis" false
fi
step "the release before" build_release_before
if step "build" cargo build --workspace --bins --locked; then
    step "OpenAPI document" check_openapi
    step "breaking changes of the API" check_breaking_changes
    step "Helm chart" run_helm
    step "image, archive, systemd, compose" run_image
    step "portal in a browser" run_portal
    step "Kubernetes: install, helm test, uninstall" run_cluster
    step "kill -9, one twentieth" run_kill
    if start_dev; then
        # The browser test runs first, because it looks at the phone before any message arrives.
        step "browser" run_browser
        step "printed lines" check_printed_lines
        step "SMSAPI's clients" run_smsapi_clients
        step "Twilio's clients" run_twilio_clients
        step "schemathesis" run_schemathesis
        step "still ready, ends when asked" check_ending && dev_pid=''
    else
        step "countersign dev" false
    fi
    # It has servers of its own, and waits more than it works.
    [ -z "${COUNTERSIGN_TEST_REDIS:-}" ] || beside "chaos, one twentieth" run_chaos
    if start_twilio; then
        step "Twilio's client for Go" run_twilio_go
        step "Twilio's client for Java" run_twilio_java
        end_process "$twilio_pid" TERM
        twilio_pid=''
    else
        step "countersign dev for Twilio's clients" false
    fi
    if start_clients; then
        step "TypeScript" run_client sdk/typescript
        step "Python" run_client sdk/python
        step "Go" run_client sdk/go
        step "example: FastAPI" run_client examples/fastapi-login
        step "the server of clients ends when asked" end_clients
    else
        step "countersign dev for clients" false
    fi
    step "TLS from outside" run_sslyze
    step "Kannel" run_kannel
    [ -z "$beside_pid" ] || join_beside
    step "bench, one twentieth" run_bench
    step "delivery, one twentieth" run_delivery
    step "signing in" run_sign_in
    if [ -n "${COUNTERSIGN_TEST_REDIS:-}" ]; then
        step "lists, one twentieth" run_history
        step "nodes beside their floor, one twentieth" run_fleet
    fi
fi

printf '\n==> summary\n'
grep -h '^test result:' "$logs"/cargo-test 2>/dev/null
grep -HE '^ℹ (tests|pass|fail|skipped) ' "$logs"/browser "$logs"/portal-in-a-browser "$logs"/Kannel "$logs"/TypeScript "$logs"/*-s-clients 2>/dev/null |
    sed 's|.*/||'
sed -n '/= SUMMARY =/,$p' "$logs"/schemathesis 2>/dev/null
grep -HE '^=+ .*(passed|failed).* =+$' "$logs"/Python "$logs"/example--FastAPI 2>/dev/null | sed 's|.*/||'
grep -HE '^(ok|FAIL)\s|Tests run: .*[0-9]$' "$logs"/Go "$logs"/*-for-Go "$logs"/*-for-Java 2>/dev/null | sed 's|.*/logs/||'
grep -hE '^[0-9]+ passed' "$logs"/Helm-chart 2>/dev/null
grep -h '^image: ' "$logs"/image--archive--systemd--compose 2>/dev/null
grep -hE '^(helm 4, |LEFT OUT: the cluster)' "$logs"/Kubernetes* 2>/dev/null
printf '%s\n' "${results[@]}"
if [ "$failed" -ne 0 ]; then echo "$failed of ${#results[@]} steps FAILED"; exit 1; fi
echo "all ${#results[@]} steps passed"

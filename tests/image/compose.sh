# The compose file, by podman-compose, with programs of this Debian in place of the public images. Read by run.sh.

folder="$temp/compose"
export COMPOSE_PROJECT_NAME=countersign-test

schema_fits() {
    "$venv/bin/check-jsonschema" --builtin-schema vendor.compose-spec dist/compose/compose.yaml
}
check "compose file: its schema" schema_fits

# The DNS server of Debian's podman keeps names of removed containers, and sometimes does not answer a new one.
# So each container finds the names in its file of hosts, which it reads before it asks DNS.
fixed_addresses() {
    local service address hosts='' fixed=(node-1:11 node-2:12 postgres:20 redis:21)
    for service in "${fixed[@]}"; do hosts+=" \"${service%:*}:172.30.77.${service#*:}\","; done
    echo 'services:'
    for service in "${fixed[@]}" nginx:10 cli:30; do
        address="172.30.77.${service#*:}"
        printf '  %s: {extra_hosts: [%s], networks: {default: {ipv4_address: %s}}}\n' "${service%:*}" "${hosts%,}" "$address"
    done
}

stand_ins() {
    local kind
    cp -r dist/compose "$folder" || return 1
    port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
    printf 'PORT=%s\nCOUNTERSIGN_IMAGE=%s\n' "$port" "$image" >"$folder/.env"
    mkdir -m 700 "$folder/secrets"
    echo 'one2@/:%' >"$folder/secrets/postgres-password"
    echo 'three4' >"$folder/secrets/redis-password"
    echo "requirepass $(cat "$folder/secrets/redis-password")" >"$folder/secrets/redis.conf"
    chmod 644 "$folder/secrets/"*
    fixed_addresses >"$folder/compose.override.yaml"
    for kind in postgres redis nginx; do
        tests/image/stand-in.sh "$kind" "localhost/stand-in/$kind:test" || return 1
        echo "${kind^^}_IMAGE=localhost/stand-in/$kind:test" >>"$folder/.env"
    done
}
check "compose: Postgres, Redis and nginx of this Debian" stand_ins

compose() { (cd "$folder" && timeout 120 "$venv/bin/podman-compose" "$@"); }
cli() { compose --profile cli run --rm -T cli "$@"; }

sets_up() {
    cli keyring create && ! cli keyring create || return 1
    # Docker waits until Postgres is healthy; this podman is too old for that.
    within 60 cli migrate && cli migrate
}
check "compose: key ring and schema" sets_up

starts() {
    local node
    compose up --detach || return 1
    for node in 1 2; do
        within 40 podman exec "countersign-test_node-${node}_1" countersign healthcheck && continue
        podman logs "countersign-test_node-${node}_1"
        podman ps --all
        for node in postgres redis; do podman logs --tail 8 "countersign-test_${node}_1"; done
        return 1
    done
    within 5 curl -fsS --max-time 5 "http://127.0.0.1:$port/health/ready"
}
check "compose: two nodes behind nginx are ready" starts

hides_passwords() { # they are in no environment and no command line
    local shown
    shown=$(podman inspect $(podman ps -q) && podman top countersign-test_redis_1 args) || return 1
    ! grep -e one2 -e three4 <<<"$shown" && grep -q POSTGRES_PASSWORD_FILE <<<"$shown"
}
check "compose: no password in an environment or a command line" hides_passwords

both_serve() { # nginx asks one after the other; what one starts the other checks
    checks_a_code "http://127.0.0.1:$port" cli || return 1
    local node
    for node in 1 2; do
        podman logs "countersign-test_node-${node}_1" 2>&1 | grep '"route":"/v1/' | grep '"client.address":"172.30.77.1"' && continue
        podman logs "countersign-test_node-${node}_1" 2>&1
        podman logs countersign-test_nginx_1 2>&1
        return 1
    done
}
check "compose: a code is sent by one node and checked by the other" both_serve

survives() { # one node stops: the other serves every request
    podman stop --time 40 countersign-test_node-1_1 && is "$(podman inspect -f '{{.State.ExitCode}}' countersign-test_node-1_1)" 0 || { podman logs countersign-test_node-1_1; return 1; }
    for _ in 1 2 3 4 5 6; do curl -fsS --max-time 5 "http://127.0.0.1:$port/health/ready" || return 1; done
}
check "compose: without one node the other serves" survives
compose down --volumes --timeout 5 >/dev/null 2>&1

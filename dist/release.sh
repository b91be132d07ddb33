#!/usr/bin/env bash
# Makes the release of the commit that is checked out. From one commit, with one version of Rust and
# of the C compiler, the same bytes come out in every folder.
#
# usage: dist/release.sh FOLDER [PROGRAM]
#
# FOLDER/archive   countersign-VERSION-TARGET.tar.gz, its bill of materials, SHA256SUMS
# FOLDER/files     the same files, not packed: the image is made of them
#
# With PROGRAM, that program is packed and nothing is compiled. Without a git checkout,
# SOURCE_DATE_EPOCH and REVISION must be set.
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8
[ $# -ge 1 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 2; }
mkdir -p "$1"
out=$(realpath "$1") program=${2:+$(realpath "$2")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -e .git ]; then
    changed=
    [ -z "$(git status --porcelain)" ] || changed=-changed
    export REVISION="${REVISION:-$(git rev-parse HEAD)$changed}"
    export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"
fi
: "${REVISION:?is not set}" "${SOURCE_DATE_EPOCH:?is not set}"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=$(rustc -vV | sed -n 's/^host: //p')

if [ -z "$program" ]; then
    # Paths of this machine stay out of the program: those of Rust sources, and of C sources.
    build="${CARGO_TARGET_DIR:-$PWD/target}/dist"
    maps=("$PWD=/countersign" "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$build=/target")
    export CARGO_INCREMENTAL=0
    RUSTFLAGS=${maps[*]/#/--remap-path-prefix=} CFLAGS=${maps[*]/#/-ffile-prefix-map=} \
        cargo build --release --locked -p countersign --target-dir "$build"
    program="$build/release/countersign"
fi

name="countersign-$version-$target"
files="$out/files"
rm -rf "$files" "$out/archive"
mkdir -p "$files/completions" "$files/systemd" "$out/archive"
install -m 755 "$program" "$files/countersign"
[ "$("$files/countersign" --version)" = "countersign $version" ] || { echo "$program is not version $version" >&2; exit 1; }
install -m 644 LICENSE "$files/"
install -m 644 dist/systemd/* "$files/systemd/"
python3 dist/dependencies.py "$files" "$target"
"$files/countersign" completions bash >"$files/completions/countersign.bash"
"$files/countersign" completions fish >"$files/completions/countersign.fish"
"$files/countersign" completions zsh >"$files/completions/_countersign"
# Where systemd/countersign.service keeps the data.
"$files/countersign" config default | sed 's|^#folder = .*|folder = "/var/lib/countersign"|' >"$files/countersign.toml"
grep -q '^folder = ' "$files/countersign.toml"

tar --create --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
    --mode=go=rX,u+rw --directory="$out" --transform="s|^files|$name|" files | gzip -n >"$out/archive/$name.tar.gz"
cp "$files/countersign.cdx.json" "$out/archive/$name.cdx.json"
(cd "$out/archive" && sha256sum "$name".* | tee SHA256SUMS)

# The release archive: dist/release.sh. Read by run.sh.

checkout=$PWD

release() ( # folder: on a machine with other habits, the bytes are the same
    export SOURCE_DATE_EPOCH=1700000000 REVISION=test
    [ "$1" = "$temp/one" ] || { umask 077; export TZ=Pacific/Auckland; cd /; }
    "$checkout/dist/release.sh" "$1" "$program" || exit 1
)
check "a release is made" release "$temp/one"
check "once more: the same bytes" eval 'release "$temp/two" && same_files "$temp/one/archive" "$temp/two/archive"'

archive_is_whole() {
    (cd "$temp/one/archive" && sha256sum --check --strict SHA256SUMS && is "$(wc -l <SHA256SUMS)" 2) || return 1
    mkdir "$temp/unpacked" && tar -xzf "$temp/one/archive/$archive.tar.gz" -C "$temp/unpacked" || return 1
    is "$(cd "$temp/unpacked" && find . -type f -printf '%m %P\n' | LC_ALL=C sort -k2)" "$(sed "s|NAME|$archive|" <<'LIST'
644 NAME/LICENSE
644 NAME/THIRD-PARTY-LICENSES.txt
644 NAME/completions/_countersign
644 NAME/completions/countersign.bash
644 NAME/completions/countersign.fish
755 NAME/countersign
644 NAME/countersign.cdx.json
644 NAME/countersign.toml
644 NAME/systemd/countersign.service
644 NAME/systemd/countersign.sysusers.conf
LIST
    )" || return 1
    is "$(tar -tvzf "$temp/one/archive/$archive.tar.gz" --numeric-owner --full-time | awk '{ print $2, $4 }' | sort -u)" "0/0 2023-11-14"
}
check "archive: its files, rights, owners, times and sums" archive_is_whole
check "bill of materials, licences" "$venv/bin/python" tests/image/sbom.py "$temp/one/files"

completes() { # bash, as a person would: `countersign key<tab>`
    local answers
    answers=$(bash --norc -c '. "$1" && COMP_WORDS=(countersign key) COMP_CWORD=1 && _countersign countersign key countersign && echo "${COMPREPLY[*]}"' \
        bash "$temp/one/files/completions/countersign.bash") || return 1
    is "$answers" "key keyring"
    grep -q '^#compdef countersign' "$temp/one/files/completions/_countersign" &&
        grep -q 'complete -c countersign .* -a "healthcheck"' "$temp/one/files/completions/countersign.fish"
}
check "completions" completes

settings_are_good() {
    "$program" config check --config "$temp/one/files/countersign.toml" &&
        is "$(grep -cv '^#\|^\[\|^$' "$temp/one/files/countersign.toml")" 1
}
check "the settings of the archive" settings_are_good

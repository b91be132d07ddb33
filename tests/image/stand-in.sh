#!/usr/bin/env bash
# Makes images from programs of this Debian, where no registry is in reach: what public images have, no more.
# usage: stand-in.sh debian|postgres|redis|nginx NAME:TAG
set -euo pipefail
kind=$1 tag=$2
root=$(mktemp -d)
trap 'rm -rf "$root" "$root.tar"' EXIT
chmod 755 "$root"
export PATH="$PATH:/usr/sbin"

for folder in bin sbin lib lib64; do
    mkdir -p "$root/usr/$folder" && ln -s "usr/$folder" "$root/$folder"
done
mkdir -p "$root/etc" "$root/tmp" "$root/run"
chmod 1777 "$root/tmp"

# Not `command -v`: on the path of the tests stand scripts that call the programs.
find_program() { PATH=/usr/bin:/usr/sbin:/bin:/sbin command -v "$1"; }

copy() { # files and folders, to where they are, without links on the way
    local file
    for file in "$@"; do
        file=$(realpath -m "$(dirname "$file")")/$(basename "$file")
        mkdir -p "$root/${file%/*}"
        [ -e "$root/$file" ] || cp -rL "$file" "$root/$file"
    done
}

copy_programs() { # programs with the libraries that they need
    local program
    for program in "$@"; do
        case $program in /*) ;; *) program=$(find_program "$program") ;; esac
        copy "$program" $(ldd "$program" 2>/dev/null | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p')
    done
}

settings=()
case $kind in
    debian) # what dist/image/collect.sh uses
        copy_programs sh bash cat chmod cp dpkg-query ldd mkdir sed
        libraries=$(ldd /bin/sh | sed -n 's/.* \(\/[^ ]*\)\/libc\.so.*/\1/p')
        copy "$libraries/libgcc_s.so.1" "$libraries/libm.so.6"
        copy /etc/os-release /etc/debian_version /etc/ssl/certs/ca-certificates.crt /var/lib/dpkg/status \
            /var/lib/dpkg/info/{format,{libc6:amd64,libgcc-s1:amd64,ca-certificates}.list} \
            /usr/share/doc/{libc6,libgcc-s1,ca-certificates}
        ;;
    postgres)
        bin=$(dirname "$(find /usr/lib/postgresql -name initdb | sort -V | tail -n 1)")
        share=/usr/share/postgresql/$(basename "${bin%/bin}")
        copy_programs sh cat "$bin/postgres" "$bin/initdb" "$bin/pg_isready" "${bin%/bin}"/lib/{dict_snowball,plpgsql}.so
        copy "$share" /usr/share/zoneinfo
        echo 'postgres:x:999:999::/:/bin/sh' >"$root/etc/passwd"
        mkdir -p "$root/var/lib/postgresql/data" "$root/run/postgresql"
        chown -R 999:999 "$root/var/lib/postgresql" "$root/run/postgresql"
        cat >"$root/start" <<'START'
#!/bin/sh
set -eu
cd /var/lib/postgresql/data
if [ ! -f PG_VERSION ]; then
    initdb -D . -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" -A scram-sha-256 -E UTF8 --no-locale --no-sync >/dev/null
    echo 'host all all all scram-sha-256' >>pg_hba.conf
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D . template1 >/dev/null
fi
exec postgres -D . -h 0.0.0.0 -k /tmp "$@"
START
        chmod 755 "$root/start"
        settings=(--env "PATH=/usr/bin:$bin" --user 999:999 --entrypoint '["/start"]')
        ;;
    redis)
        copy_programs redis-server redis-cli
        mkdir "$root/data"
        settings=(--env PATH=/usr/bin --workingdir /data)
        ;;
    nginx)
        copy_programs nginx
        echo 'nobody:x:65534:65534::/:/bin/sh' >"$root/etc/passwd"
        echo 'nogroup:x:65534:' >"$root/etc/group"
        mkdir -p "$root/var/lib/nginx" "$root/var/log/nginx"
        ln -s /dev/stderr "$root/var/log/nginx/error.log"
        ln -s /dev/stdout "$root/var/log/nginx/access.log"
        settings=(--env PATH=/usr/sbin --entrypoint '["nginx", "-g", "daemon off;"]')
        ;;
esac

container=$(buildah from scratch)
# A folder would lose its owners.
tar -C "$root" -cf "$root.tar" .
buildah add --quiet "$container" "$root.tar" / >/dev/null
[ "${#settings[@]}" -eq 0 ] || buildah config "${settings[@]}" "$container"
buildah commit --quiet --rm "$container" "$tag" >/dev/null

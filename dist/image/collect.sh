#!/bin/sh
# Collects the files of Debian that a program needs in an image that has nothing else.
# usage: collect.sh PROGRAM FOLDER
set -eu
program=$1 folder=$2

mkdir -p "$folder/etc/ssl/certs" "$folder/tmp" "$folder/usr/bin" "$folder/var/lib/dpkg/status.d"
chmod 1777 "$folder/tmp"

# It runs with the libraries of this Debian: those that are copied.
"$program" --version
ldd "$program" | sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | while read -r library; do
    mkdir -p "$folder/${library%/*}"
    cp -L "$library" "$folder$library"
done

cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
cp -L /etc/os-release /etc/debian_version "$folder/etc/"
printf 'root:x:0:0:root:/:/sbin/nologin\ncountersign:x:65532:65532:Countersign:/data:/sbin/nologin\n' >"$folder/etc/passwd"
printf 'root:x:0:\ncountersign:x:65532:\n' >"$folder/etc/group"
# Without this file glibc asks DNS before it reads /etc/hosts.
printf 'hosts: files dns\n' >"$folder/etc/nsswitch.conf"

# Scanners find the packages here, and people their licences.
for package in libc6 libgcc-s1 ca-certificates; do
    mkdir -p "$folder/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$folder/usr/share/doc/$package/"
    dpkg-query -s "$package" >"$folder/var/lib/dpkg/status.d/$package"
done

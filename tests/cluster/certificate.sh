#!/usr/bin/env bash
# Makes a certificate of the test authority, for servers and clients: FOLDER/NAME.crt and FOLDER/NAME.key.
# usage: certificate.sh FOLDER NAME SUBJECT ALTERNATIVE_NAMES
set -euo pipefail
cd "$1"
name=$2 subject=$3 names=$4
new_key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }
if [ ! -e ca.crt ]; then
    new_key ca.key
    openssl req -x509 -new -key ca.key -days 2 -subj '/CN=test authority' -out ca.crt
fi
new_key "$name.key"
openssl req -new -key "$name.key" -subj "$subject" -out "$name.csr"
openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out "$name.crt" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n' "$names") 2>/dev/null

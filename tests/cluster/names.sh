#!/usr/bin/env bash
# Keeps a file for dnsmasq equal to the names of the Services: names.sh FILE PID_OF_DNSMASQ
set -euo pipefail
file=$1 dnsmasq=$2
# shellcheck disable=SC2016 # kubectl expands it
template='{{range .items}}{{if ne .spec.clusterIP "None"}}{{.spec.clusterIP}} {{.metadata.name}}.{{.metadata.namespace}}.svc.cluster.local{{"\n"}}{{end}}{{end}}'

update() {
    kubectl get services -A -o go-template="$template" >"$file.new" || return 0
    ! cmp -s "$file.new" "$file" || return 0
    # No half file may lie where dnsmasq reads.
    mv "$file.new" "$file"
    kill -HUP "$dnsmasq"
}

# The watch ends now and then by itself.
while kill -0 "$dnsmasq"; do
    while read -r _; do update; done < <(kubectl get services -A --watch --no-headers)
    sleep 0.5
done

#!/usr/bin/env bash
# Helm 4.1.4; Helm 3.17.2 differs.
#
# Behaviour: when a value does not match a `pattern` of values.schema.json, Helm 4 prints the value. Helm 3 prints
#   the place and the pattern only.
# Likely guess: a schema is a safe place to say that a value must be the name of a Secret. Who puts the URL with its
#   password there by mistake sees "does not match pattern", and CI's log keeps no password.
# Seen: at '/existingSecret': 'redis://app:hunter2@redis:6379' does not match pattern '^[a-z0-9.-]*$'
# Way out: check such names in a template with `fail`, without the value in the text, and give the schema the type alone.
#
# HELM names a Helm 4; without it, `helm` on the path.
set -euo pipefail
helm=${HELM:-helm}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/chart/templates"
printf 'apiVersion: v2\nname: x\nversion: 1.0.0\n' >"$temp/chart/Chart.yaml"
echo '{"properties": {"existingSecret": {"type": "string", "pattern": "^[a-z0-9.-]*$"}}}' >"$temp/chart/values.schema.json"
"$helm" version --short
if "$helm" template r "$temp/chart" --set existingSecret=redis://app:hunter2@redis:6379 >"$temp/out" 2>&1; then exit 1; fi
cat "$temp/out"
grep -q hunter2 "$temp/out"

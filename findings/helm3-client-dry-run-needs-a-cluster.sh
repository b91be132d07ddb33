#!/usr/bin/env bash
# Helm 3.17.2; Helm 4.1.4 differs.
#
# Behaviour: `helm install --dry-run=client` of Helm 3 asks the cluster for its version and fails without one.
#   That of Helm 4 renders everything, the notes too.
# Likely guess: a dry run of the client needs no cluster: `--dry-run=server` is there for that.
# Seen: "INSTALLATION FAILED: Kubernetes cluster unreachable", exit code 1.
# Way out: `helm template`, which leaves out the notes; or Helm 4.
#
# HELM names a Helm 3; without it, `helm` on the path.
set -euo pipefail
helm=${HELM:-helm}
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/chart/templates"
printf 'apiVersion: v2\nname: x\nversion: 1.0.0\n' >"$temp/chart/Chart.yaml"
echo 'the notes' >"$temp/chart/templates/NOTES.txt"
# No configuration of a cluster: as on a machine of CI.
export HOME="$temp" KUBECONFIG="$temp/none"
"$helm" version --short
if "$helm" install r "$temp/chart" --dry-run=client >"$temp/out" 2>&1; then cat "$temp/out"; exit 1; fi
cat "$temp/out"
grep -q 'cluster unreachable' "$temp/out"

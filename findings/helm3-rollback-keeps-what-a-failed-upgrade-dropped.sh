#!/usr/bin/env bash
# Helm 3.17.2 and 4.1.4 on Kubernetes 1.37.2. As root, with etcd; tests/cluster/build.sh makes kube-apiserver.
#
# Behaviour: revision 2 adds a field. Revision 3 would drop it, and fails in its pre-upgrade hook, so that nothing
#   changes. `helm rollback` to revision 1, which lacks the field too: Helm 3 leaves the field in the cluster.
# Likely guess: after a rollback the cluster has what the manifest of that revision says.
# Seen: Helm 3 compares revision 1 with the manifest of the failed revision 3, which never reached the cluster, and so
#   finds nothing to drop. Helm 4 applies on the server, which knows whose field it is, and drops it.
# Way out: with Helm 3, roll back to the revision that is deployed first, or upgrade with the values wanted.
set -euo pipefail
if [ -z "${FINDING_INSIDE:-}" ]; then
    FINDING_INSIDE=1 exec unshare --net --pid --fork --kill-child --mount-proc "$0"
fi
ip link set lo up
# The API server wants an address that is not of the loopback network.
ip addr add 10.0.0.1/32 dev lo
PATH="${XDG_CACHE_HOME:-$HOME/.cache}/countersign/kubernetes:$("$(dirname "$0")/../tests/helm/run.sh" --tools):$PATH"
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
etcd --data-dir=etcd >etcd.log 2>&1 &
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl ec -in key.pem -pubout -out public.pem 2>/dev/null
echo 'secret,admin,1,system:masters' >tokens
kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --cert-dir=. --token-auth-file=tokens \
    --advertise-address=10.0.0.1 --service-cluster-ip-range=10.96.0.0/16 \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file=public.pem \
    --service-account-signing-key-file=key.pem >apiserver.log 2>&1 &
cat >config <<'YAML'
{apiVersion: v1, kind: Config, current-context: x, users: [{name: u, user: {token: secret}}],
 clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}],
 contexts: [{name: x, context: {cluster: c, user: u}}]}
YAML
export KUBECONFIG="$temp/config" HOME="$temp"
for _ in $(seq 100); do ! kubectl get namespace default >/dev/null 2>&1 || break; sleep 0.3; done

mkdir -p chart/templates
printf 'apiVersion: v2\nname: chart\nversion: 1.0.0\n' >chart/Chart.yaml
cat >chart/templates/all.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data:
  always: "1"
  {{- if .Values.field }}
  field: "1"
  {{- end }}
{{- if .Values.fails }}
---
# No controller runs here, so this Job never ends.
apiVersion: batch/v1
kind: Job
metadata:
  name: hook
  annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: before-hook-creation}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: a, image: a}]}
{{- end }}
YAML
for helm in helm3 helm4; do
    "$helm" version --short
    "$helm" install "$helm" chart >/dev/null
    "$helm" upgrade "$helm" chart --set field=true >/dev/null
    ! "$helm" upgrade "$helm" chart --set fails=true --timeout 3s >/dev/null 2>&1
    "$helm" rollback "$helm" 1 >/dev/null
    kubectl get configmap "$helm" -o jsonpath='after the rollback to revision 1: {.data}{"\n"}'
done

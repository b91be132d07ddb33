# shellcheck shell=bash disable=SC2154 # inside.sh and run.sh set them
# Starts a Kubernetes of one node in the namespaces of this process. Read by inside.sh, which sets
# $temp, $kubernetes and $cgroup.

node_ip=10.244.0.1 pki="$temp/pki" conf="$temp/conf" logs="$temp/logs"
export KUBECONFIG="$conf/admin" KUBECACHEDIR="$temp/kubectl"
mkdir -p "$pki" "$conf" "$logs" "$temp"/{etcd,containerd,kubelet,cni,volumes}

gave_up() {
    echo "The cluster did not come up: $*" >&3
    # 3: this machine does not permit it.
    ! grep -qEi 'operation not permitted|permission denied|read-only file system' <<<"$*" || exit 3
    exit 1
}

declare -A pids
start() { # name command...: in the background
    local name=$1
    shift
    "$@" >"$logs/$name" 2>&1 </dev/null &
    pids[$name]=$!
}
wait_for() { # seconds name what command...: until the command succeeds
    local end=$((SECONDS + $1)) name=$2 what=$3
    shift 3
    until timeout 10 "$@" >"$logs/wait" 2>&1; do
        kill -0 "${pids[$name]}" 2>/dev/null || gave_up "$name ended: $(tail -n 3 "$logs/$name")"
        [ "$SECONDS" -lt "$end" ] || gave_up "$what: $(tail -n 5 "$logs/wait" "$logs/$name")"
        sleep 0.2
    done
}

make_kubeconfig() { # name subject alternative-names
    tests/cluster/certificate.sh "$pki" "$1" "$2" "$3"
    cat >"$conf/$1" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", certificate-authority: "$pki/ca.crt"}}]
users: [{name: u, user: {client-certificate: "$pki/$1.crt", client-key: "$pki/$1.key"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
YAML
}

prepare_network() {
    ip link set lo up
    # The bridge of the pods has the address of the node.
    ip link add cni0 type bridge
    ip addr add $node_ip/24 dev cni0
    ip link set cni0 up
    # Without it the kernel refuses addresses of Services before the rules of kube-proxy can rewrite them.
    ip route add default dev cni0
    printf 'nameserver %s\nsearch svc.cluster.local cluster.local\n' "$node_ip" >"$conf/resolv.conf"
    mount --bind "$conf/resolv.conf" /etc/resolv.conf
}

prepare_mounts() { # the places where Kubernetes writes are the cluster's own
    local folder name
    for folder in /run /var/log /var/lib/cni; do
        mkdir -p "$folder"
        mount -t tmpfs -o mode=755 tmpfs "$folder"
    done
    mkdir -p /var/lib/kubelet /run/lock /run/sysnet
    # Its sockets have paths that may not be longer.
    mount --bind "$temp/kubelet" /var/lib/kubelet
    # Sysctls of the network belong to this namespace. All others are the machine's: the kubelet reads
    # the values that it wants from files in their place.
    echo 1 >/proc/sys/net/ipv4/ip_forward
    mount --bind /proc/sys/net /run/sysnet
    mount --bind /proc/sys /proc/sys
    mount -o remount,bind,ro /proc/sys
    mount --bind /run/sysnet /proc/sys/net
    for name in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
        kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
        mkdir -p "$temp/sysctl/${name%/*}"
        echo "${name#*=}" >"$temp/sysctl/${name%=*}"
        mount --bind "$temp/sysctl/${name%=*}" "/proc/sys/${name%=*}"
    done
}

make_pause_image() { # the container that holds the namespaces of a pod
    local container
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$(command -v catatonit)" /pause >/dev/null
    buildah config --entrypoint '["/pause", "-P"]' --user 65532:65532 "$container"
    buildah commit --quiet --rm "$container" localhost/pause:test >/dev/null
    buildah push --quiet localhost/pause:test "oci-archive:$temp/pause.tar:localhost/pause:test"
}

start_containerd() {
    local try="$temp/containerd/try" snapshotter=overlayfs
    mkdir -p "$try"/{lower,upper,work,merged}
    # Overlays do not stack.
    if mount -t overlay -o "lowerdir=$try/lower,upperdir=$try/upper,workdir=$try/work" overlay "$try/merged" 2>/dev/null; then
        umount "$try/merged"
    else
        snapshotter=native
    fi
    rm -rf "$try"
    cat >"$conf/containerd.toml" <<TOML
version = 2
root = "$temp/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$temp/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:test"
  # Lower scores need a capability that root in a container lacks.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$temp/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "$snapshotter"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
TOML
    cat >"$temp/cni/pods.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24", "rangeStart": "10.244.0.10"}]], "dataDir": "/run/cni"}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
    start containerd containerd --config "$conf/containerd.toml"
}

import_image() { ctr --namespace k8s.io images import "$1"; }

start_control_plane() {
    local name
    start etcd etcd --data-dir="$temp/etcd" --listen-client-urls=http://127.0.0.1:2379 \
        --advertise-client-urls=http://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380 --unsafe-no-fsync
    tests/cluster/certificate.sh "$pki" apiserver /CN=kube-apiserver \
        "DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$node_ip,IP:10.96.0.1"
    make_kubeconfig admin /O=system:masters/CN=admin DNS:admin
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/accounts.key"
    openssl ec -in "$pki/accounts.key" -pubout -out "$pki/accounts.pub" 2>/dev/null
    start apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --cert-dir=/run/apiserver \
        --advertise-address=$node_ip --service-cluster-ip-range=10.96.0.0/16 --allow-privileged=true \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/accounts.pub" \
        --service-account-signing-key-file="$pki/accounts.key" --authorization-mode=Node,RBAC \
        --enable-admission-plugins=NodeRestriction --kubelet-client-certificate="$pki/admin.crt" \
        --kubelet-client-key="$pki/admin.key" --kubelet-preferred-address-types=InternalIP
    make_kubeconfig controllers /CN=system:kube-controller-manager DNS:controllers
    make_kubeconfig scheduler /CN=system:kube-scheduler DNS:scheduler
    make_kubeconfig node /O=system:nodes/CN=system:node:node1 "DNS:node1,IP:$node_ip"
    make_kubeconfig proxy /CN=system:kube-proxy DNS:proxy
    wait_for 60 apiserver "the API server is not ready" kubectl get --raw /readyz
    start controllers kube-controller-manager --kubeconfig="$conf/controllers" \
        --authentication-kubeconfig="$conf/controllers" --authorization-kubeconfig="$conf/controllers" \
        --service-account-private-key-file="$pki/accounts.key" --root-ca-file="$pki/ca.crt" \
        --use-service-account-credentials=true --leader-elect=false --bind-address=127.0.0.1 --cert-dir=/run/controllers
    start scheduler kube-scheduler --kubeconfig="$conf/scheduler" --authentication-kubeconfig="$conf/scheduler" \
        --authorization-kubeconfig="$conf/scheduler" --leader-elect=false --bind-address=127.0.0.1 --cert-dir=/run/scheduler
}

start_node() {
    cat >"$conf/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
# By default the kubelet refuses cgroups of version 1, and machines without systemd have them.
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: "/$cgroup"
enforceNodeAllocatable: []
# It may not change limits and scores of processes here. With this it only warns.
featureGates: {KubeletInUserNamespace: true}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "$pki/ca.crt"}}
authorization: {mode: Webhook}
tlsCertFile: "$pki/node.crt"
tlsPrivateKeyFile: "$pki/node.key"
clusterDNS: [$node_ip]
clusterDomain: cluster.local
resolvConf: ""
podLogsDir: "$logs/pods"
volumePluginDir: /var/lib/kubelet/volume-plugins
failSwapOn: false
readOnlyPort: 0
# No registry could give an image again.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi}
# The default of a minute makes a changed Secret slow.
syncFrequency: 10s
YAML
    start kubelet kubelet --config="$conf/kubelet.yaml" --kubeconfig="$conf/node" --root-dir=/var/lib/kubelet \
        --hostname-override=node1 --node-ip=$node_ip --cert-dir=/run/kubelet
    # 0 leaves the machine's limits of connection tracking as they are.
    start proxy kube-proxy --kubeconfig="$conf/proxy" --proxy-mode=iptables --conntrack-max-per-core=0 \
        --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0 --cluster-cidr=10.244.0.0/24 \
        --hostname-override=node1 --bind-address=127.0.0.1
    mkdir -p "$temp/names"
    start dns dnsmasq --keep-in-foreground --no-resolv --no-hosts --local=/cluster.local/ --listen-address=$node_ip \
        --bind-interfaces --addn-hosts="$temp/names/hosts" --user=root --pid-file=/run/dnsmasq.pid
    start names tests/cluster/names.sh "$temp/names/hosts" "${pids[dns]}"
    wait_for 60 kubelet "the node is not ready" kubectl wait --for=condition=Ready node/node1 --timeout=1s
    wait_for 30 controllers "the default account is missing" kubectl get serviceaccount default
    wait_for 30 proxy "addresses of Services do not work" bash -c 'exec 3<>/dev/tcp/kubernetes.default.svc.cluster.local/443'
}

# A pod that only waits: the kubelet, containerd and runc do what they should.
try_a_pod() {
    kubectl run first --image=localhost/pause:test --image-pull-policy=Never --restart=Never >/dev/null
    kubectl wait --for=condition=Ready pod/first --timeout=30s >/dev/null 2>&1 ||
        gave_up "a pod does not start: $(kubectl get events --field-selector involvedObject.name=first -o jsonpath='{.items[*].message}')"
    kubectl delete pod first --grace-period=0 --force >/dev/null 2>&1
}

start_cluster() {
    prepare_network
    prepare_mounts
    start_containerd
    start_control_plane
    wait_for 30 containerd "containerd does not answer" ctr version
    import_image "$temp/pause.tar" >/dev/null
    start_node
    try_a_pod
}

# shellcheck shell=bash
# Which Kubernetes, and where it is kept. Read by run.sh and build.sh.
# shellcheck disable=SC2034

version=1.37.2
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/countersign"
kubernetes="$cache/kubernetes"

has_program() { # name: whether it is there, in this version
    local answer
    case $1 in
        kubectl) answer=$("$kubernetes/$1" version --client 2>/dev/null) ;;
        *) answer=$("$kubernetes/$1" --version 2>/dev/null) ;;
    esac
    # The answer of kubectl has further lines.
    case $answer in *" v$version" | *" v$version"$'\n'*) ;; *) return 1 ;; esac
}

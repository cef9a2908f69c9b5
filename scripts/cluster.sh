#!/usr/bin/env bash
# The cluster in use: up, down, load (the images), kubeconfig (prints its path), kind-of (prints
# kind, dev or current). CLUSTER chooses which; CLUSTER_NAME names it, so that several can run.
source "$(dirname "$0")/lib.sh"
name=${CLUSTER_NAME:-maquette}

choose() {
    case ${CLUSTER:-} in
        kind | dev | current) echo "$CLUSTER" ;;
        "") if have kind && docker_runs; then echo kind; else echo dev; fi ;;
        *) die "CLUSTER must be kind, dev or current, not $CLUSTER" ;;
    esac
}
cluster=$(choose)
kind_config=$PWD/.dev/$name.kubeconfig
dev=bin/maquette-dev-cluster

kind_runs() { kind get clusters 2> /dev/null | grep -qx "$name"; }

up() {
    case $cluster in
        kind)
            mkdir -p .dev
            kind_runs || kind create cluster --name "$name" --kubeconfig "$kind_config" --wait 120s
            kind get kubeconfig --name "$name" > "$kind_config"
            ;;
        dev)
            scripts/setup.sh cluster
            scripts/tools.sh
            say "starting the development cluster $name"
            as_root "$dev" up --name "$name" > /dev/null
            ;;
        current) say "using the current context (CLUSTER=current)" ;;
    esac
}

down() {
    case $cluster in
        kind) kind delete cluster --name "$name" --kubeconfig "$kind_config" ;;
        dev)
            if [ -e "$dev" ]; then
                as_root "$dev" down --name "$name"
            else
                say "this checkout has started no cluster; to remove one of another checkout: make tools clean-cluster"
            fi
            ;;
        current) die "CLUSTER=current is not removed; make uninstall removes Maquette from it" ;;
    esac
}

load() {
    local archive
    for archive in "$archives"/*.tar; do
        case $cluster in
            kind) kind load image-archive --name "$name" "$archive" ;;
            dev) as_root "$dev" load --name "$name" "$archive" ;;
            current) say "not loaded: the cluster must be able to pull the image of $archive" ;;
        esac
    done
}

kubeconfig() {
    case $cluster in
        kind) echo "$kind_config" ;;
        dev) as_root "$dev" kubeconfig --name "$name" ;;
        current) echo "${KUBECONFIG:-$HOME/.kube/config}" ;;
    esac
}

case ${1:-} in
    up | down | load | kubeconfig) "$1" ;;
    kind-of) echo "$cluster" ;;
    *) die "cluster.sh: up, down, load, kubeconfig or kind-of" ;;
esac

#!/usr/bin/env bash
# Removes every Architecture with its objects, and then the operator, from the cluster in use.
source "$(dirname "$0")/kubectl.sh"

if kubectl get crd architectures.maquette.dev > /dev/null 2>&1; then
    say "deleting all Architectures"
    kubectl delete architectures --all --all-namespaces --timeout=120s >&2
fi
say "deleting the operator"
kubectl delete --ignore-not-found -f manifests/install.yaml >&2

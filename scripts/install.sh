#!/usr/bin/env bash
# Installs the operator from manifests/install.yaml, unchanged, into the cluster in use and waits
# until it runs. Pods of an image that has been rebuilt since are replaced.
source "$(dirname "$0")/kubectl.sh"
managed=app.kubernetes.io/managed-by=maquette

replace_operator() { kubectl -n maquette-system rollout restart deployment/maquette > /dev/null; }

replace_workload() {
    local namespace
    for namespace in $(kubectl get deployments,statefulsets -A -l "$managed" \
        -o 'jsonpath={range .items[*]}{.metadata.namespace}{"\n"}{end}' | sort -u); do
        kubectl -n "$namespace" rollout restart deployments,statefulsets -l "$managed" > /dev/null
    done
}

# The tag of an image under development stays the same, so a new one starts no pod by itself: an
# annotation on the operator's Deployment says which one was loaded when it was last installed.
replace_if_new() {
    local image=$1 note=maquette.dev/loaded-$1 now before
    now=$(cat "$archives/$image.tar.of")
    before=$(kubectl -n maquette-system get deployment maquette \
        -o "go-template={{ with .metadata.annotations }}{{ index . \"$note\" }}{{ end }}")
    if [ "$before" = "$now" ]; then return; fi
    if [ -n "$before" ] && [ "$before" != "<no value>" ]; then
        say "replacing the pods of the older $image image"
        "replace_$image"
    fi
    kubectl -n maquette-system annotate --overwrite deployment maquette "$note=$now" > /dev/null
}

say "installing the operator from manifests/install.yaml"
kubectl apply --server-side --field-manager=maquette-install -f manifests/install.yaml > /dev/null
kubectl wait --for=condition=Established crd/architectures.maquette.dev --timeout=60s > /dev/null
if [ "$cluster" != current ]; then
    replace_if_new operator
    replace_if_new workload
fi
kubectl -n maquette-system rollout status deployment/maquette --timeout=180s >&2

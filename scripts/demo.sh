#!/usr/bin/env bash
# Shows all four shapes at work, from nothing: installs what is missing, gets a cluster, installs the
# operator, applies the examples, waits until each is Ready and prints one write, one read and one
# summary of each. A second run is quick and changes nothing.
source "$(dirname "$0")/lib.sh"
shapes=(client-server three-tier n-tier peer-to-peer)
patience_seconds=600

scripts/setup.sh build image demo
# The images take long. They come first, so that no cluster runs without work meanwhile.
scripts/image.sh
scripts/cluster.sh up
scripts/cluster.sh load
scripts/install.sh
source scripts/kubectl.sh

scratch=$(mktemp -d)
forward=
stop() {
    if [ -n "$forward" ]; then kill "$forward" 2> /dev/null || true; fi
    rm -rf "$scratch"
}
trap stop EXIT

# One line: whether the architecture is Ready, each component with its pods, and why not Ready.
state() {
    kubectl get architecture "$1" -o "go-template={{ range .status.conditions }}{{ if eq .type \"Ready\" \
        }}{{ .status }} {{ if ne .status \"True\" }}({{ .message }}) {{ end }}{{ end }}{{ end }}{{ \
        range .status.components }} {{ .name }} {{ .ready }}/{{ .desired }}{{ end }}" || true
}

wait_until_ready() {
    local -A shown=()
    local waiting=("$@") still name now deadline=$((SECONDS + patience_seconds))
    while [ "${#waiting[@]}" -gt 0 ]; do
        still=()
        for name in "${waiting[@]}"; do
            now=$(state "$name")
            if [ "$now" != "${shown[$name]:-}" ]; then
                printf '    %-14s Ready=%s\n' "$name" "${now:-Unknown}" >&2
                shown[$name]=$now
            fi
            if [[ $now != True* ]]; then still+=("$name"); fi
        done
        if [ "$SECONDS" -gt "$deadline" ]; then
            die "not Ready in ${patience_seconds} s: ${still[*]}; see kubectl describe architecture"
        fi
        waiting=(${still[@]+"${still[@]}"})
        if [ "${#waiting[@]}" -gt 0 ]; then sleep 1; fi
    done
}

# Forwards a free port of 127.0.0.1 to the entry of an architecture; its URL is in $url.
forward_to() {
    local line=
    # The output of an earlier port-forward must not be read as that of this one.
    : > "$scratch/forward"
    kubectl port-forward "service/$1" :80 > "$scratch/forward" 2>&1 &
    forward=$!
    until line=$(grep -m1 -o '127.0.0.1:[0-9]*' "$scratch/forward"); do
        kill -0 "$forward" 2> /dev/null || die "$(cat "$scratch/forward")"
        sleep 0.1
    done
    url=http://$line
}

# ask METHOD PATH [BODY]: prints a request as one would type it, and its answer as a readable tree.
ask() {
    local options=(-X "$1") typed="-X $1" path=$2
    if [ $# = 3 ]; then
        options+=(--data "$3")
        typed+=" -d '$3'"
    fi
    printf '\n$ curl -H "Accept: text/plain" %s %s\n' "$typed" "$url/$path"
    curl --silent --show-error --fail-with-body --max-time 20 -H 'Accept: text/plain' \
        "${options[@]}" "$url/$path"
}

show() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$1"; else printf '\n%s\n' "$1"; fi
    kubectl get architecture "$1"
    forward_to "$1"
    ask PUT items/orders/42 '{"drink":"coffee","cups":2}'
    ask GET items/orders/42
    ask GET summary
    kill "$forward"
    wait "$forward" 2> /dev/null || true
    forward=
}

what_next() {
    cat << EOF

What to try next, from this directory:

  export PATH=$PWD/bin:\$PATH KUBECONFIG=$KUBECONFIG
  kubectl get architectures
  kubectl get pods -L maquette.dev/architecture,maquette.dev/component

  # send requests to any shape
  kubectl port-forward service/n-tier 8080:80 > /dev/null & sleep 2
  curl --json '"tea"' -X PUT http://127.0.0.1:8080/items/orders/43
  curl -H 'Accept: text/plain' http://127.0.0.1:8080/summary

  # lose a peer: its items stay readable, and the peer comes back
  kubectl delete pod peer-to-peer-peers-0 --wait=false
  kubectl get architecture peer-to-peer --watch

  # draw what runs; change the shape under load, without failed requests or lost items
  maquette graph three-tier
  kubectl patch architecture three-tier --type merge -p '{"spec":{"shape":"NTier"}}'
  kubectl get architecture three-tier --watch

  # and when you are done
  make clean-cluster
EOF
}

say "applying manifests/examples"
names=()
for shape in "${shapes[@]}"; do
    # On the server's side: a plain apply reports a change where the server filled in defaults.
    kubectl apply --server-side --force-conflicts -f "manifests/examples/$shape.yaml" >&2
    names+=("$(kubectl get -f "manifests/examples/$shape.yaml" -o 'jsonpath={.metadata.name}')")
done
say "waiting until each is Ready"
wait_until_ready "${names[@]}"
for name in "${names[@]}"; do show "$name"; done
what_next

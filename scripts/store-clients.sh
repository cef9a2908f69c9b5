#!/usr/bin/env bash
# Runs client libraries with their default settings against a store: redis-py, go-redis, node-redis,
# ioredis, Jedis and Lettuce. Needs python3 with venv, go, node with npm, and java with mvn, and the
# registries of their packages. Arguments choose languages: python, go, node, java.
source "$(dirname "$0")/lib.sh"

if [ $# = 0 ]; then set -- python go node java; fi
work=$(mktemp -d)
store=""
finish() {
    if [ -n "$store" ]; then kill "$store" 2> /dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT

start_store() {
    cargo build --locked --quiet -p maquette-workload
    mkdir "$work/data"
    printf '%s\n' '{"schemaVersion": 1, "architecture": "clients", "component": "store", "role": "store"}' \
        > "$work/component.json"
    target/debug/workload --config "$work/component.json" --data "$work/data" --pod clients-store-0 \
        --listen-ip 127.0.0.1 --store-port 0 --admin-port 0 > "$work/store.log" &
    store=$!
    for _ in $(seq 100); do
        MAQUETTE_STORE=$(sed -n 's/.*"listening","address":"\([^"]*\)".*/\1/p' "$work/store.log")
        if [ -n "$MAQUETTE_STORE" ]; then
            export MAQUETTE_STORE
            return
        fi
        kill -0 "$store" || die "the store has ended: $(cat "$work/store.log")"
        sleep 0.1
    done
    die "the store does not listen: $(cat "$work/store.log")"
}

python_clients() {
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r dev/clients/python/requirements.txt
    "$work/venv/bin/python" dev/clients/python/test_client.py
}

go_clients() {
    go -C dev/clients/go test -count=1 ./...
}

node_clients() {
    cp -r dev/clients/node "$work/node"
    npm --prefix "$work/node" ci --silent
    npm --prefix "$work/node" test --silent
}

java_clients() {
    mvn --quiet --file dev/clients/java/pom.xml compile exec:java
}

start_store
for language in "$@"; do
    say "clients in $language"
    case $language in
        python | go | node | java) "${language}_clients" ;;
        *) die "store-clients.sh: no clients in $language" ;;
    esac
done

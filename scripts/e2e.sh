#!/usr/bin/env bash
# Runs the end-to-end tests on a cluster of their own, which is removed afterwards, also after a
# failure. With CLUSTER=current they run on the current context and remove what they created.
# Arguments go to the tests' binary: names of tests, --nocapture.
source "$(dirname "$0")/lib.sh"
export CLUSTER_NAME=${CLUSTER_NAME:-maquette}-e2e

if [ "$(scripts/cluster.sh kind-of)" != current ]; then
    # Removes what a killed run left behind.
    if [ -d bin ]; then scripts/cluster.sh down; fi
    trap 'scripts/cluster.sh down' EXIT
    trap 'exit 130' INT TERM
fi
scripts/setup.sh test
scripts/image.sh
scripts/cluster.sh up
scripts/cluster.sh load
scripts/install.sh
KUBECONFIG=$(scripts/cluster.sh kubeconfig)
export KUBECONFIG
say "running the end-to-end tests"
run() { cargo test --locked --workspace --test e2e -- --include-ignored "$@"; }
# The tests of changes under load need an idle machine, so they run one by one. The tests that
# disturb every model of the cluster run last.
if [ $# = 0 ]; then
    run --test-threads 3 --skip evolution:: --skip disruptive::
    run --test-threads 1 evolution::
    run --test-threads 1 disruptive::
else
    run "$@"
fi

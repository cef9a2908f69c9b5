#!/usr/bin/env bash
# Runs the end-to-end tests on a cluster of their own, which is taken down afterwards, also after a
# failure. With CLUSTER=current they run on the current context, where they clean up after
# themselves. Arguments go to the tests' binary: names of tests, --nocapture.
source "$(dirname "$0")/lib.sh"
export CLUSTER_NAME=${CLUSTER_NAME:-maquette}-e2e

if [ "$(scripts/cluster.sh kind-of)" != current ]; then
    # Whatever a run that was killed left behind is no part of this one.
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
# What users notice of a change is looked at with nothing else to keep the machine busy, and what
# disturbs every model of the cluster comes after that.
if [ $# = 0 ]; then
    run --test-threads 3 --skip evolution:: --skip disruptive::
    run --test-threads 1 evolution::
    run --test-threads 1 disruptive::
else
    run "$@"
fi

# shellcheck shell=bash
# Sourced by scripts that talk to the cluster in use: KUBECONFIG and kubectl for it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cluster=$(scripts/cluster.sh kind-of)
KUBECONFIG=$(scripts/cluster.sh kubeconfig)
export KUBECONFIG
# The development cluster's binary is kubectl too, so that kubectl need not be installed.
if [ "$cluster" = dev ] || ! have kubectl; then
    [ -e bin/kubectl ] || scripts/tools.sh
    export PATH=$PWD/bin:$PATH
fi

# shellcheck shell=bash
# The variables are for the scripts that source this.
# shellcheck disable=SC2034
# Sourced by the other scripts: paths, and functions for output.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
operator_image=ghcr.io/maquette-dev/maquette:$version
workload_image=ghcr.io/maquette-dev/maquette-workload:$version
# The folder of archives that image.sh makes and cluster.sh loads.
archives=target/images
# Debian keeps nft, conntrack and iptables here, which an ordinary user's PATH lacks.
export PATH=$PATH:/usr/sbin:/sbin

# Reports progress on the standard error. The standard output is for results.
say() {
    if [ -t 2 ]; then printf '\033[1m==>\033[0m %s\n' "$*" >&2; else printf '==> %s\n' "$*" >&2; fi
}

# first_time FILE DURATION: says that the first build takes long, as long as FILE is missing.
first_time() { [ -e "$1" ] || printf ' (the first time takes %s)' "$2"; }

die() {
    printf 'maquette: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" > /dev/null; }

docker_runs() { have docker && docker info > /dev/null 2>&1; }

# Runs a command as root, by sudo if necessary.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo: run it as root: $*"
    fi
}

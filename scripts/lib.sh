# shellcheck shell=bash
# Variables are for those who source this.
# shellcheck disable=SC2034
# Sourced by the other scripts: where things are, and how to speak.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
operator_image=ghcr.io/maquette-dev/maquette:$version
workload_image=ghcr.io/maquette-dev/maquette-workload:$version
# The folder of archives that image.sh makes and cluster.sh loads.
archives=target/images
# Debian keeps nft, conntrack and iptables here; an ordinary user's PATH has not got it.
export PATH=$PATH:/usr/sbin:/sbin

# What happens, for the person who waits. Standard output is for results.
say() {
    if [ -t 2 ]; then printf '\033[1m==>\033[0m %s\n' "$*" >&2; else printf '==> %s\n' "$*" >&2; fi
}

# Says once that a first build takes long: as long as there is not yet what it makes.
first_time() { [ -e "$1" ] || printf ' (the first time takes %s)' "$2"; }

die() {
    printf 'maquette: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" > /dev/null; }

docker_runs() { have docker && docker info > /dev/null 2>&1; }

# Runs a command as root, by sudo if need be.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo: run it as root: $*"
    fi
}

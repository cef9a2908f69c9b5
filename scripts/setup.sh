#!/usr/bin/env bash
# Installs what is missing for the jobs named (build, image, cluster, demo, test, bench), from Debian and,
# for the Rust target, by rustup. Quick, silent and without root if nothing is missing.
source "$(dirname "$0")/lib.sh"

# <a command or file that is needed>=<the Debian package that has it>
for job in "$@"; do
    case $job in
        build) needs+=(cc=gcc ld=binutils musl-gcc=musl-tools /usr/include/stdlib.h=libc6-dev) ;;
        image) docker_runs || needs+=(buildah=buildah) ;;
        cluster)
            needs+=(containerd=containerd runc=runc nft=nftables)
            needs+=(/usr/lib/cni/ptp=containernetworking-plugins)
            ;;
        demo) needs+=(curl=curl) ;;
        test) needs+=(shellcheck=shellcheck redis-cli=redis-tools promtool=prometheus) ;;
        bench) needs+=(redis-benchmark=redis-tools redis-check-rdb=redis-tools) ;;
        *) die "setup.sh: no such job: $job" ;;
    esac
done

for need in "${needs[@]}"; do
    what=${need%%=*}
    if [[ $what = /* ]]; then [ -e "$what" ]; else have "$what"; fi || missing+=("${need#*=}")
done

if [ -n "${missing[*]:-}" ]; then
    install=(apt-get install --yes --no-install-recommends "${missing[@]}")
    have apt-get || die "install these packages (their names in Debian): ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! have sudo; then
        die "missing: ${missing[*]}; as root, run: apt-get update && ${install[*]}"
    fi
    say "installing from the distribution: ${missing[*]}"
    as_root apt-get -qq update
    # Debian asks this file whether to start the services that a package brings along: here, no.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" > /dev/null
        as_root chmod 755 "$policy"
    fi
    as_root env DEBIAN_FRONTEND=noninteractive "${install[@]}" > /dev/null
fi

have cargo || die "cargo is missing: install Rust by rustup, https://rustup.rs"
have go || die "go is missing: install Go 1.26 or later, https://go.dev/dl"
# shellcheck disable=SC2076
if have rustup && ! [[ " $(rustup target list --installed | tr '\n' ' ') " =~ " $(uname -m)-unknown-linux-musl " ]]; then
    say "adding the Rust target $(uname -m)-unknown-linux-musl"
    rustup target add "$(uname -m)-unknown-linux-musl"
fi

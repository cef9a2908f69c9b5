#!/usr/bin/env bash
# Builds the two binaries of the images, static, into the folder given, and links the command into
# bin/. The Dockerfile's stage `build` runs this too.
source "$(dirname "$0")/lib.sh"
out=${1:?the folder to put the binaries into}
target=$(uname -m)-unknown-linux-musl

say "building the binaries for $target$(first_time "$out/workload" "some minutes")"
cargo build --release --locked --target "$target" \
    --package maquette --package maquette-workload --bins
mkdir -p "$out"
for binary in maquette workload; do
    # A binary that did not change is left alone, so that later steps do not repeat their work.
    cmp -s "target/$target/release/$binary" "$out/$binary" \
        || install -m 755 "target/$target/release/$binary" "$out/$binary"
done
mkdir -p bin
ln -sfn "$(realpath "$out")/maquette" bin/maquette

#!/usr/bin/env bash
# Measures the workload's speed and memory beside Redis and a bare HTTP server; see
# docs/performance.md. Arguments go to maquette-bench: --rounds N, --only store,hops,...
source "$(dirname "$0")/lib.sh"
scripts/setup.sh build bench
say "building the workload and the benchmark"
cargo build --release --quiet --locked --package maquette-workload --package maquette-bench
target/release/maquette-bench "$@"

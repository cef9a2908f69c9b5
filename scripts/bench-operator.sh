#!/usr/bin/env bash
# Measures what Architectures cost the operator, beside the bare writes of the same objects, on a
# control plane alone. BENCH_ARCHITECTURES=N sets how many; 200 without it.
source "$(dirname "$0")/lib.sh"
scripts/setup.sh build test
scripts/tools.sh
cargo test --release --quiet --workspace --test api -- --ignored --nocapture cost:: | grep '^|'

#!/usr/bin/env bash
# Regenerates every generated file from its one source, then the golden files of the tests.
source "$(dirname "$0")/lib.sh"
cargo run --quiet --package xtask -- generate
UPDATE_GOLDEN=1 cargo test --quiet --workspace --test golden --test golden_commands > /dev/null
git status --short crds manifests charts tests/golden docs/cli.md

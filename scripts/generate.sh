#!/usr/bin/env bash
# Makes every generated file anew from its one source, and then what the golden tests expect.
source "$(dirname "$0")/lib.sh"
cargo run --quiet --package xtask -- generate
UPDATE_GOLDEN=1 cargo test --quiet --workspace --test golden --test golden_commands > /dev/null
git status --short crds manifests charts tests/golden docs/cli.md

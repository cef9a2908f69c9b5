#!/usr/bin/env bash
# Makes every generated file anew from its one source.
source "$(dirname "$0")/lib.sh"
cargo run --quiet --package xtask -- generate

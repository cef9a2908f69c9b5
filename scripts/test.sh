#!/usr/bin/env bash
# Every check and test, cheapest first; stops at the first that fails. Ends with a line that counts
# tests, a check being one. The end-to-end tests need root and are counted as skipped without it.
source "$(dirname "$0")/lib.sh"
passed=0 failed=0 skipped=0
log=target/test.log

finish() {
    local code=$?
    if [ "$code" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    printf '\nmaquette: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    exit "$code"
}
trap finish EXIT
trap "exit 143" INT TERM

check() {
    local name=$1
    shift
    say "$name"
    "$@" || die "failed: $name: $*"
    passed=$((passed + 1))
}

# Counts what cargo's test runner reports.
tests() {
    local name=$1 code=0
    shift
    say "$name"
    "$@" 2>&1 | tee "$log" || code=$?
    count passed; count failed
    [ "$code" = 0 ] || die "failed: $name: $*"
}

count() {
    local -n sum=$1
    local n
    while read -r n; do sum=$((sum + n)); done \
        < <(sed -n "s/^test result:.* \([0-9]*\) $1;.*/\1/p" "$log")
}

mkdir -p target
scripts/setup.sh build test
scripts/tools.sh
check "format" cargo fmt --all --check
check "shell scripts" shellcheck scripts/*.sh .ci/run
check "workflows" bin/actionlint
check "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
check "documentation" env RUSTDOCFLAGS="-D warnings" \
    cargo doc --quiet --locked --workspace --no-deps
check "development cluster: vet and tests" make --silent -C dev/cluster vet test
tests "unit, golden, generated-files, layering and API tests" \
    cargo test --locked --workspace --no-fail-fast
if [ "$(id -u)" = 0 ]; then
    check "development cluster: up, down and nothing left" make --silent -C dev/cluster e2e
    tests "end-to-end tests" scripts/e2e.sh
else
    skipped=$(cargo test --locked --quiet --workspace --test e2e -- --list | grep -c ': test$')
    say "skipped $skipped end-to-end tests: they need root; run: sudo make e2e"
fi

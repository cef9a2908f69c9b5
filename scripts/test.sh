#!/usr/bin/env bash
# Every check and test, cheapest first; stops at the first that fails. Ends with a line that counts
# tests, a check being one. The end-to-end tests need root and are counted as skipped without it.
# Arguments choose stages: checks, tests, cluster, e2e; without arguments all of them run.
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

checks() {
    check "format" cargo fmt --all --check
    check "shell scripts" shellcheck scripts/*.sh .ci/run
    check "workflows" bin/actionlint
    check "clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
    check "documentation" env RUSTDOCFLAGS="-D warnings" \
        cargo doc --quiet --locked --workspace --no-deps
}

cargo_tests() {
    tests "unit, golden, generated-files, layering and API tests" \
        cargo test --locked --workspace --no-fail-fast
}

cluster() {
    check "development cluster: vet and tests" make --silent -C dev/cluster vet test
    if [ "$(id -u)" = 0 ]; then
        scripts/setup.sh cluster
        check "development cluster: up, down and no process left" make --silent -C dev/cluster e2e
    fi
}

e2e() {
    if [ "$(id -u)" = 0 ]; then
        tests "end-to-end tests" scripts/e2e.sh
    else
        skipped=$(cargo test --locked --quiet --workspace --test e2e -- --list | grep -c ': test$')
        say "skipped $skipped end-to-end tests: they need root; run: sudo make e2e"
    fi
}

if [ $# = 0 ]; then set -- checks cluster tests e2e; fi
for stage in "$@"; do
    case $stage in
        checks | tests | cluster | e2e) ;;
        *) die "test.sh: no stage $stage; stages are checks, tests, cluster and e2e" ;;
    esac
done

mkdir -p target
scripts/setup.sh build test
scripts/tools.sh
for stage in "$@"; do
    if [ "$stage" = tests ]; then cargo_tests; else "$stage"; fi
done

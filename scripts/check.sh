#!/usr/bin/env bash
# Runs every check and goes on behind a failure, so that one run tells all. The last line sums up:
# each test is one check, and so are the formatting, the lints and the documentation.
#
# Usage: scripts/check.sh [none|asterisk|pjsua|cluster|all]
#   none      the library and its own C hosts
#   asterisk  these, and real Asterisks with phones around them; the first run makes a root folder
#             with Asterisk in the user's cache (scripts/hosts/asterisk-root.sh)
#   pjsua     these, and real pjsua processes; the first run builds pjproject into the same cache
#             (scripts/hosts/pjproject.sh)
#   cluster   these, and nodes of a cluster around real Redis or Valkey servers, which
#             scripts/hosts/valkey.sh installs
#   all       every real host that this version knows
set -u
cd "$(dirname "$0")/.." || exit 1

hosts=${1:-all}
case $hosts in
none | asterisk | pjsua | cluster | all) ;;
*)
    echo "HOSTS=$hosts: there is no such host; HOSTS is none, asterisk, pjsua, cluster or all." >&2
    exit 2
    ;;
esac

scripts/install-deps.sh || exit 1

# One build from nothing gains nothing from it, and it doubles what the build leaves on the disk.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}

cargo=${CARGO:-cargo}
passed=0
failed=0
skipped=0
again=
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

headline() {
    printf '\n==> %s\n' "$*"
}

# One command that is one check.
check() {
    headline "$*"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $*"
    fi
}

# Adds up a column of the lines `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
sum_of() {
    sed -n "s/^test result: .* \([0-9][0-9]*\) $1;.*/\1/p" "$log" |
        awk '{ sum += $1 } END { print sum + 0 }'
}

# A command that runs many tests. One that ends badly with no failed test to show for it (it did
# not compile, a test program was killed) is a failed check itself.
tests() {
    local status failures
    headline "$*"
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    failures=$(sum_of failed)
    passed=$((passed + $(sum_of passed)))
    failed=$((failed + failures))
    skipped=$((skipped + $(sum_of ignored)))
    if [ "$status" -ne 0 ]; then
        echo "FAILED: $*"
        [ "$failures" -ne 0 ] || failed=$((failed + 1))
    elif ! grep -q '^test result: ' "$log"; then
        echo "FAILED: $* ran no test"
        failed=$((failed + 1))
    fi
}

# The same for real hosts, dozens of processes with clocks of their own, which a busy machine can keep
# waiting too long. Up to three tests that failed are run once more, alone. One that passes then is a
# passed test, and is named at the end: it is worth a look.
host_tests() {
    local names name
    tests "$@"
    names=$(sed -n '/^failures:$/,/^$/s/^    \([a-z0-9_:]*\)$/\1/p' "$log" | sort -u)
    [ -n "$names" ] && [ "$(wc -l <<<"$names")" -le 3 ] || return 0
    for name in $names; do
        headline "once more, alone: $name"
        "${@:1:$#-1}" --exact "$name" 2>&1 | tee "$log"
        if [ "$(sum_of passed)" -eq 1 ] && [ "$(sum_of failed)" -eq 0 ]; then
            failed=$((failed - 1))
            passed=$((passed + 1))
            again="$again $name"
        fi
    done
}

check "$cargo" fmt --all --check
check "$cargo" fmt --check --manifest-path fuzz/Cargo.toml
# Another version of it may see a line otherwise: .clang-format is written for 14.
check clang-format --dry-run -Werror c_examples/*/*.[ch] tests/c/*.[ch] cluster/tests/c/*.c \
    benches/*.[ch] benches/sides/*.[ch] fuzz/fuzz_targets/pjsip/*.[ch]
check "$cargo" clippy --all-targets -- -D warnings
check "$cargo" clippy -p sipxfer-cluster --all-targets -- -D warnings
check env RUSTDOCFLAGS="-D warnings" "$cargo" doc --no-deps
# mdBook is built with cargo once, below the user's cache folder.
check env CARGO="$cargo" scripts/manual.sh
# Library, command line, tests; the examples in the documentation are another kind.
tests "$cargo" test --no-fail-fast --lib --bins --tests
tests "$cargo" test --no-fail-fast --doc
tests "$cargo" test --no-fail-fast -p sipxfer-cluster --lib --test abi
# Installs packages into a small Debian of its own, which only root can do.
tests "$cargo" test --no-fail-fast --test debian
# What grew in long runs is in the corpora; this looks that they still hold, and a little further.
check scripts/fuzz.sh "${FUZZ_SECONDS:-3}"

case $hosts in
cluster | asterisk | pjsua | all)
    check scripts/hosts/valkey.sh
    ;;
esac
case $hosts in
cluster | all)
    check "$cargo" clippy -p sipxfer-cluster --test server -- -D warnings
    host_tests "$cargo" test --no-fail-fast -p sipxfer-cluster --test server -- --test-threads=2
    ;;
esac

# Real hosts. Their tests wait for them most of the time: more at once than there are processors.
case $hosts in
asterisk | all)
    check "$cargo" clippy --test asterisk -- -D warnings
    host_tests "$cargo" test --no-fail-fast --test asterisk -- --test-threads=8
    ;;
esac
case $hosts in
pjsua | all)
    check scripts/hosts/pjproject.sh
    check scripts/hosts/pjproject.sh old
    check scripts/fuzz.sh "${FUZZ_SECONDS:-3}" pjsip
    check "$cargo" clippy --test pjsua -- -D warnings
    host_tests "$cargo" test --no-fail-fast --test pjsua -- --test-threads=4
    ;;
esac

[ -z "$again" ] || printf '\nPassed only when run again, alone:%s\n' "$again"
printf '\n%d passed, %d failed' "$passed" "$failed"
[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
printf '\n'
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# Changes the rules and the parsers line by line; the tests must notice (cargo-mutants, mutants.toml).
#
# Usage: scripts/mutants.sh [ARGUMENTS of cargo-mutants...]
#
# Without any all of src/transfer and src/sip are changed, which takes a day. `--re src/sip/join.rs` is
# one file, `--shard 3/100` every hundredth change. cargo-mutants is built once, into
# ${XDG_CACHE_HOME:-~/.cache}/sipxfer, if there is none. What is built for it stays in
# target/mutants-build; the last line is `hard: mutants CASES 0 SURVIVORS 0`.
set -eu -o pipefail
cd "$(dirname "$0")/.."

version=27.1.0
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/mutants-build"
target=$(cd "$target" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer
mutants=$(command -v cargo-mutants || true)
if [ -z "$mutants" ]; then
    mutants=$cache/cargo-mutants-$version/bin/cargo-mutants
    mkdir -p "$cache"
    exec 9>"$cache/cargo-mutants.lock"
    flock 9
    if ! [ -x "$mutants" ]; then
        echo "==> cargo-mutants $version, some minutes"
        build=$(mktemp -d)
        trap 'rm -rf "$build"' EXIT
        # It waits for others most of the time: a quick build is worth more than a quick program.
        (cd "$build" && CARGO_TARGET_DIR="$build" CARGO_PROFILE_RELEASE_LTO=off \
            CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
            "$cargo" install --quiet --locked "cargo-mutants@$version" --root "$build/root")
        rm -rf "$cache/cargo-mutants-$version"
        mv "$build/root" "$cache/cargo-mutants-$version"
    fi
    flock -u 9
fi

# The dependencies are built once, and what is changed is built anew each time. Without a colour the
# summary is for programs too.
status=0
rm -rf "$target/mutants.out"
env -u CARGO_ENCODED_RUSTFLAGS CARGO="$cargo" CARGO_TARGET_DIR="$target/mutants-build" \
    CARGO_INCREMENTAL=1 "$mutants" mutants --config mutants.toml --output "$target" --colors never \
    "$@" || status=$?
# 2: some survived; 3: some made a test hang, which is noticing too. Anything else is no answer.
case $status in
0 | 2 | 3) ;;
*) exit "$status" ;;
esac
out=$target/mutants.out
survivors=$(wc -l <"$out/missed.txt")
cases=$(cat "$out/caught.txt" "$out/timeout.txt" "$out/missed.txt" | wc -l)
cat "$out/missed.txt"
[ "$cases" -gt 0 ] || { echo "mutants.sh: nothing was changed" >&2; exit 1; }
echo "hard: mutants $cases 0 $survivors 0"
[ "$survivors" -eq 0 ]

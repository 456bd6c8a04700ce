#!/usr/bin/env bash
# Runs the fuzz targets of fuzz/, each for some seconds, and says in the end what each has found.
#
# Usage: scripts/fuzz.sh [SECONDS [TARGET...]]
#
# Without a name all of them run but pjsip: that one compares with pjsip's parsers and needs pjproject,
# which scripts/hosts/pjproject.sh then builds.
#
# The targets are built as cargo-fuzz builds them, but by the stable toolchain and without
# cargo-fuzz: what it would pass is a few flags. A crash is kept in fuzz/artifacts/TARGET/; the target,
# run with that file, plays it again. New inputs are kept in fuzz/found/TARGET/, from run to run;
# fuzz/corpus/TARGET/ is what is checked in, and is only read.
set -u
cd "$(dirname "$0")/.." || exit 1

seconds=${1:-60}
case $seconds in
'' | *[!0-9]* | 0)
    # libFuzzer takes 0 for ever.
    echo "$seconds: the time of each target is a number of seconds, at least 1." >&2
    exit 2
    ;;
esac
[ $# -eq 0 ] || shift

all=$(sed -n 's/^name = "\([a-z_]*\)"$/\1/p' fuzz/Cargo.toml)
targets=("$@")
# shellcheck disable=SC2207 # one word a target
[ $# -gt 0 ] || targets=($(grep -vx pjsip <<<"$all"))
for target in "${targets[@]}"; do
    if ! grep -qx "$target" <<<"$all"; then
        echo "$target: there is no such target. There are:" $all >&2
        exit 2
    fi
done

cargo=${CARGO:-cargo}
triple=$(uname -m)-unknown-linux-gnu
build=${FUZZ_TARGET_DIR:-${CARGO_TARGET_DIR:+$CARGO_TARGET_DIR/fuzz}}
build=${build:-fuzz/target}

# Counters and comparisons for libFuzzer, AddressSanitizer for memory, and every assertion.
flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares"
flags+=" -Zsanitizer=address -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1"
bins=()
for target in "${targets[@]}"; do
    bins+=(--bin "$target")
    if [ "$target" = pjsip ]; then
        PJPROJECT=${PJPROJECT:-$(scripts/hosts/pjproject.sh)} || exit 1
        export PJPROJECT
        bins+=(--features pjsip)
    fi
done
# The switch lets a stable toolchain sanitize. With a target named, build scripts stay as they are.
if ! env -u CARGO_ENCODED_RUSTFLAGS RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags" "$cargo" build --quiet \
    --release --locked --manifest-path fuzz/Cargo.toml --target "$triple" --target-dir "$build" \
    "${bins[@]}"; then
    echo "The fuzz targets do not build. They need a C++ compiler beside cargo: see" \
        "scripts/install-deps.sh." >&2
    exit 1
fi

failed=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
table=

# What a target is there for is reached by the inputs that are checked in (fuzz/reaches.txt): without
# them a run of some seconds would often be over before it is. Prints what is not reached.
not_reached() {
    local target=$1 file
    shift
    "$build/$triple/release/$target" -runs=0 -print_coverage=1 -verbosity=0 -timeout=60 "$@" \
        "fuzz/corpus/$target" >"$log" 2>&1 || echo "anything: the inputs do not run to their end"
    while read -r file; do
        grep -q "^COVERED_FUNC: .*/$file:" "$log" || echo "$file"
    done < <(sed -n "s/^$target //p" fuzz/reaches.txt)
    [ "$target" = ffi ] || return 0
    # That the target calls them all is looked at by tests/fuzz_calls.rs.
    sed -n 's/^COVERED_FUNC: .*[ :]\(sipxfer_[a-z0-9_]*\) .*/\1/p' "$log" | sort -u >"$log.reached"
    [ "$(wc -l <"$log.reached")" -ge 100 ] || echo "a hundred functions of the header"
    rm -f "$log.reached"
}
for target in "${targets[@]}"; do
    printf '\n==> fuzz %s for %s seconds\n' "$target" "$seconds"
    mkdir -p "fuzz/found/$target" "fuzz/artifacts/$target"
    known=("fuzz/found/$target")
    [ ! -d "fuzz/corpus/$target" ] || known+=("fuzz/corpus/$target")
    # Where the input is choices and no text, words are in the way, and long ones are wanted at once.
    case $target in
    engine | ffi) kind=(-max_len=1200 -len_control=0) ;;
    *) kind=(-dict=fuzz/sip.dict) ;;
    esac
    # A panic that the C functions catch counts too: the hook of libfuzzer-sys aborts on any.
    if "$build/$triple/release/$target" -max_total_time="$seconds" -print_final_stats=1 \
        -timeout=10 -rss_limit_mb=2048 -verbosity=0 -artifact_prefix="fuzz/artifacts/$target/" \
        "${kind[@]}" "${known[@]}" >"$log" 2>&1; then
        found=nothing
    else
        found=CRASH
        failed=1
        cat "$log"
        echo "FAILED: again by $build/$triple/release/$target FILE, for the file named above."
    fi
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    missing=$(not_reached "$target" "${kind[@]}")
    if [ -n "$missing" ]; then
        found=UNREACHED
        failed=1
        printf 'FAILED: no input of fuzz/corpus/%s reaches:\n%s\n' "$target" "$missing"
    fi
    table+=$(printf '%-10s %12s inputs  %s' "$target" "${ran:-?}" "$found")$'\n'
done
printf '\n%s' "$table"
exit "$failed"

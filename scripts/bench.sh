#!/usr/bin/env bash
# Measures sipxfer through the C functions of its shared object, side by side with pjsip and sofia-sip,
# on the same messages and in one run: tables, charts, and a line for each goal,
# `goal <name>: <value> (goal <bound>) met|missed`.
#
# Usage: scripts/bench.sh [DIRECTORY OF libsipxfer.so] [FOLDER FOR THE REPORT]
#
# The report is written to target/bench: table.md, goals.txt and two pictures. With docs/bench as the
# folder it is what docs/performance.md shows. pjsip is the one that scripts/hosts/pjproject.sh builds;
# sofia-sip is Debian's package, which INSTALL=1 installs where it is missing. What is measured stands in
# docs/performance.md. It takes about two minutes and 4 GB of memory.
set -eu
cd "$(dirname "$0")/.."
library=$(cd "${1:-target/release}" && pwd)
report=${2:-target/bench}

for tool in "${CC:-cc}" valgrind callgrind_annotate pkg-config python3; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing: scripts/install-deps.sh installs it" >&2
        exit 1
    }
done
if ! pkg-config --exists sofia-sip-ua && [ "${INSTALL:-}" = 1 ]; then
    apt-get -q -y install --no-install-recommends libsofia-sip-ua-dev </dev/null
fi
pkg-config --exists sofia-sip-ua || {
    echo "sofia-sip is missing: apt-get install libsofia-sip-ua-dev, or make bench INSTALL=1" >&2
    exit 1
}
pjproject=$(scripts/hosts/pjproject.sh)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
results=$work/results
"${CC:-cc}" -O2 -std=gnu11 -Iinclude benches/{goals,load,transfers,batch}.c -L"$library" \
    -lsipxfer -Wl,-rpath,"$library" -lpthread -o "$work/goals"
read -ra pj_flags <<<"$(tr '\n' ' ' <"$pjproject/cflags")"
read -ra sofia_flags <<<"$(pkg-config --cflags sofia-sip-ua)"
read -ra sofia_libs <<<"$(pkg-config --libs sofia-sip-ua)"
"${CC:-cc}" -O2 -std=gnu11 -Iinclude "${pj_flags[@]}" -isystem "$pjproject/include" \
    "${sofia_flags[@]}" benches/sides/*.c benches/load.c -L"$library" -lsipxfer -L"$pjproject/lib" \
    -Wl,--disable-new-dtags,-rpath,"$library",-rpath,"$pjproject/lib" -lpjsip-ua -lpjsip-simple \
    -lpjsip -lpjmedia -lpjnath -lpjlib-util -lpj "${sofia_libs[@]}" -lpthread -o "$work/sides"

# What was measured, and how busy the machine was before.
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
about="sipxfer $(git rev-parse --short HEAD 2>/dev/null || echo of no repository), pjproject $(cat "$pjproject/version"),\
 sofia-sip $(pkg-config --modversion sofia-sip-ua); ${processor:-unknown processor}, $(nproc) processors,\
 load average before: $(cut -d ' ' -f 1 /proc/loadavg)."

echo "==> sipxfer alone" >&2
"$work/goals" times >"$results"
"$work/goals" transfers 1000000 >>"$results"

# Kind, side, dialogs and value.
beside() {
    echo "==> $*" >&2
    "$work/sides" times "$@" | awk '{ print $1 "-" $2 "-" $3, $4 }' >>"$results"
}
beside 1000 pjsip sipxfer sofia-sip
beside 100000 pjsip sipxfer sofia-sip
# A million dialogs of pjsip would take more than 10 GB.
beside 1000000 sipxfer sofia-sip

# Instructions of so many calls of one function in a command, per call.
instructions() {
    local function=$1 calls=$2
    shift 2
    valgrind --tool=callgrind --instr-atstart=no --toggle-collect="$function" \
        --callgrind-out-file="$work/callgrind.out" "$@" >"$work/valgrind" 2>&1 || {
        cat "$work/valgrind" >&2
        exit 1
    }
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$work/valgrind" |
        awk -v calls="$calls" '{ printf "%.0f\n", $1 / calls }'
}

# How often something grows by a power: the instructions of two sizes.
growth() {
    awk -v a="$1" -v b="$2" -v times="$3" 'BEGIN { printf "%.2f", log(b / a) / log(times) }'
}

echo "==> instructions" >&2
verify=sipxfer_replaces_verify_request
{
    for side in sipxfer pjsip sofia-sip; do
        for kind in hit response parse refer-to refer; do
            echo "instructions-$kind-$side $(instructions side_do 2048 \
                "$work/sides" work "$side" "$kind" 1000 2)"
            if [ "$kind-$side" = hit-sipxfer ]; then
                echo "hit-allocating $(callgrind_annotate --auto=no --threshold=100 "$work/callgrind.out" 2>&1 |
                    awk '/[:](malloc|calloc|realloc|free|_int_malloc|_int_free)/ {
                        gsub(",", "", $1); sum += $1 } END { print sum + 0 }')"
            fi
        done
    done
    for kind in headers folds params; do
        short=$(instructions $verify 1 "$work/goals" work "$kind:8000" 1)
        long=$(instructions $verify 1 "$work/goals" work "$kind:64000" 1)
        echo "$kind-exponent $(growth "$short" "$long" 8)"
    done
    few=$(instructions sipxfer_tick 1 "$work/goals" work tick:1000 1)
    many=$(instructions sipxfer_tick 1 "$work/goals" work tick:1000000 1)
    echo "tick-growth $(awk -v a="$few" -v b="$many" 'BEGIN { printf "%.2f", b / a }')"
} >>"$results"

mkdir -p "$report"
cp "$results" "$report/results.txt"
echo >&2
python3 scripts/bench_report.py "$results" "$report" "$about"

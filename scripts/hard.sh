#!/usr/bin/env bash
# The long runs, one after the other, and a table of what they have tried and found.
#
# Usage: scripts/hard.sh [PART...]
#
# T is how many seconds the runs take that can be of any length (600). A part is a command that prints
# lines `hard: NAME CASES FAULTS FINDINGS LOST`: what was tried, how many things were made to go wrong,
# what was found, and how many calls or transfers had no end. One that fails, or prints no such line, is a
# finding itself. Ends with 0 where nothing was found and nothing lost.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

seconds=${T:-600}
cargo=${CARGO:-cargo}
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}

# A test that prints its own line.
ignored() {
    "$cargo" test --test "$1" -- --ignored --nocapture "${@:2}"
}

# Days of a PBX on a clock that is a number; about an hour of it in a second.
soak_virtual() {
    SOAK_SECONDS=$((seconds * 600)) SOAK_SEED="$(date +%s)" \
        "$cargo" test --test soak -- --nocapture
}

# So long through pjsua and Asterisk, with a network that loses packets, and peers that are killed.
soak_real() {
    SOAK_REAL_SECONDS=$seconds "$cargo" test --test "$1" -- --nocapture soak
}

# The targets print a table: `name  N inputs  nothing|CRASH`.
fuzz() {
    scripts/fuzz.sh "$((seconds / 10 + 1))" | tee /dev/stderr |
        awk '/ inputs  / { cases += $2; found += $4 != "nothing" }
            END { print "hard: fuzz", cases + 0, cases + 0, found + 0, 0 }'
}

# One change of the rules and parsers in a hundred, others each time: all of them take a day.
mutants() {
    scripts/mutants.sh --sharding round-robin --shard "$((RANDOM % 100))/100"
}

# Commands that say by their status alone whether they have found something.
passes() {
    local name=$1
    shift
    if "$@"; then
        echo "hard: $name 1 0 0 0"
    else
        echo "hard: $name 1 0 1 0"
    fi
}

part() {
    case $1 in
    pjsua) ignored pjsua ;;
    asterisk) ignored asterisk --skip cost:: ;;
    # Alone: it measures processor time.
    asterisk-cost) ignored asterisk cost:: ;;
    soak-virtual) soak_virtual ;;
    soak-pjsua) soak_real pjsua ;;
    soak-asterisk) soak_real asterisk ;;
    fuzz) fuzz ;;
    mutants) mutants ;;
    capture) passes capture "$cargo" test --release --test cli -- --ignored ;;
    deny) passes deny scripts/deny.sh ;;
    msrv) passes msrv scripts/msrv.sh ;;
    reproducible) passes reproducible scripts/reproducible.sh ;;
    *)
        echo "hard.sh: there is no part $1; there are: $parts" >&2
        return 2
        ;;
    esac
}

# mutants runs by its name alone, as long as not every file has been through it once (CONTRIBUTING.md).
parts="soak-virtual fuzz capture deny msrv reproducible pjsua soak-pjsua asterisk soak-asterisk asterisk-cost"
# shellcheck disable=SC2086 # one word a part
[ $# -gt 0 ] || set -- $parts

log=$(mktemp) || exit 1
table=$(mktemp) || exit 1
trap 'rm -f "$log" "$table"' EXIT
for name in "$@"; do
    printf '\n==> %s\n' "$name"
    status=0
    part "$name" 2>&1 | tee "$log" || status=$?
    # `cargo test` prints the beginning of a line in front of what a test prints.
    grep -o 'hard: [a-z0-9-]* [0-9]* [0-9]* [0-9]* [0-9]*$' "$log" >"$log.lines"
    if [ "$status" -ne 0 ] || ! [ -s "$log.lines" ]; then
        echo "hard: $name 0 0 1 0" >>"$log.lines"
        echo "FAILED: $name"
    fi
    cat "$log.lines" >>"$table"
    rm -f "$log.lines"
done

printf '\n'
awk '{
        if (!($2 in cases)) order[++count] = $2
        cases[$2] += $3; faults[$2] += $4; findings[$2] += $5; lost[$2] += $6
    }
    function line(name, a, b, c, d) { printf "%-24s %14s %16s %10s %12s\n", name, a, b, c, d }
    END {
        line("part", "cases tried", "faults injected", "findings", "calls lost")
        for (at = 1; at <= count; at++) {
            name = order[at]
            line(name, cases[name], faults[name], findings[name], lost[name])
            all[1] += cases[name]; all[2] += faults[name]
            all[3] += findings[name]; all[4] += lost[name]
        }
        line("all", all[1], all[2], all[3], all[4])
        exit all[3] + all[4] > 0
    }' "$table"

#!/usr/bin/env bash
# Measures verdicts through the C functions of the shared object and compares with the goals: a line
# `goal <name>: <value> (goal <bound>) met|missed` for each.
#
# Usage: scripts/bench.sh [DIRECTORY OF libsipxfer.so]
#
# Times are of this machine and of this run; instructions are counted by callgrind and are the same
# wherever the library was built the same. What is measured stands under the table.
set -eu
cd "$(dirname "$0")/.."
library=$(cd "${1:-target/release}" && pwd)

for tool in "${CC:-cc}" valgrind callgrind_annotate; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing: apt-get install gcc valgrind" >&2
        exit 1
    }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-cc}" -O2 -std=gnu11 -Iinclude benches/goals.c benches/load.c benches/transfers.c \
    -L"$library" -lsipxfer \
    -Wl,-rpath,"$library" -lpthread -o "$work/goals"

"$work/goals" times >"$work/times"

# Instructions per call of one function, of so many rounds of 64 messages.
instructions() {
    local function=$1 kind=$2 rounds=$3 out=$work/callgrind.out
    valgrind --tool=callgrind --toggle-collect="$function" --callgrind-out-file="$out" \
        "$work/goals" work "$kind" "$rounds" >"$work/valgrind" 2>&1 || {
        cat "$work/valgrind" >&2
        exit 1
    }
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$work/valgrind" |
        awk -v calls="$((rounds * 64))" '{ printf "%.0f\n", $1 / calls }'
}

verify=sipxfer_replaces_verify_request
{
    echo "hit-instructions $(instructions $verify hit 20)"
    echo "miss-instructions $(instructions $verify miss 20)"
    echo "response-instructions $(instructions sipxfer_response_print miss 20)"
    echo "refer-instructions $(instructions sipxfer_refer_route refer 20)"
    for kind in headers folds params; do
        short=$(instructions $verify "$kind:8000" 1)
        long=$(instructions $verify "$kind:64000" 1)
        # Eight times the length: cost is length to the power of this.
        echo "$kind-exponent $(awk -v a="$short" -v b="$long" \
            'BEGIN { printf "%.2f", log(b / a) / log(8) }')"
    done
} >>"$work/times"

printf '\n%-28s %10s %12s\n' measured value 'times floor'
awk '{ value[$1] = $2; order[NR] = $1 }
    END {
        for (number = 1; number <= NR; number++) {
            name = order[number]
            floor = ""
            if (name ~ /-thousand-ns$/ && name !~ /^floor/)
                floor = sprintf("%.1f", value[name] / value["floor-thousand-ns"])
            if (name ~ /-million-ns$/ && name !~ /^floor/)
                floor = sprintf("%.1f", value[name] / value["floor-million-ns"])
            printf "%-28s %10s %12s\n", name, value[name], floor
        }
    }' "$work/times"

cat <<'EOF'

hit: raw INVITE with Replaces to the verdict with its dialog, and its release. response: the same for
no dialog, with the 481 printed. refer: raw REFER with a Replaces in its Refer-To to the verdict, with
a trivial extension callback. Messages name dialogs all over the table, 64 at a time; writing them is
not timed. mixed: one operation in ten is a dialog added or removed. floor: reading each line of the
message, hashing 100 bytes, one random miss. exponent: how the instructions of a hit grow from 8 to 64
thousand bytes of header lines, of one folded line, of parameters. two-threads: of the throughput of
one, by the wall clock and by the processor time that the threads took: other programs on the machine
lower only the first.

EOF

# name, bound, and whether the value must be at most or at least that
while read -r name bound sense goal; do
    awk -v name="$name" -v bound="$bound" -v sense="$sense" -v goal="$goal" '
        $1 == name {
            met = sense == "most" ? $2 <= bound : $2 >= bound
            printf "goal %s: %s (goal at %s %s) %s\n", goal, $2, sense, bound,
                met ? "met" : "missed"
        }' "$work/times"
done <<'EOF'
hit-thousand-ns 150 most INVITE to verdict, ns, 1 thousand dialogs
hit-million-ns 300 most INVITE to verdict, ns, 1 million dialogs
hit-instructions 3000 most INVITE to verdict, instructions
reads-two-threads 1.9 least two threads, reads
mixed-two-threads 1.9 least two threads, one change in ten
reads-two-threads-cpu 1.9 least two threads, reads, by processor time
mixed-two-threads-cpu 1.9 least two threads, one change in ten, by processor time
bytes-per-dialog 200 most bytes per dialog, 1 million dialogs
headers-exponent 1.05 most growth with header lines
folds-exponent 1.05 most growth with folded lines
params-exponent 1.05 most growth with parameters
EOF

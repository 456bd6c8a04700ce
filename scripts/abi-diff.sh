#!/usr/bin/env bash
# Compares a frozen interface with a header: only additions pass. Prints what abidiff finds and ends
# with 0 where programs of the frozen version go on working, with 1 where they do not.
#
# Usage: scripts/abi-diff.sh abi/VERSION HEADER
#
# What may be added: functions, and fields at the end of a struct that begins with struct_size (or of
# the table of functions). Constants are macros, which debug information does not have:
# tests/abi_frozen.rs looks at them.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)

frozen=$1
header=$2
command -v abidiff >/dev/null || {
    echo "abi-diff.sh needs abidiff: apt-get install abigail-tools" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$here/abi-baseline.sh" "$header" "$work/today.abi"

# The structs that tell their size, and so may grow.
awk '/^struct sipxfer_[a-z0-9_]+ \{$/ { name = $2; first = 1; next }
    name != "" && first && /^    [a-z]/ {
        if ($0 == "    size_t struct_size;") print name
        first = 0; name = ""
    }' "$frozen/sipxfer.h" | while read -r name; do
    printf '[suppress_type]\n  type_kind = struct\n  name = %s\n' "$name"
    printf '  has_data_member_inserted_at = end\n\n'
done >"$work/growth"
grep -q sipxfer_request "$work/growth" || {
    echo "abi-diff.sh: $frozen/sipxfer.h was not understood" >&2
    exit 1
}

# 4: the interface has changed; 8: incompatibly; less: a wrong call.
status=0
abidiff --no-added-syms --suppressions "$work/growth" "$frozen/sipxfer.abi" "$work/today.abi" ||
    status=$?
if [ $((status & 3)) -ne 0 ]; then
    echo "abi-diff.sh: abidiff failed with $status" >&2
    exit 2
fi
[ "$status" -eq 0 ]

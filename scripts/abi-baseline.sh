#!/usr/bin/env bash
# Writes the interface that a header declares as libabigail sees it: every function with its types,
# every struct with its layout.
#
# Usage: scripts/abi-baseline.sh HEADER OUTPUT.abi
#
# A shared object is made of the header alone, each function with an empty body, and its debug
# information is read: that is what a program in C was compiled against, whatever wrote the library,
# and a release build carries no types. That the library has the same layouts is tests/abi_layout.rs'
# business, that it exports the same functions that of tests/abi_symbols.rs.
set -eu -o pipefail

header=$1
output=$2
for line in "abidw abigail-tools" "gcc gcc"; do
    read -r program package <<<"$line"
    command -v "$program" >/dev/null || {
        echo "abi-baseline.sh needs $program: apt-get install $package" >&2
        exit 1
    }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$header" "$work/sipxfer.h"
major=$(sed -n 's/^#define SIPXFER_ABI_MAJOR //p' "$header")
{
    echo '#include "sipxfer.h"'
    # A prototype begins in the first column and ends with `);`; fields are indented.
    awk '/^[a-z].*sipxfer_[a-z0-9_]+\(/ { within = 1 }
        within && /\);$/ { sub(/;$/, " { __builtin_trap(); }"); print; within = 0; next }
        within { print }' "$header"
} >"$work/library.c"
(
    # No path of this machine gets into the debug information.
    cd "$work"
    gcc -g -O0 -fPIC -shared -w "-fdebug-prefix-map=$work=." -Wl,-soname,"libsipxfer.so.$major" \
        library.c -o library.so
    abidw --no-show-locs --no-comp-dir-path --no-corpus-path library.so >library.abi
)
# A header that was not understood has no functions.
grep -q "name='sipxfer_version'" "$work/library.abi" || {
    echo "abi-baseline.sh: $header declares no sipxfer_version()" >&2
    exit 1
}
mv "$work/library.abi" "$output"

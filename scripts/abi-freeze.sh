#!/usr/bin/env bash
# Freezes the interface of today as that of a version: its header, the baseline that abidiff reads, and
# programs that use it. Every later library is held to them by tests/abi_frozen.rs; see docs/abi.md.
#
# Usage: scripts/abi-freeze.sh VERSION [replace]
#
# A version that was released is never frozen again: `replace` is for one that was not.
set -eu -o pipefail
cd "$(dirname "$0")/.."

version=${1:?usage: scripts/abi-freeze.sh VERSION [replace]}
folder=abi/$version
if [ -e "$folder" ] && [ "${2:-}" != replace ]; then
    echo "abi-freeze.sh: $folder is there; say \`replace\` if $version was never released." >&2
    exit 1
fi
making=$(mktemp -d)
trap 'rm -rf "$making"' EXIT

cp include/sipxfer.h "$making/sipxfer.h"
scripts/abi-baseline.sh include/sipxfer.h "$making/sipxfer.abi"
for example in link dlopen; do
    mkdir "$making/$example"
    cp c_examples/$example/*.[ch] "$making/$example/"
done
# A valid call of every function. The test makes it, and shows that it works today.
SIPXFER_FREEZE=$making/calls "${CARGO:-cargo}" test --test abi_frozen \
    what_would_be_frozen_today_works -- --exact
test -s "$making/calls/calls.c"
rm -rf "$folder"
mkdir -p "$folder"
cp -R "$making"/. "$folder/"
echo "$folder is frozen."

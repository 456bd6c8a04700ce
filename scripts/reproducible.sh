#!/usr/bin/env bash
# Builds what is installed a second time, from a copy of the sources in another folder and into another
# folder, and compares: the same bytes.
#
# Usage: scripts/reproducible.sh
set -eu -o pipefail
cd "$(dirname "$0")/.."

target=${TARGET_DIR:-${CARGO_TARGET_DIR:-target}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make --no-print-directory dist TARGET_DIR="$target"
# What git knows, as it lies here now.
mkdir "$work/a copy"
git ls-files -z | xargs -0 cp --parents -t "$work/a copy"
make --no-print-directory -C "$work/a copy" dist TARGET_DIR="$work/elsewhere"
status=0
for name in release/libsipxfer.so release/libsipxfer.a libsipxfer.cdx.json; do
    if cmp "$target/dist/$name" "$work/elsewhere/dist/$name"; then
        echo "the same bytes: $name, $(sha256sum <"$target/dist/$name" | cut -c 1-64)"
    else
        status=1
    fi
done
exit $status

#!/usr/bin/env bash
# Builds the manual (mdBook) and the reference of both headers (Doxygen) into target/manual and
# target/manual/header. A warning of either is an error.
#
# Doxygen comes from Debian (scripts/install-deps.sh). mdBook is in no package: the first run builds it
# with cargo into the user's cache folder. Another one is used where MDBOOK names it.
set -eu -o pipefail
cd "$(dirname "$0")/.."

version=0.4.52
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/manual"
target=$(cd "$target" && pwd)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer/mdbook-$version
mdbook=${MDBOOK:-$cache/bin/mdbook}
if ! [ -x "$mdbook" ]; then
    mkdir -p "$cache"
    # One at a time: another check may be about to do the same.
    exec 9>"$cache.lock"
    flock 9
    [ -x "$mdbook" ] || env -u CARGO_TARGET_DIR "${CARGO:-cargo}" install --quiet --locked \
        --no-default-features --root "$cache" --version "$version" mdbook
    exec 9>&-
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$mdbook" build docs -d "$target/manual" 2>&1 | tee "$log"
if grep -qE '\[?(WARN|ERROR)' "$log"; then
    echo "The manual has warnings." >&2
    exit 1
fi
[ -s "$target/manual/tutorial.html" ] && [ -s "$target/manual/pictures/blind.svg" ]

if ! command -v doxygen >/dev/null 2>&1; then
    echo "doxygen is missing: apt-get install doxygen" >&2
    exit 1
fi
mkdir -p "$target/manual/header"
{
    cat docs/Doxyfile
    echo "INPUT = \"$PWD/include/sipxfer.h\" \"$PWD/cluster/include/sipxfer_cluster.h\" \"$PWD/docs/header.dox\""
    echo "OUTPUT_DIRECTORY = \"$target/manual/header\""
} | doxygen -
[ -s "$target/manual/header/index.html" ]
echo "$target/manual/index.html"

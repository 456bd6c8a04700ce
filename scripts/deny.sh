#!/usr/bin/env bash
# Looks at the dependencies by deny.toml: licences, duplicates, where they come from, and whether something
# is known against them. cargo-deny is built once, into ${XDG_CACHE_HOME:-~/.cache}/sipxfer, if there is
# none; that takes some minutes.
set -eu -o pipefail
cd "$(dirname "$0")/.."

version=0.20.2
cargo=${CARGO:-cargo}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer
deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
    deny=$cache/cargo-deny-$version/bin/cargo-deny
    mkdir -p "$cache"
    exec 9>"$cache/cargo-deny.lock"
    flock 9
    if ! [ -x "$deny" ]; then
        echo "==> cargo-deny $version, some minutes"
        build=$(mktemp -d)
        trap 'rm -rf "$build"' EXIT
        # It is run for seconds: a quick build is worth more than a quick program.
        (cd "$build" && CARGO_TARGET_DIR="$build" CARGO_PROFILE_RELEASE_LTO=off \
            CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
            "$cargo" install --quiet --locked "cargo-deny@$version" --root "$build/root")
        rm -rf "$cache/cargo-deny-$version"
        mv "$build/root" "$cache/cargo-deny-$version"
    fi
    flock -u 9
fi

# It looks at the dependencies on every platform; a build has fetched those of its own only.
"$cargo" fetch --quiet --locked
"$deny" --locked --offline check licenses bans sources
# The list of advisories is a git repository; without it nothing can be said of them.
if timeout 20 git ls-remote --quiet https://github.com/rustsec/advisory-db HEAD >/dev/null 2>&1; then
    "$deny" --locked check advisories
else
    echo "deny.sh: github.com cannot be reached: advisories were NOT looked at." >&2
fi

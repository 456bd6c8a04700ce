#!/usr/bin/env bash
# Makes, once, a small Debian with a C compiler, make, pkg-config and python3 and nothing of sipxfer,
# in which its packages are installed by the tests, and prints its path as the only line on the
# standard output. It is kept in ${XDG_CACHE_HOME:-~/.cache}/sipxfer/debian-root, some 400 MB.
#
# Needs root and a Debian, or another system that has debootstrap.
set -eu -o pipefail

# Grows with every change of what is made here: an older root is made anew.
recipe=1
suite=bookworm
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer
root=$cache/debian-root
making=$root.tmp

# Standard output is for the path alone.
exec 3>&1 1>&2

fail() {
    echo "debian-root.sh: $*" >&2
    exit 1
}

mkdir -p "$cache"
# Two runs at once: the second waits and finds it made.
exec 9>"$root.lock"
flock 9

if ! grep -sqx "$suite $recipe" "$root/.sipxfer-recipe"; then
    [ "$(id -u)" -eq 0 ] || fail "only root can make $root: run scripts/debian-root.sh as root"
    command -v debootstrap >/dev/null || fail "needs debootstrap: apt-get install debootstrap"
    echo "==> a root of Debian $suite, a minute or two and 400 MB: $root"
    rm -rf --one-file-system "$making"
    debootstrap --variant=minbase --include=gcc,libc6-dev,make,pkgconf,python3 \
        "$suite" "$making" </dev/null
    rm -rf "$making"/var/cache/apt/archives/*.deb
    echo "$suite $recipe" >"$making/.sipxfer-recipe"
    rm -rf --one-file-system "$root"
    mv "$making" "$root"
fi
echo "$root" >&3

#!/usr/bin/env bash
# Makes, once, a root folder with a stock Asterisk 22 of Debian, its headers and those of the
# pjproject that it was built with, and prints its path as the only line on the standard output.
#
# Usage: scripts/hosts/asterisk-root.sh [--source]
#   --source  only the Debian source package of Asterisk; prints the folder that holds it
#
# Below ${XDG_CACHE_HOME:-~/.cache}/sipxfer:
#   asterisk-root/                      the root; `chroot` into it starts Asterisk
#   asterisk-root/opt/sipxfer/asterisk  Asterisk's headers, and nothing else of the root
#   asterisk-root/opt/sipxfer/pjproject pj{lib,lib-util,nath,media,sip}/include, as Asterisk has them
#   asterisk-root/opt/sipxfer/stamp     what it was made of
#   asterisk-source/                    the source package
#
# Needs root and a Debian, or another system that has debootstrap. About 900 MB.
set -eu -o pipefail
cd "$(dirname "$0")"

# Grows with every change of what is made here: an older root is made anew.
recipe=1
suite=sid
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer
root=$cache/asterisk-root
source=$cache/asterisk-source
making=$cache/asterisk-root.tmp

# Standard output is for the path alone.
exec 3>&1 1>&2

say() {
    echo "==> $*"
}

fail() {
    echo "asterisk-root.sh: $*" >&2
    exit 1
}

is_ready() {
    [ -e "$root/opt/sipxfer/stamp" ] && grep -qx "recipe $recipe" "$root/opt/sipxfer/stamp"
}

has_source() {
    [ -e "$source/stamp" ]
}

only_source=
case ${1:-} in
'') ;;
--source) only_source=yes ;;
*) fail "usage: asterisk-root.sh [--source]" ;;
esac

mkdir -p "$cache"
# Two runs at once: the second waits and finds it made.
exec 9>"$cache/asterisk-root.lock"
if command -v flock >/dev/null 2>&1; then
    flock 9
fi

if [ -n "$only_source" ] && has_source; then
    echo "$source" >&3
    exit 0
fi
if is_ready && has_source; then
    [ -z "$only_source" ] || root=$source
    echo "$root" >&3
    exit 0
fi

[ "$(id -u)" -eq 0 ] || fail "only root can make $root: run scripts/hosts/asterisk-root.sh as root"

missing=()
for line in "debootstrap debootstrap" "gcc gcc" "g++ g++" "make make" "patch patch" "xz xz-utils"; do
    read -r program package <<<"$line"
    command -v "$program" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null 2>&1 || fail "needs ${missing[*]}"
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update </dev/null || true
    apt-get -q -y install --no-install-recommends "${missing[@]}" </dev/null ||
        fail "apt-get could not install ${missing[*]}"
fi

# The signature of the archive is checked either way; the date of a mirror that lags behind is not,
# since nothing made here is for anything but tests.
update_root() {
    chroot "$1" apt-get -q update </dev/null ||
        chroot "$1" apt-get -q -o Acquire::Check-Valid-Until=false update </dev/null
}

make_root() {
    say "a root with Asterisk of Debian $suite, some minutes and 900 MB: $making"
    rm -rf --one-file-system "$making"
    debootstrap --variant=minbase \
        --include=asterisk,asterisk-dev,gcc,libc6-dev,iproute2,procps "$suite" "$making" </dev/null
    local list=$making/etc/apt/sources.list
    sed -n 's/^deb /deb-src /p' "$list" >"$list.src"
    cat "$list.src" >>"$list"
    rm "$list.src"
    update_root "$making"
}

fetch_source() {
    say "the source package of Asterisk: $source"
    local inside=$making/var/cache/sipxfer-source
    rm -rf "$inside" "$source.tmp"
    mkdir -p "$inside"
    chroot "$making" sh -c 'cd /var/cache/sipxfer-source && apt-get -q source --download-only asterisk' \
        </dev/null
    ls "$inside"/*.dsc >/dev/null
    mkdir "$source.tmp"
    mv "$inside"/* "$source.tmp"
    rmdir "$inside"
    (cd "$source.tmp" && echo *.dsc) >"$source.tmp/stamp"
    rm -rf "$source"
    mv "$source.tmp" "$source"
}

make_headers() {
    local to=$making/opt/sipxfer
    rm -rf "$to"
    ./pjproject-headers.sh "$source" "$to/pjproject" >/dev/null
    # A copy that stands alone: the root's other headers belong to another C library.
    mkdir "$to/asterisk"
    cp -a "$making/usr/include/asterisk" "$making/usr/include/asterisk.h" "$to/asterisk/"
    # The headers do not say of which Asterisk they are.
    chroot "$making" dpkg-query -W -f '${Version}' asterisk-dev >"$to/asterisk/version"
}

# Found half made by an earlier run of this recipe, Asterisk and all: gone on from there.
if ! [ -e "$making/usr/include/asterisk/buildopts.h" ] ||
    ! grep -q '^deb-src' "$making/etc/apt/sources.list"; then
    make_root
fi
has_source || fetch_source
if [ -n "$only_source" ]; then
    echo "$source" >&3
    exit 0
fi
make_headers

{
    echo "recipe $recipe"
    echo "asterisk $(chroot "$making" dpkg-query -W -f '${Version}' asterisk)"
    sed -n 's/^export PJ_VERSION_\(MAJOR\|MINOR\) *:= *\([0-9]*\).*/\2/p' \
        "$making/opt/sipxfer/pjproject/version.mak" | paste -sd. | sed 's/^/pjproject /'
} >"$making/opt/sipxfer/stamp"

rm -rf --one-file-system "$root"
mv "$making" "$root"
say "$(paste -sd, "$root/opt/sipxfer/stamp")"
echo "$root" >&3

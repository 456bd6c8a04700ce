#!/usr/bin/env bash
# Builds pjproject (pjsua included) once and prints the folder it stands in, which tests, benches and
# the pjsua example build against:
#
#   include/  headers, config_site.h among them: who compiles against them gets the same limits
#   lib/      shared libraries
#   bin/      the pjsua program
#   cflags    the -D options that all of it was compiled with
#
# Its source is the component that Debian's source package of asterisk carries, fetched with apt by an
# own set of folders: neither the sources.list of this machine nor its package lists are touched. The
# result is kept in ${XDG_CACHE_HOME:-~/.cache}/sipxfer/pjproject-VERSION, outside of the clone; remove
# that folder to have it built anew. It is built in plain configuration, without sound card and video,
# and with room for many calls; never mix it with headers of Asterisk's own configuration.
#
# With `old` it is the oldest that Debian still hands out, pjproject 2.12.1 with Jami's changes to it, out of
# the source package ring of Debian 12; kept in pjproject-old-VERSION.
#
# Usage: scripts/hosts/pjproject.sh [old]
set -eu

case ${1-} in
'') carrier=asterisk suite=sid kept=pjproject ;;
old) carrier=ring suite=bookworm kept=pjproject-old ;;
*)
    echo "pjproject: usage: scripts/hosts/pjproject.sh [old]" >&2
    exit 2
    ;;
esac

cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer
# Grows when what is below builds something else.
recipe=4

fail() {
    echo "pjproject: $*" >&2
    exit 1
}

# The newest that is there and was built by this recipe.
built() {
    local dir
    for dir in $(printf '%s\n' "$cache/$kept"-[0-9]* | sort -rV); do
        if [ "$(cat "$dir/recipe" 2>/dev/null)" = "$recipe" ]; then
            echo "$dir"
            return
        fi
    done
    return 1
}

built && exit 0
mkdir -p "$cache"
# Others wait for the first and then find what it built.
exec 9>"$cache/$kept.lock"
command -v flock >/dev/null || fail "flock is missing: apt-get install util-linux"
flock 9
built && exit 0

for need in "gcc gcc" "g++ g++" "make make" "xz xz-utils" "apt-get apt"; do
    read -r program package <<<"$need"
    command -v "$program" >/dev/null || fail "$program is missing: apt-get install $package"
done

work=$(mktemp -d "$cache/$kept.tmp.XXXXXX")
trap 'rm -rf "$work"' EXIT
log=$work/log

step() {
    "$@" >>"$log" 2>&1 9>&- || {
        tail -n 40 "$log" >&2
        fail "failed: $*"
    }
}

# The mirror that this machine takes Debian from, and the keyring that it trusts for it.
mirror() {
    local uri
    uri=$(
        for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
            [ ! -f "$file" ] || sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' "$file"
        done
        for file in /etc/apt/sources.list.d/*.sources; do
            [ ! -f "$file" ] || sed -n 's/^URIs:[[:space:]]*\([^ ]*\).*/\1/p' "$file"
        done
    )
    printf '%s\n' "$uri" | grep -E '/debian/?$' | head -n 1
}

# The newest tarball in a folder that has pjproject in it.
component() {
    local name
    case $carrier in
    asterisk) name='asterisk_*.orig-Xpjproject.tar.*' ;;
    *) name="${carrier}_*.orig.tar.*" ;;
    esac
    find "$1" -name "$name" ! -name '*.asc' 2>/dev/null | sort -V | tail -n 1
}

# Unpacks it to a folder.
unpack() {
    case $carrier in
    asterisk) step tar -C "$2" --strip-components=1 -xf "$1" ;;
    # Among what Jami is built with: TOP/daemon/contrib/tarballs-unpacked/ARCHIVE/pjproject-COMMIT.
    *) step tar -C "$2" --strip-components=6 -xf "$1" --wildcards '*/tarballs-unpacked/pjproject-*' ;;
    esac
}

# apt checks the signature of the release and, by it, the sum of each file.
fetch() {
    local uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg apt=$work/apt
    uri=$(mirror)
    [ -n "$uri" ] || fail "no Debian mirror in /etc/apt: only Debian's own source of pjproject is taken"
    [ -e "$keyring" ] || fail "$keyring is missing: apt-get install debian-archive-keyring"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/state" "$work/source"
    : >"$apt/state/status"
    # Plain http is as good here: the signature is what counts.
    printf 'deb-src [signed-by=%s] %s %s main\n' "$keyring" "$uri" "$suite" >"$apt/sources.list"
    local options=(
        -q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State=$apt/state" -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
        -o APT::Sandbox::User=
    )
    # A mirror may lag behind its own date; the signature is checked either way.
    apt-get "${options[@]}" update >>"$log" 2>&1 9>&- ||
        step apt-get "${options[@]}" -o Acquire::Check-Valid-Until=false update
    (cd "$work/source" && step apt-get "${options[@]}" source --download-only "$carrier")
}

# Somebody may have fetched the package already, for the headers of Asterisk.
tarball=$(component "$cache/$carrier-source")
if [ -z "$tarball" ]; then
    fetch
    tarball=$(component "$work/source")
fi
[ -n "$tarball" ] || fail "the source package $carrier has no pjproject"

mkdir "$work/tree"
unpack "$tarball" "$work/tree"
version=$(sed -n 's/^export PJ_VERSION_\(MAJOR\|MINOR\|REV\) *:= *//p' "$work/tree/version.mak" |
    grep . | paste -sd.)
[ -n "$version" ] || fail "the source says no version"

# Limits only; the tests have some hundreds of calls at once.
cat >"$work/tree/pjlib/include/pj/config_site.h" <<'END'
#define PJSUA_MAX_CALLS 1200
#define PJSUA_MAX_ACC 64
#define PJSUA_MAX_PLAYERS 1200
#define PJSUA_MAX_CONF_PORTS 1300
#define PJSIP_MAX_DIALOG_COUNT 65535
#define PJSIP_MAX_TSX_COUNT 262143
#define PJ_IOQUEUE_MAX_HANDLES 16384
#define PJSIP_MAX_PKT_LEN 8000
END

cd "$work/tree"
# Debian leaves out what is not free: a driver that is of no use here, and the resampler.
sed -i 's/ bdimad_dev\.o//' pjmedia/build/Makefile
# Assertions stay on above pjlib. pjmedia 2.17 clears the source address of a packet that another thread
# has just received, when a call gets its media; pjlib then asserts, where it otherwise drops the packet.
# shellcheck disable=SC2016 # for make
echo 'export CFLAGS += $(if $(findstring /pjlib/build,$(CURDIR)),-DNDEBUG)' >user.mak
step env CFLAGS='-O2 -g' CXXFLAGS='-O2 -g' ./configure --enable-shared --enable-epoll --disable-resample \
    --disable-sound --disable-video --disable-ssl --disable-upnp --disable-pjsua2 --disable-libwebrtc \
    --disable-libsrtp --disable-libyuv --disable-speex-aec --disable-speex-codec --disable-gsm-codec \
    --disable-ilbc-codec --disable-g7221-codec --disable-g722-codec --disable-l16-codec \
    --disable-opencore-amr --disable-opus --disable-silk --disable-bcg729 --disable-lyra \
    --disable-libuuid --disable-sdl --disable-ffmpeg --disable-v4l2
step make dep
step make -j "$(nproc)" lib
step make -j "$(nproc)" -C pjsip-apps/build pjsua

out=$work/out
mkdir -p "$out/include" "$out/lib" "$out/bin"
for part in pjlib pjlib-util pjnath pjmedia pjsip; do
    cp -R "$part/include/." "$out/include/"
done
find . -name '*.so*' -path '*/lib/*' -exec cp -P {} "$out/lib/" \;
grep -oh -- '-DPJ[A-Z0-9_]*=[A-Z0-9_]*' "$log" | sort -u >"$out/cflags"
program=$(find pjsip-apps/bin -type f -name 'pjsua-*' | head -n 1)
[ -n "$program" ] || fail "no pjsua was built"
cp "$program" "$out/bin/pjsua"
echo "$version" >"$out/version"
echo "$recipe" >"$out/recipe"
LD_LIBRARY_PATH=$out/lib "$out/bin/pjsua" --version >>"$log" 2>&1 9>&- || fail "pjsua does not run"

final=$cache/$kept-$version
rm -rf "$final"
mv "$out" "$final"
echo "$final"

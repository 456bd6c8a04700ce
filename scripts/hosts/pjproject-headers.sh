#!/usr/bin/env bash
# Makes the headers of the pjproject inside Asterisk, which are in no package, and prints their folder.
#
# Usage: scripts/hosts/pjproject-headers.sh SOURCE TO
#   SOURCE  the folder with Debian's source package: apt-get source --download-only asterisk
#   TO      gets pj{lib,lib-util,nath,media,sip}/include and version.mak
#
# Struct sizes depend on the configuration: Asterisk's patches, its config_site.h and its list of
# options are taken. Needs gcc, g++, make, patch and xz; compiles nothing but what configure tries.
set -eu -o pipefail

# Standard output is for the path alone.
exec 3>&1 1>&2

fail() {
    echo "pjproject-headers.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || fail "usage: pjproject-headers.sh SOURCE TO"
source=$1
to=$2
ls "$source"/asterisk_*.orig.tar.xz "$source"/asterisk_*.orig-Xpjproject.tar.xz >/dev/null 2>&1 ||
    fail "no source package of Asterisk with its pjproject in $source"
for program in gcc g++ make patch xz; do
    command -v "$program" >/dev/null 2>&1 || fail "needs $program"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/asterisk" "$work/pjproject"
tar xf "$source"/asterisk_*.orig.tar.xz -C "$work/asterisk" --strip-components=1
tar xf "$source"/asterisk_*.orig-Xpjproject.tar.xz -C "$work/pjproject" --strip-components=1
asterisk=$work/asterisk/third-party/pjproject
pjproject=$work/pjproject
for patch in "$asterisk"/patches/*.patch; do
    # Some of them touch files that Debian has taken out; what is needed here are headers.
    patch -s -f -p1 -d "$pjproject" <"$patch" || true
done
cp "$asterisk/patches/config_site.h" "$asterisk/patches/asterisk_malloc_debug.h" \
    "$pjproject/pjlib/include/pj/"
cp "$asterisk/patches/user.mak" "$pjproject/"
(
    cd "$pjproject"
    # Asterisk's list of options, out of its own makefile.
    make -s -f - "ASTERISK=$asterisk" options <<'END' >"$work/options"
include $(ASTERISK)/Makefile.rules
options:
	@echo $(PJPROJECT_CONFIG_OPTS)
END
    chmod +x aconfigure config.guess config.sub
    # shellcheck disable=SC2046 # one word an option
    ./aconfigure $(cat "$work/options") >"$work/log" 2>&1 ||
        { tail -n 30 "$work/log"; exit 1; }
)
# Debian's Asterisk has TLS, whatever this system has.
sed -i 's/^.*\(PJ_HAS_SSL_SOCK\) .*$/#define \1 1/' "$pjproject/pjlib/include/pj/compat/os_auto.h"
rm -rf "$to"
for part in pjlib pjlib-util pjnath pjmedia pjsip; do
    mkdir -p "$to/$part"
    cp -a "$pjproject/$part/include" "$to/$part/"
done
cp "$pjproject/version.mak" "$to/"
echo "$to" >&3

#!/bin/sh
# Run by tests/install/debian.rs inside a small Debian, with the packages beside it: installs them,
# builds and runs the examples that come with them, and takes all away again. Each line that the test
# looks for begins with a word and a colon.
set -eu
cd "$(dirname "$0")"
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

sipxfer_files() {
    find / -xdev -name '*sipxfer*' ! -path '/proc/*' ! -path '/var/tmp/sipxfer-packages*' \
        ! -name .sipxfer-recipe
}

# Left by a run that was ended half way.
packages='libsipxfer-dev sipxfer-tools libsipxfer-cluster0 libsipxfer0'
# shellcheck disable=SC2086 # one word a package
dpkg --purge $packages >/dev/null 2>&1 || true
[ "$(sipxfer_files | wc -l)" -eq 0 ] || {
    echo "this Debian is not clean:" >&2
    sipxfer_files >&2
    exit 1
}

dpkg -i ./*.deb
# Every dependency is there.
apt-get -q check

examples=/usr/share/doc/libsipxfer-dev/examples
# shellcheck disable=SC2046 # one word a flag
cc -Wall -Werror -o dynamic $examples/link/*.c -pthread $(pkg-config --cflags --libs sipxfer)
echo "dynamic: $(./dynamic | tail -n 1)"
# shellcheck disable=SC2046
cc -Wall -Werror -o static $examples/link/*.c -pthread \
    $(pkg-config --static --cflags --libs sipxfer | sed 's/-lsipxfer/-l:libsipxfer.a/')
# shellcheck disable=SC2046
cc -Wall -Werror -o opener $examples/dlopen/*.c $(pkg-config --cflags sipxfer) -ldl
echo "dlopen: $(./opener | head -n 1)"
echo "python: $(python3 -B $examples/verify.py | tail -n 1)"
sipxfer settings | grep -q '^replaces.authorize = '
[ -e /usr/share/doc/libsipxfer0/copyright ]
for page in man1/sipxfer.1 man3/libsipxfer.3 man5/sipxfer.conf.5; do
    [ -e /usr/share/man/$page ] || [ -e /usr/share/man/$page.gz ]
done
# What the packages say of their files is so.
# shellcheck disable=SC2086
echo "changed: $(dpkg -V $packages | wc -l)"
# A host loads the library of a cluster by its soname.
echo "cluster: $(python3 -Bc 'import ctypes; print(bool(ctypes.CDLL("libsipxfer_cluster.so.0").sipxfer_cluster_get_api))')"

# shellcheck disable=SC2086
dpkg --purge $packages
# Linked statically: runs without it.
echo "static: $(./static | tail -n 1)"
rm -f dynamic static opener
echo "left behind: $(sipxfer_files | wc -l)"
sipxfer_files

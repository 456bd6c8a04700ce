#!/usr/bin/env bash
# Builds the Debian packages into target/deb: libsipxfer0, libsipxfer-cluster0, libsipxfer-dev,
# sipxfer-tools, asterisk-sipxfer, and what debhelper makes of the debug information. Needs dpkg-dev,
# debhelper and python3; called by `make deb`.
#
# The module is built for the Asterisk of Debian that scripts/hosts/asterisk-root.sh makes a root of.
# ASTERISK=no leaves it out.
set -eu -o pipefail
cd "$(dirname "$0")/.."

for line in "dpkg-buildpackage dpkg-dev" "dh debhelper" "fakeroot fakeroot" "python3 python3"; do
    read -r program package <<<"$line"
    if ! command -v "$program" >/dev/null 2>&1; then
        echo "make deb needs $program: apt-get install $package" >&2
        exit 1
    fi
done

target=${TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# The tools of Debian do not like spaces in their paths; a clone may have some.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

debian=$work/sipxfer/debian
mkdir -p "$work/sipxfer"
cp -R packaging/debian "$debian"
if [ "${ASTERISK:-}" = no ]; then
    sed -i '/^Package: asterisk-sipxfer$/,$d' "$debian/control"
    rm "$debian/asterisk-sipxfer.install"
    abi=
else
    root=$(scripts/hosts/asterisk-root.sh)
    # What Debian's Asterisk calls the ABI of its modules: another Asterisk refuses this one.
    abi=$(chroot "$root" dpkg-query -W -f '${Provides}\n' asterisk | grep -o 'asterisk-abi-[0-9a-f]*')
fi
packaging/debian/copyright.py >"$debian/copyright"
rm "$debian/copyright.py"
mkdir "$debian/source"
echo "3.0 (native)" >"$debian/source/format"
# Of the day of the last change, so that the same sources give the same packages.
date=$(git log -1 --format=%aD 2>/dev/null) || date=
cat >"$debian/changelog" <<END
sipxfer ($version) unstable; urgency=medium

  * What is new is in CHANGELOG.md of the sources.

 -- The sipxfer authors <sipxfer@localhost>  ${date:-Thu, 01 Jan 2026 00:00:00 +0000}
END
for example in link dlopen; do
    mkdir -p "$debian/examples/$example"
    cp c_examples/$example/*.[ch] "$debian/examples/$example/"
done
cp examples/python/*.py "$debian/examples/"

# -d: cargo need not come from a package.
(
    cd "$work/sipxfer"
    # debhelper gives what it runs another home.
    export CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}"
    export SIPXFER_SOURCE=$OLDPWD TARGET_DIR="$target" CARGO="${CARGO:-cargo}" ASTERISK_ABI=$abi
    # What this make was called with is not for the make of the packages.
    unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
    dpkg-buildpackage --build=binary -d --no-sign
)
mkdir -p "$target/deb"
rm -f "$target"/deb/*.deb
cp "$work"/*.deb "$target/deb/"
ls "$target"/deb/*.deb

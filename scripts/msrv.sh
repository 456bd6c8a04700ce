#!/usr/bin/env bash
# Builds the library, the tool and its static library with the oldest compiler that Cargo.toml promises:
# that of Debian 13, in a small Debian that is made once and kept in ${XDG_CACHE_HOME:-~/.cache}/sipxfer,
# some 1.1 GB. Nothing is fetched while it builds.
#
# Needs root and debootstrap.
set -eu -o pipefail
cd "$(dirname "$0")/.."

# Grows with every change of what is made here: an older root is made anew.
recipe=1
suite=trixie
cargo=${CARGO:-cargo}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer
root=$cache/msrv-root
making=$root.tmp
promised=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

fail() {
    echo "msrv.sh: $*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || fail "only root can use another root: run scripts/msrv.sh as root"
mkdir -p "$cache"
# Two runs at once: the second waits.
exec 9>"$root.lock"
flock 9
if ! grep -sqx "$suite $recipe" "$root/.sipxfer-recipe"; then
    command -v debootstrap >/dev/null || fail "needs debootstrap: apt-get install debootstrap"
    echo "==> a root of Debian $suite with its cargo, two minutes and 1.1 GB: $root"
    rm -rf --one-file-system "$making"
    debootstrap --variant=minbase --include=cargo,gcc,libc6-dev "$suite" "$making" </dev/null
    rm -rf "$making"/var/cache/apt/archives/*.deb
    echo "$suite $recipe" >"$making/.sipxfer-recipe"
    rm -rf --one-file-system "$root"
    mv "$making" "$root"
fi

found=$(chroot "$root" rustc --version)
case $found in
"rustc $promised."*) ;;
*) fail "Cargo.toml promises $promised, and Debian $suite has $found" ;;
esac

inside=/var/tmp/sipxfer
rm -rf --one-file-system "${root:?}$inside"
mkdir -p "$root$inside/sipxfer" "$root$inside/home"
trap 'rm -rf --one-file-system "${root:?}$inside"' EXIT
git ls-files -z | xargs -0 cp --parents -t "$root$inside/sipxfer"
# All crates of Cargo.lock, from what cargo has here already.
"$cargo" vendor --locked --quiet "$root$inside/vendor" >/dev/null
cat >"$root$inside/home/config.toml" <<END
[source.crates-io]
replace-with = "here"
[source.here]
directory = "$inside/vendor"
END
chroot "$root" env -i PATH=/usr/bin:/bin HOME="$inside" CARGO_HOME="$inside/home" LC_ALL=C \
    CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 sh -euc '
        cd "$1/sipxfer"
        cargo build --locked --offline --target-dir "$1/target" --lib --no-default-features
        cargo build --locked --offline --target-dir "$1/target"
        "$1/target/debug/sipxfer" --version' sh "$inside"
test -s "$root$inside/target/debug/libsipxfer.so"
echo "$found builds it."

#!/usr/bin/env bash
# Makes, once, a Debian with Asterisk in which the first steps of the guide in c_examples/asterisk/README.md
# were followed, and prints its path as the only line on the standard output.
#
# Usage: scripts/hosts/guide-root.sh COMMANDS
#   COMMANDS  a file with the commands of the guide; they run in there as root, in a copy of this clone
#
# It begins as a copy of the root of asterisk-root.sh, without what that one has beyond Debian's packages, and
# is kept as asterisk-guide below ${XDG_CACHE_HOME:-~/.cache}/sipxfer until the commands are others. Some 250 MB
# are fetched, and it takes 3 GB.
set -eu -o pipefail
cd "$(dirname "$0")"

# Grows with every change of what is made here: an older root is made anew.
recipe=1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sipxfer
root=$cache/asterisk-guide
making=$root.tmp

# Standard output is for the path alone.
exec 3>&1 1>&2

fail() {
    echo "guide-root.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] && [ -r "$1" ] || fail "usage: guide-root.sh COMMANDS"
commands=$1
[ "$(id -u)" -eq 0 ] || fail "only root can make $root: run scripts/hosts/guide-root.sh as root"
stock=$(./asterisk-root.sh)
key=$({ echo "$recipe"; cat "$stock/opt/sipxfer/stamp" pjproject-headers.sh "$commands"; } | sha256sum)

# Two runs at once: the second waits and finds it made.
exec 9>"$root.lock"
flock 9
if grep -sqxF "$key" "$root/.sipxfer-guide"; then
    echo "$root" >&3
    exit 0
fi

echo "==> a Debian that follows the guide, some minutes and 3 GB: $making"
rm -rf --one-file-system "$making"
cp -a "$stock" "$making"
rm -rf "$making/opt/sipxfer" "$making/var/cache/sipxfer-source"
sed -i '/^deb-src/d' "$making/etc/apt/sources.list"
cp -L /etc/resolv.conf "$making/etc/resolv.conf"
# Nobody is there to say yes. The signature of the archive is checked; the date of a mirror that lags behind is
# not, as in asterisk-root.sh.
printf 'APT::Get::Assume-Yes "true";\nAcquire::Check-Valid-Until "false";\n' \
    >"$making/etc/apt/apt.conf.d/90sipxfer"
mkdir "$making/root/sipxfer"
(cd ../.. && git ls-files -z | xargs -0 cp --parents -t "$making/root/sipxfer")
cp "$commands" "$making/root/commands"
inside() {
    chroot "$making" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive sh -euc "$1" </dev/null
}
inside 'apt-get -q update'
inside 'cd ~/sipxfer && sh -eux ~/commands'
inside 'apt-get -q clean'
rm -rf "$making/root/sipxfer" "$making/root/commands"
echo "$key" >"$making/.sipxfer-guide"
rm -rf --one-file-system "$root"
mv "$making" "$root"
echo "$root" >&3

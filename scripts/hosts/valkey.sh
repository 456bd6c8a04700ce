#!/usr/bin/env bash
# Sees to it that there is a valkey-server or a redis-server for the tests of the cluster, from Debian's
# packages. The tests start their own, on ports of their own; a service that is installed along is not
# started.
set -u

has_one() {
    command -v valkey-server >/dev/null 2>&1 || command -v redis-server >/dev/null 2>&1
}

has_one && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
    echo "The tests of the cluster need valkey-server or redis-server. As root: apt-get install redis-server" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
{ apt-get -q update && apt-get -q -y install --no-install-recommends redis-server; } </dev/null
has_one || {
    echo "apt-get could not install redis-server." >&2
    exit 1
}

#!/bin/sh
# Prints CARGO_ENCODED_RUSTFLAGS for what is installed: those of the caller, and that no path of the machine
# that builds gets into the file. The same sources give the same bytes then, in whatever folder.
#
# Usage: packaging/rustflags.sh NAME-VERSION
set -eu
root=$(pwd -P)
home=${CARGO_HOME:-$HOME/.cargo}
separator=$(printf '\037')
flags=${CARGO_ENCODED_RUSTFLAGS:-$(printf '%s' "${RUSTFLAGS:-}" | tr -s ' ' '\037')}
printf '%s' "${flags:+$flags$separator}--remap-path-prefix=$home=/usr/src/cargo"
printf '%s' "$separator--remap-path-prefix=$root=/usr/src/$1"

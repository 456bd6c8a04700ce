#!/usr/bin/env bash
# Installs the Debian packages that the checks need and that are not there yet. Nothing of it is
# needed to build or use the library: for that, cargo and a linker are enough.
set -u

# What is looked for, and the package that has it.
needed=(
    "gcc gcc"
    "g++ g++"
    "make make"
    "clang clang"
    "nm binutils"
    "readelf binutils"
    "valgrind valgrind"
)

missing=()
for line in "${needed[@]}"; do
    read -r program package <<<"$line"
    command -v "$program" >/dev/null 2>&1 || missing+=("$package")
done

# bindgen opens libclang at run time.
has_libclang() {
    local file
    [ -z "${LIBCLANG_PATH:-}" ] || return 0
    for file in /usr/lib/llvm*/lib/libclang*.so* /usr/lib/*/libclang*.so* /usr/lib/libclang*.so* \
        /usr/lib64/libclang*.so* /usr/local/lib/libclang*.so*; do
        [ ! -e "$file" ] || return 0
    done
    return 1
}
has_libclang || missing+=(libclang-dev)

# valgrind reads the symbols of the C library and of its loader.
if [ -e /etc/debian_version ] && ! dpkg -s libc6-dbg >/dev/null 2>&1; then
    missing+=(libc6-dbg)
fi

[ ${#missing[@]} -gt 0 ] || exit 0

wanted=$(printf '%s\n' "${missing[@]}" | sort -u | tr '\n' ' ')
if ! command -v apt-get >/dev/null 2>&1; then
    echo "The checks need these Debian packages, or what your system has for them: $wanted" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "The checks need some packages. As root: apt-get install $wanted" >&2
    exit 1
fi
echo "==> installing $wanted"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # one word a package
if ! { apt-get -q update && apt-get -q -y install --no-install-recommends $wanted; } </dev/null; then
    echo "apt-get could not install: $wanted" >&2
    exit 1
fi

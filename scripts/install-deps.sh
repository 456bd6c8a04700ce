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
    "clang-format clang-format"
    # The sanitizers name functions by it, and what they are told to leave out is told by name.
    "llvm-symbolizer llvm"
    "nm binutils"
    "readelf binutils"
    "valgrind valgrind"
    # Today's interface against that of older versions.
    "abidiff abigail-tools"
    # What the library asks of the kernel while it is loaded and used.
    "strace strace"
    # The ways in which others build with what is installed.
    "pkg-config pkgconf"
    "cmake cmake"
    "python3 python3"
    "mandoc mandoc"
    # A terminal for a test.
    "script bsdutils"
    # The reference of the header.
    "doxygen doxygen"
    # make deb, and the small Debian in which its packages are tried.
    "dpkg-buildpackage dpkg-dev"
    "dh debhelper"
    "fakeroot fakeroot"
    "debootstrap debootstrap"
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

# Installs packages, or says what is missing and ends.
install() {
    local wanted
    wanted=$(printf '%s\n' "$@" | sort -u | tr '\n' ' ')
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
}

[ ${#missing[@]} -eq 0 ] || install "${missing[@]}"

# clang's sanitizer runtime is a package of its own, named by clang's version.
links_sanitizers() {
    local to
    to=$(mktemp) || return 1
    echo 'int main(void) { return 0; }' | clang -fsanitize=address -x c - -o "$to" 2>/dev/null
    local status=$?
    rm -f "$to"
    return $status
}
links_sanitizers || install "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
if ! links_sanitizers; then
    echo "clang cannot link a program with -fsanitize=address: its runtime is missing." >&2
    exit 1
fi

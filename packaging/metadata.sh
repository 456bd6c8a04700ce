#!/bin/sh
# Prints what tells others how to use the installed library. Called by packaging/install.mk, which
# hands in PREFIX, LIBDIR, INCLUDEDIR, CMAKEDIR, VERSION, ABI_MAJOR,
# DESCRIPTION and DIST.
#
# Usage: packaging/metadata.sh pkg-config|cmake|cmake-version
set -eu

# A path as it is, or behind $2 where it lies below PREFIX, so that the whole may be moved.
below_prefix() {
    case $1 in
    "$PREFIX") printf '%s' "$2" ;;
    "$PREFIX"/*) printf '%s/%s' "$2" "${1#"$PREFIX"/}" ;;
    *) printf '%s' "$1" ;;
    esac
}

# What a program links besides the static library, as rustc said.
static_libraries() {
    tr -s ' \n' '  ' <"$DIST/native-static-libs" | sed 's/^ *//; s/ *$//'
}

pkg_config() {
    # A space would end the word.
    case $LIBDIR$INCLUDEDIR in
    *' '*) q='"' ;;
    *) q= ;;
    esac
    libs=$(static_libraries)
    cat <<END
prefix=$PREFIX
exec_prefix=\${prefix}
libdir=$(below_prefix "$LIBDIR" '${exec_prefix}')
includedir=$(below_prefix "$INCLUDEDIR" '${prefix}')

Name: sipxfer
Description: $DESCRIPTION
Version: $VERSION
Libs: $q-L\${libdir}$q -lsipxfer
Libs.private: $libs
Cflags: $q-I\${includedir}$q
END
}

cmake() {
    # One step up for each folder between the prefix and this file.
    case $CMAKEDIR in
    "$PREFIX"/*)
        up=$(printf '%s' "${CMAKEDIR#"$PREFIX"}" | sed 's|/[^/][^/]*|/..|g')
        prefix="get_filename_component(_sipxfer_prefix \"\${_sipxfer_here}$up\" ABSOLUTE)"
        ;;
    *) prefix="set(_sipxfer_prefix \"$PREFIX\")" ;;
    esac
    cat <<END
# find_package(sipxfer) gives the targets
#   sipxfer::sipxfer  the shared library
#   sipxfer::static   the static library, where it is installed
get_filename_component(_sipxfer_here "\${CMAKE_CURRENT_LIST_DIR}" REALPATH)
$prefix
set(_sipxfer_libdir "$(below_prefix "$LIBDIR" '${_sipxfer_prefix}')")
set(_sipxfer_includedir "$(below_prefix "$INCLUDEDIR" '${_sipxfer_prefix}')")

if(NOT TARGET sipxfer::sipxfer)
  add_library(sipxfer::sipxfer SHARED IMPORTED)
  set_target_properties(sipxfer::sipxfer PROPERTIES
    IMPORTED_LOCATION "\${_sipxfer_libdir}/libsipxfer.so.$VERSION"
    IMPORTED_SONAME "libsipxfer.so.$ABI_MAJOR"
    INTERFACE_INCLUDE_DIRECTORIES "\${_sipxfer_includedir}")
endif()

if(NOT TARGET sipxfer::static AND EXISTS "\${_sipxfer_libdir}/libsipxfer.a")
  add_library(sipxfer::static STATIC IMPORTED)
  set_target_properties(sipxfer::static PROPERTIES
    IMPORTED_LOCATION "\${_sipxfer_libdir}/libsipxfer.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES "C"
    INTERFACE_LINK_LIBRARIES "$(static_libraries | tr ' ' ';')"
    INTERFACE_INCLUDE_DIRECTORIES "\${_sipxfer_includedir}")
endif()

foreach(_sipxfer_file "\${_sipxfer_libdir}/libsipxfer.so.$VERSION" "\${_sipxfer_includedir}/sipxfer.h")
  if(NOT EXISTS "\${_sipxfer_file}")
    set(\${CMAKE_FIND_PACKAGE_NAME}_FOUND FALSE)
    set(\${CMAKE_FIND_PACKAGE_NAME}_NOT_FOUND_MESSAGE "\${_sipxfer_file} is missing")
  endif()
endforeach()

unset(_sipxfer_file)
unset(_sipxfer_here)
unset(_sipxfer_prefix)
unset(_sipxfer_libdir)
unset(_sipxfer_includedir)
END
}

# Before 1.0 the ABI may change with the minor number, afterwards with the major one.
cmake_version() {
    major=${VERSION%%.*}
    rest=${VERSION#*.}
    minor=${rest%%.*}
    if [ "$major" = 0 ]; then
        same="$major.$minor"
    else
        same=$major
    fi
    same=$(printf '%s' "$same" | sed 's/\./[.]/g')
    cat <<END
set(PACKAGE_VERSION "$VERSION")
set(PACKAGE_VERSION_COMPATIBLE FALSE)
if("\${PACKAGE_FIND_VERSION}" STREQUAL "" OR "\${PACKAGE_FIND_VERSION}." MATCHES "^${same}[.]")
  if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  endif()
endif()
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
END
}

case ${1:-} in
pkg-config) pkg_config ;;
cmake) cmake ;;
cmake-version) cmake_version ;;
*)
    echo "usage: packaging/metadata.sh pkg-config|cmake|cmake-version" >&2
    exit 2
    ;;
esac

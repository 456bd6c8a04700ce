# SPDX-License-Identifier: MIT OR Apache-2.0
#
# make install, make uninstall, make deb. Paths stand in quotes and go through no function of make:
# they may hold spaces.

PREFIX ?= /usr/local
DESTDIR ?=
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/sipxfer
PKGCONFIGDIR = $(LIBDIR)/pkgconfig
CMAKEDIR = $(LIBDIR)/cmake/sipxfer
INSTALL ?= install

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

DESCRIPTION := $(shell sed -n 's/^description = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

# In folders of their own: `cargo build --release` leaves a libsipxfer.so of another kind in release/.
DIST = $(TARGET_DIR)/dist
TOOL = $(DIST)/tool/release/sipxfer

# What the packaging scripts read.
METADATA = PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' CMAKEDIR='$(CMAKEDIR)' \
    VERSION='$(VERSION)' ABI_MAJOR='$(ABI_MAJOR)' DESCRIPTION='$(DESCRIPTION)' DIST='$(DIST)'

# What the library of a cluster says of itself, as that of a module for Asterisk.
CLUSTER = $(DIST)/cluster/release/libsipxfer_cluster.so

.PHONY: dist install uninstall install-cluster uninstall-cluster install-asterisk-module deb sbom

# All that is installed and is the same for every prefix. rustc says what a program has to link besides
# the static library.
dist:
	mkdir -p '$(DIST)/man'
	CARGO_ENCODED_RUSTFLAGS="$$(packaging/rustflags.sh 'sipxfer-$(VERSION)')" $(CARGO) rustc --release --locked --lib --crate-type cdylib,staticlib --no-default-features \
	    --target-dir '$(DIST)' -- \
	    --print native-static-libs="$$(cd '$(DIST)' && pwd)/native-static-libs"
	CARGO_ENCODED_RUSTFLAGS="$$(packaging/rustflags.sh 'sipxfer-$(VERSION)')" $(CARGO) build \
	    --release --locked --bin sipxfer --target-dir '$(DIST)/tool'
	for page in sipxfer.1 libsipxfer.3 sipxfer.conf.5; do \
	    '$(TOOL)' man $$page >'$(DIST)/man/'$$page.$$$$ && \
	    mv '$(DIST)/man/'$$page.$$$$ '$(DIST)/man/'$$page || exit 1; \
	done
	@if command -v python3 >/dev/null 2>&1; then $(MAKE) --no-print-directory sbom >/dev/null; \
	else rm -f '$(DIST)/libsipxfer.cdx.json'; \
	    echo 'no python3: nothing is installed that says what the library is made of' >&2; fi

# What the library is made of. Two runs at once do not meet.
sbom:
	mkdir -p '$(DIST)'
	CARGO='$(CARGO)' scripts/sbom.py >'$(DIST)/libsipxfer.cdx.json.'$$$$ && \
	    mv '$(DIST)/libsipxfer.cdx.json.'$$$$ '$(DIST)/libsipxfer.cdx.json'
	@echo '$(DIST)/libsipxfer.cdx.json'

install: dist
	$(INSTALL) -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(INCLUDEDIR)' \
	    '$(DESTDIR)$(PKGCONFIGDIR)' '$(DESTDIR)$(CMAKEDIR)' \
	    '$(DESTDIR)$(MANDIR)/man1' '$(DESTDIR)$(MANDIR)/man3' '$(DESTDIR)$(MANDIR)/man5'
	$(INSTALL) -m 755 '$(TOOL)' '$(DESTDIR)$(BINDIR)/sipxfer'
	$(INSTALL) -m 644 '$(DIST)/release/libsipxfer.so' '$(DESTDIR)$(LIBDIR)/libsipxfer.so.$(VERSION)'
	ln -sf 'libsipxfer.so.$(VERSION)' '$(DESTDIR)$(LIBDIR)/libsipxfer.so.$(ABI_MAJOR)'
	ln -sf 'libsipxfer.so.$(ABI_MAJOR)' '$(DESTDIR)$(LIBDIR)/libsipxfer.so'
	$(INSTALL) -m 644 '$(DIST)/release/libsipxfer.a' '$(DESTDIR)$(LIBDIR)/libsipxfer.a'
	$(INSTALL) -m 644 include/sipxfer.h '$(DESTDIR)$(INCLUDEDIR)/sipxfer.h'
	$(METADATA) packaging/metadata.sh pkg-config >'$(DESTDIR)$(PKGCONFIGDIR)/sipxfer.pc'
	$(METADATA) packaging/metadata.sh cmake >'$(DESTDIR)$(CMAKEDIR)/sipxfer-config.cmake'
	$(METADATA) packaging/metadata.sh cmake-version \
	    >'$(DESTDIR)$(CMAKEDIR)/sipxfer-config-version.cmake'
	$(INSTALL) -m 644 '$(DIST)/man/sipxfer.1' '$(DESTDIR)$(MANDIR)/man1/sipxfer.1'
	$(INSTALL) -m 644 '$(DIST)/man/libsipxfer.3' '$(DESTDIR)$(MANDIR)/man3/libsipxfer.3'
	$(INSTALL) -m 644 '$(DIST)/man/sipxfer.conf.5' '$(DESTDIR)$(MANDIR)/man5/sipxfer.conf.5'
	[ ! -f '$(DIST)/libsipxfer.cdx.json' ] || { $(INSTALL) -d '$(DESTDIR)$(DOCDIR)' && \
	    $(INSTALL) -m 644 '$(DIST)/libsipxfer.cdx.json' '$(DESTDIR)$(DOCDIR)/libsipxfer.cdx.json'; }
	chmod 644 '$(DESTDIR)$(PKGCONFIGDIR)/sipxfer.pc' '$(DESTDIR)$(CMAKEDIR)'/*.cmake

# Given the same variables as `make install`. Folders that other software shares stay.
uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/sipxfer' '$(DESTDIR)$(LIBDIR)/libsipxfer.so' \
	    '$(DESTDIR)$(LIBDIR)/libsipxfer.so.$(ABI_MAJOR)' \
	    '$(DESTDIR)$(LIBDIR)/libsipxfer.so.$(VERSION)' '$(DESTDIR)$(LIBDIR)/libsipxfer.a' \
	    '$(DESTDIR)$(INCLUDEDIR)/sipxfer.h' '$(DESTDIR)$(PKGCONFIGDIR)/sipxfer.pc' \
	    '$(DESTDIR)$(CMAKEDIR)/sipxfer-config.cmake' \
	    '$(DESTDIR)$(CMAKEDIR)/sipxfer-config-version.cmake' \
	    '$(DESTDIR)$(MANDIR)/man1/sipxfer.1' '$(DESTDIR)$(MANDIR)/man3/libsipxfer.3' \
	    '$(DESTDIR)$(MANDIR)/man5/sipxfer.conf.5' '$(DESTDIR)$(DOCDIR)/libsipxfer.cdx.json'
	[ ! -d '$(DESTDIR)$(CMAKEDIR)' ] || rmdir '$(DESTDIR)$(CMAKEDIR)'
	[ ! -d '$(DESTDIR)$(DOCDIR)' ] || rmdir --ignore-fail-on-non-empty '$(DESTDIR)$(DOCDIR)'

# For several PBXes as one. A host loads it by its soname, and only where it is told to.
install-cluster:
	CARGO_ENCODED_RUSTFLAGS="$$(packaging/rustflags.sh 'sipxfer-$(VERSION)')" $(CARGO) rustc --release --locked \
	    -p sipxfer-cluster --lib --crate-type cdylib --target-dir '$(DIST)/cluster'
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(INCLUDEDIR)'
	$(INSTALL) -m 644 '$(CLUSTER)' '$(DESTDIR)$(LIBDIR)/libsipxfer_cluster.so.$(VERSION)'
	ln -sf 'libsipxfer_cluster.so.$(VERSION)' '$(DESTDIR)$(LIBDIR)/libsipxfer_cluster.so.$(ABI_MAJOR)'
	ln -sf 'libsipxfer_cluster.so.$(ABI_MAJOR)' '$(DESTDIR)$(LIBDIR)/libsipxfer_cluster.so'
	$(INSTALL) -m 644 cluster/include/sipxfer_cluster.h '$(DESTDIR)$(INCLUDEDIR)/sipxfer_cluster.h'

uninstall-cluster:
	rm -f '$(DESTDIR)$(LIBDIR)/libsipxfer_cluster.so' '$(DESTDIR)$(INCLUDEDIR)/sipxfer_cluster.h' \
	    '$(DESTDIR)$(LIBDIR)/libsipxfer_cluster.so.$(ABI_MAJOR)' \
	    '$(DESTDIR)$(LIBDIR)/libsipxfer_cluster.so.$(VERSION)'

# The module alone, for an Asterisk that finds the libraries where they are installed. With the
# libraries beside it: make -C c_examples/asterisk install.
ASTERISK_MODULES = $(LIBDIR)/asterisk/modules
ASTERISK_DOCUMENTATION = $(PREFIX)/share/asterisk/documentation/thirdparty
ASTERISK_CONFIG = /etc/asterisk
install-asterisk-module: asterisk-module
	$(INSTALL) -d '$(DESTDIR)$(ASTERISK_MODULES)' '$(DESTDIR)$(ASTERISK_DOCUMENTATION)' \
	    '$(DESTDIR)$(ASTERISK_CONFIG)'
	$(INSTALL) -m 644 '$(TARGET_DIR)/asterisk/res_pjsip_sipxfer.so' '$(DESTDIR)$(ASTERISK_MODULES)/'
	$(INSTALL) -m 644 '$(TARGET_DIR)/asterisk/res_pjsip_sipxfer-en_US.xml' \
	    '$(DESTDIR)$(ASTERISK_DOCUMENTATION)/'
	[ -e '$(DESTDIR)$(ASTERISK_CONFIG)/sipxfer.conf' ] || $(INSTALL) -m 644 \
	    c_examples/asterisk/sipxfer.conf.sample '$(DESTDIR)$(ASTERISK_CONFIG)/sipxfer.conf'

# The Debian packages, into target/deb; with ASTERISK=no all but that of the module.
deb:
	@CARGO='$(CARGO)' TARGET_DIR='$(TARGET_DIR)' ASTERISK='$(ASTERISK)' packaging/debian.sh

# SPDX-License-Identifier: MIT OR Apache-2.0
#
# make help lists what there is. Everything is built below target/ and c_examples/*/build/.

CARGO ?= cargo
HOSTS ?= all
# Paths stand in quotes below, and none goes through a function of make: a clone may lie in a folder
# whose name holds spaces.
TARGET_DIR ?= $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)

# The soname follows the major number of the ABI; build.rs gives the library the same.
ABI_MAJOR := $(shell sed -n 's/^version = "\([0-9]*\)\..*/\1/p' Cargo.toml | head -n 1)

.PHONY: help lib cluster bench-cluster demo check hard deny msrv sbom fuzz miri mutants header manual bench asterisk-module clean

help:
	@echo 'make demo            build the library and play the call transfers of the demo'
	@echo 'make check           run every check; HOSTS=none|asterisk|pjsua|cluster|all: which real hosts take part'
	@echo 'make hard T=600      the long runs, and a table of what they tried and found; PART=name runs one'
	@echo 'make deny            licences, sources and duplicates of the dependencies (cargo-deny)'
	@echo 'make msrv            build the library with the oldest compiler that it promises'
	@echo 'make sbom            what the library is made of, as CycloneDX, into target/dist'
	@echo 'make fuzz T=60       run each fuzz target for T seconds; TARGET=name runs only that one'
	@echo 'make miri            the unit tests under Miri; needs a nightly toolchain'
	@echo 'make mutants         change the rules and the parsers line by line: the tests must notice; takes a day'
	@echo 'make lib             target/release/libsipxfer.so, with its soname link beside it'
	@echo 'make cluster         target/release/libsipxfer_cluster.so, for several PBXes as one'
	@echo 'make install         PREFIX=/usr/local DESTDIR= LIBDIR= ...; make uninstall takes it away again'
	@echo 'make deb             Debian packages, into target/deb'
	@echo 'make asterisk-module [ROOT=...] the module for Asterisk, into target/asterisk'
	@echo 'make header          renew include/sipxfer.h from src/ffi'
	@echo 'make manual          the manual and the reference of the header, into target/manual'
	@echo 'make bench           the benchmarks, side by side with pjsip and sofia-sip; RECORD=1: into docs/bench'
	@echo 'make clean           remove all that was built'

lib:
	$(CARGO) rustc --release --lib --crate-type cdylib --no-default-features \
	    --target-dir '$(TARGET_DIR)'
	ln -sf libsipxfer.so '$(TARGET_DIR)/release/libsipxfer.so.$(ABI_MAJOR)'

# Several PBXes as one, over Valkey or Redis: a library of its own.
cluster:
	$(CARGO) rustc --release -p sipxfer-cluster --lib --crate-type cdylib --target-dir '$(TARGET_DIR)'
	ln -sf libsipxfer_cluster.so '$(TARGET_DIR)/release/libsipxfer_cluster.so.$(ABI_MAJOR)'

# The example looks for the library in target/release; a link leads there from anywhere else.
demo: lib
	rm -rf c_examples/demo/build
	mkdir -p c_examples/demo/build
	ln -s "$$(cd '$(TARGET_DIR)/release' && pwd)" c_examples/demo/build/lib
	$(MAKE) -C c_examples/demo SIPXFER_LIB=build/lib
	c_examples/demo/build/demo

# The module for Asterisk and the library it needs, ready to be copied beside Asterisk's own modules.
# ROOT is a root made by scripts/hosts/asterisk-root.sh; without it the cached one is used, or made.
asterisk-module: lib cluster
	@root='$(ROOT)'; [ -n "$$root" ] || root=$$(scripts/hosts/asterisk-root.sh) || exit 1; \
	to="$$(mkdir -p '$(TARGET_DIR)/asterisk' && cd '$(TARGET_DIR)/asterisk' && pwd)"; \
	lib="$$(cd '$(TARGET_DIR)/release' && pwd)"; \
	$(MAKE) -C c_examples/asterisk BUILD="$$to/build" SIPXFER_LIB="$$lib" \
	    ASTERISK_INCLUDE="$$root/opt/sipxfer/asterisk" PJPROJECT="$$root/opt/sipxfer/pjproject" && \
	cp "$$to/build/res_pjsip_sipxfer.so" "$$to/build/libsipxfer.so.$(ABI_MAJOR)" \
	    "$$to/build/res_pjsip_sipxfer-en_US.xml" "$$to/" && \
	cp "$$lib/libsipxfer_cluster.so" "$$to/libsipxfer_cluster.so.$(ABI_MAJOR)"

check:
	@CARGO='$(CARGO)' scripts/check.sh '$(HOSTS)'

fuzz:
	@CARGO='$(CARGO)' scripts/fuzz.sh '$(or $(T),60)' $(TARGET)

# T seconds for the runs that can be of any length; PART=name runs only that one.
hard:
	@CARGO='$(CARGO)' T='$(or $(T),600)' scripts/hard.sh $(PART)

deny:
	@CARGO='$(CARGO)' scripts/deny.sh

msrv:
	@scripts/msrv.sh

# Undefined behaviour in the unit tests, those of the C functions among them.
miri:
	@$(CARGO) +nightly miri --version >/dev/null 2>&1 || { \
	    echo 'Miri is missing: rustup toolchain install nightly --component miri --component rust-src' >&2; \
	    exit 1; }
	MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test --lib

# What is changed, and which tests must notice, stands in mutants.toml; ARGS='--shard 3/100' is a part of it.
mutants:
	@CARGO='$(CARGO)' CARGO_TARGET_DIR='$(TARGET_DIR)' scripts/mutants.sh $(ARGS)

header:
	SIPXFER_UPDATE_HEADER=1 $(CARGO) test --test abi_header header_is_what_the_sources_say
	SIPXFER_UPDATE_HEADER=1 $(CARGO) test -p sipxfer-cluster --test abi header_is_what_the_sources_say

# Against a real server of its own: lookups and publications.
bench-cluster:
	scripts/hosts/valkey.sh
	$(CARGO) bench -p sipxfer-cluster

manual:
	@CARGO='$(CARGO)' CARGO_TARGET_DIR='$(TARGET_DIR)' scripts/manual.sh

bench: lib
	$(CARGO) bench
	scripts/bench.sh '$(TARGET_DIR)/release' '$(if $(RECORD),docs/bench,$(TARGET_DIR)/bench)'

include packaging/install.mk

clean:
	$(CARGO) clean
	rm -rf c_examples/*/build fuzz/target

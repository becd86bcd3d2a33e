# berth: a container agent for edge devices, one static binary.
#
#: make                    out/<arch>/berth (and berth.debug beside it); ARCH=x86_64, aarch64 or armv7
#: make menuconfig         what is built in (.config); defconfig, oldconfig
#: make size               bytes by component
#: make tools              install what all of this needs (Debian 12, as root)
#: make demo               from agent.ini to rollback, with a real registry on loopback (as root)
#: make check              everything below, and the integration tests (as root)
#: make check-kernel       runtime and agent under Debian's kernels for x86_64, aarch64 and armv7, in QEMU (in part in CI)
#: make check-crash        more than 1000 power cuts, and programs that forget a sync (as root; a part of it is in check)
#: make check-flash        ubifs on raw flash with power cuts, ext4, f2fs, btrfs, xfs, tmpfs, in QEMU (as root)
#: make lint               rules on the sources
#: make unit               unit tests under ASan and UBSan; ARCH=...: the cross build's, emulated; T="name..." some
#: make fuzz-short         each fuzz target for FUZZ_SECONDS=10
#: make fuzz               for SECONDS=60; TARGET=name one of them
#: make bench              the figures of README.md
#: make install            program, man pages, example config; prefix=/usr/local, DESTDIR=
#: make install-systemd    the service unit; install-sysv: /etc/init.d/berth (sysvinit, busybox)
#: make clean, distclean   the project's objects; all of out/, with sources and dependencies
#:
#: DEPS_MIRROR=...         a folder or URL to take the sources of deps.lock from (scripts/fetch-deps)
#: CONFIG=file OUT=dir      another configuration for this run, and where its objects go
#: LAX=1                   go on without the files that do not compile
#: WERROR=                 let warnings pass
#
# Everything is built below out/: out/src (pinned sources), out/<arch> (one cross build: musl, static-pie),
# out/san (host build with clang's sanitizers, for units and fuzzing). One run of make builds one of them.

VERSION := 0.1.0
FOLDERS := lib config net store agent $(addprefix agent/,api app cli container helper network networks pull run upkeep)

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

# --- what is built for what ---------------------------------------------------------------------

host    := $(shell uname -m)
ARCH    ?= $(if $(filter armv%,$(host)),armv7,$(host))
ifdef SAN
flavour := san
else
flavour := $(ARCH)
endif
# Compiler and dependencies, and what is compiled of berth: apart, so that OUT=... may be another configuration's.
BASE    := out/$(flavour)
OUT     := $(BASE)

triple_x86_64  := x86_64-linux-gnu
triple_aarch64 := aarch64-linux-gnu
triple_armv7   := arm-linux-gnueabihf
pack_x86_64    := ,-z,pack-relative-relocs
target_armv7   := -march=armv7-a+fp -mfloat-abi=hard -mthumb
qemu_aarch64   := qemu-aarch64-static
qemu_armv7     := qemu-arm-static

triple := $(triple_$(ARCH))
ifeq ($(triple),)
$(error ARCH=$(ARCH) is not one that berth is built for: use x86_64, aarch64 or armv7)
endif

# --- switches: .config (made by menuconfig or defconfig), else the default one -------------------

CONFIG ?= $(if $(wildcard .config),.config,board/defconfig)
include $(CONFIG)

# Files that go with a switch, and what stands in for them without it. Every other *.c of $(FOLDERS) is always built.
with-$(CONFIG_TLS)    += net/tls.c net/verify.c net/identity.c net/private_key.c
without-$(CONFIG_TLS) += net/tls_none.c
with-$(CONFIG_GZIP)    += store/gunzip.c
without-$(CONFIG_GZIP) += store/gunzip_none.c
with-$(CONFIG_ZSTD)    += store/unzstd.c
without-$(CONFIG_ZSTD) += store/unzstd_none.c
with-$(CONFIG_CLI)    += $(filter-out %_none.c,$(wildcard agent/cli/*.c))
without-$(CONFIG_CLI) += agent/cli/cli_none.c
with-$(CONFIG_CGROUP_V1)    += agent/run/cgroup1.c agent/run/cgroup1_limits.c
without-$(CONFIG_CGROUP_V1) += agent/run/cgroup1_none.c
with-$(CONFIG_CGROUP_V2)    += agent/run/cgroup2.c agent/run/cgroup2_limits.c agent/run/device_filter.c
without-$(CONFIG_CGROUP_V2) += agent/run/cgroup2_none.c

sources := $(filter-out $(with-) $(without-y),$(wildcard $(addsuffix /*.c,$(FOLDERS))))
objects := $(sources:%.c=$(OUT)/%.o)
library := $(filter-out $(OUT)/agent/main.o,$(objects))

# --- flags --------------------------------------------------------------------------------------

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
# No warning passes; `make WERROR=` for a compiler that finds new ones.
WERROR   ?= -Werror
common   := -std=gnu11 -g -D_GNU_SOURCE -ffile-prefix-map=$(CURDIR)/= -I. -I$(OUT) -include $(OUT)/config.h \
            -isystem $(BASE)/deps/include

ifdef SAN
CC      := clang
AR      := ar
machine := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
depopt  := $(machine) -g
LDFLAGS := -fsanitize=address,undefined
else
# Unwind tables cost 25 kB, frame pointers 20 kB on aarch64 (where gcc keeps them at -Os); RELRO pads to 64 kB pages and musl
# does not apply it in static programs. Between code and data the linker pads to what it takes for a page, up to 4 kB: nothing
# needs that, the kernel maps that page of the file twice. Packed relocations are 37 kB less; GNU ld has them for x86 only.
CC      := $(BASE)/bin/cc
AR      := $(triple)-ar
machine := -Os -fPIE -fomit-frame-pointer -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables
depopt  := $(machine) -g
LDFLAGS := -static-pie -Wl,--gc-sections,-z,norelro,-z,noseparate-code,-z,noexecstack,-z,common-page-size=64,-T,scripts/link.ld$(pack_$(ARCH))
sysroot := $(BASE)/musl/lib/libc.a
QEMU    := $(if $(filter $(ARCH),$(host)),,$(qemu_$(ARCH)))
endif
CFLAGS := $(common) $(machine) $(warnings)

deps     := bearssl libarchive zstd zlib jansson libseccomp inih
dep_done := $(deps:%=$(BASE)/deps/%.done)
LDLIBS   := $(addprefix $(BASE)/deps/lib/lib,archive.a zstd.a z.a jansson.a inih.a seccomp.a bearssl.a)

# --- the program --------------------------------------------------------------------------------

.PHONY: all deps
.DEFAULT_GOAL := all
all: $(if $(SAN),$(OUT)/libberth.a,$(OUT)/berth)
	@$(if $(SAN),,printf '%s: %s bytes\n' $< "$$(stat -c %s $<)")

$(OUT)/berth: $(OUT)/berth.debug
	@$(triple)-strip -R .comment -o $@ $<

$(OUT)/berth.debug: $(objects) $(dep_done)
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) -Wl,-Map=$(OUT)/berth.map -o $@ $(objects) $(LDLIBS)
	@scripts/check-static $@ $(triple)-readelf

# Members keep their names only in a thin archive; `q` because two folders may have files of one name.
# LAX=1 goes on without the files that do not compile: for trees that several people edit at once.
$(OUT)/libberth.a: $(library)
	@rm -f $@
	@$(AR) qcsT $@ $$(ls $(library) $(if $(LAX),2>/dev/null))

$(OUT)/%.o: %.c $(OUT)/flags $(dep_done) | $(OUT)/version.h
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(CFLAGS) $(if $(LAX),,$(WERROR)) -MMD -MP -c -o $@ $< $(if $(LAX),|| echo "  LEFT OUT $<")

-include $(objects:.o=.d)

# Generated files change only when their content does, so that nothing is compiled without need.
replace = if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

.PHONY: FORCE
$(OUT)/flags: FORCE | $(OUT)/config.h
	@echo '$(CC) $(CFLAGS)' >$@.new; $(replace)

$(OUT)/config.h: $(CONFIG)
	@mkdir -p $(@D)
	@sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=y$$/#define \1 1/p; s/^\(CONFIG_[A-Z0-9_]*\)=\([^y].*\)$$/#define \1 \2/p' $< >$@.new
	@$(replace); touch $@

# The build time is the clock's floor on a device that lost its own: the commit's, so that builds are reproducible.
build_time = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),$(shell stat -c %Y Makefile))
$(OUT)/version.h: FORCE
	@mkdir -p $(@D)
	@printf '#define BERTH_VERSION "%s"\n#define BUILD_TIME %s\n' $(VERSION) $(build_time) >$@.new; $(replace)

# --- dependencies -------------------------------------------------------------------------------

deps: $(dep_done)

out/src/.fetched: deps.lock scripts/fetch-deps
	@mkdir -p $(@D)
	@scripts/fetch-deps
	@touch $@

$(BASE)/musl/lib/libc.a: scripts/build-musl scripts/deps/musl/relr.patch | out/src/.fetched
	@scripts/need-tools $(triple)-gcc
	@echo "  MUSL $(ARCH)"
	@scripts/build-musl $(BASE) $(triple) $(target_$(ARCH))

$(BASE)/deps/%.done: scripts/deps/%.sh scripts/build-dep scripts/deps/common.sh deps.lock | out/src/.fetched $(sysroot)
	@$(if $(SAN),scripts/need-tools clang)
	@echo "  DEP $*"
	@CC='$(abspath_cc)' AR='$(AR)' CFLAGS='$(depopt)' SPEED='$(if $(SAN),,-O2)' scripts/build-dep $(BASE) $*
	@touch $@

# What a library's script reads besides.
$(BASE)/deps/libarchive.done: $(wildcard scripts/deps/libarchive/*)

abspath_cc = $(if $(SAN),$(CC),$(CURDIR)/$(CC))

# --- configuration ------------------------------------------------------------------------------

.PHONY: menuconfig oldconfig defconfig
export KCONFIG_CONFIG = .config
menuconfig: | .config
	@scripts/need-tools kconfig-mconf
	kconfig-mconf Kconfig

oldconfig: | .config
	@scripts/need-tools kconfig-conf
	kconfig-conf --oldconfig Kconfig

defconfig:
	cp board/defconfig .config

.config:
	cp board/defconfig $@

# --- the rest -----------------------------------------------------------------------------------

.PHONY: size tools demo bench install install-systemd install-sysv clean distclean help
size: $(OUT)/berth
	@scripts/size $(OUT)/berth.map $<

tools:
	@scripts/install-tools

demo: tools
	@$(MAKE) --no-print-directory all
	@BERTH=$(CURDIR)/$(OUT)/berth tests/demo/demo

bench: $(OUT)/berth
	@BERTH=$(CURDIR)/$< tests/bench/run

prefix  ?= /usr/local
bindir  ?= $(prefix)/bin
mandir  ?= $(prefix)/share/man
docdir  ?= $(prefix)/share/doc/berth
unitdir ?= $(prefix)/lib/systemd/system
install: $(OUT)/berth
	install -D -m 755 $< $(DESTDIR)$(bindir)/berth
	install -D -m 644 doc/man/berth.1 $(DESTDIR)$(mandir)/man1/berth.1
	install -D -m 644 doc/man/agent.ini.5 $(DESTDIR)$(mandir)/man5/agent.ini.5
	install -D -m 644 doc/agent.ini.example $(DESTDIR)$(docdir)/agent.ini.example

install-systemd:
	install -d $(DESTDIR)$(unitdir)
	sed 's,@BINDIR@,$(bindir),' board/init/berth.service >$(DESTDIR)$(unitdir)/berth.service

install-sysv:
	install -d $(DESTDIR)/etc/init.d
	sed 's,@BINDIR@,$(bindir),' board/init/berth.sysv >$(DESTDIR)/etc/init.d/berth
	chmod 755 $(DESTDIR)/etc/init.d/berth

clean:
	rm -rf $(foreach dir,$(FOLDERS) tests,out/*/$(dir)) $(addprefix out/*/,berth berth.debug berth.map libberth.a) \
		out/check out/san/fuzz out/*/none out/*/switch

distclean:
	rm -rf out .config .config.old

help:
	@sed -n 's/^#: //p' Makefile

include scripts/tests.mk

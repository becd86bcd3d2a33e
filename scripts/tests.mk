# Units, fuzzing and checks: the second half of the Makefile.
#
# A unit is one program, tests/unit/test_NAME.c, linked with everything but agent/main.c. Other *.c in that
# folder are linked into all of them. Comments in its source may ask for more:
#   // LDFLAGS: -Wl,--wrap=openat     more words for its link
#   // QEMU: no, WHY                  left out where the kernel below is only emulated

.PHONY: unit fuzz fuzz-short lint check check-kernel check-crash check-flash

# Units run under the sanitizers unless an architecture was asked for; fuzzing always does.
ifeq ($(SAN)$(filter command%,$(origin ARCH)),)
unit fuzz fuzz-short:
	@$(MAKE) --no-print-directory SAN=1 $@
else

unit_names   := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
unit_common  := $(patsubst %.c,$(OUT)/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
fuzz_names   := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
fuzz_common  := $(patsubst %.c,$(OUT)/%.o,$(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c)))
unit_chosen  := $(if $(T),$(addprefix test_,$(T:test_%=%)),$(unit_names))
ifneq ($(QEMU),)
unit_chosen  := $(filter-out $(patsubst tests/unit/%.c,%,$(shell grep -l '^// QEMU: no' tests/unit/test_*.c)),$(unit_chosen))
endif
fuzz_chosen  := $(if $(TARGET),$(addprefix fuzz_,$(TARGET:fuzz_%=%)),$(fuzz_names))
unit_objects := $(patsubst %,$(OUT)/tests/unit/%.o,$(unit_names))
fuzz_objects := $(patsubst %,$(OUT)/tests/fuzz/%.o,$(fuzz_names))

# Words after "LDFLAGS:" in a test's source.
wanted = $(shell sed -n 's,^[/* ]*LDFLAGS:\([^*]*\).*,\1,p' $(1))

.SECONDARY: $(unit_objects) $(fuzz_objects)
$(OUT)/tests/unit/test_%: $(OUT)/tests/unit/test_%.o $(unit_common) $(OUT)/libberth.a
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) $(call wanted,tests/unit/test_$*.c) -o $@ $^ $(LDLIBS) $(if $(LAX),|| echo "  LEFT OUT $@")

$(OUT)/tests/fuzz/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(fuzz_common) $(OUT)/libberth.a
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer $(call wanted,tests/fuzz/fuzz_$*.c) -o $@ $^ $(LDLIBS) \
		$(if $(LAX),|| echo "  LEFT OUT $@")

# The programs of tests/bench/run: `rates` counts instructions, `rounds` measures time, `floor` is what is compared with.
$(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(OUT)/libberth.a
	@echo "  LINK $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

unit: $(unit_chosen:%=$(OUT)/tests/unit/%)
	@$(if $(QEMU),scripts/need-tools $(QEMU))
	@scripts/run-units '$(QEMU)' $^

# `make fuzz-short`: every target for a few seconds. `make fuzz TARGET=x SECONDS=n`: one for long, on all processors.
FUZZ_SECONDS ?= 10
fuzz-short: $(fuzz_chosen:%=$(OUT)/tests/fuzz/%)
	@scripts/run-fuzz $(FUZZ_SECONDS) $^

fuzz: $(fuzz_chosen:%=$(OUT)/tests/fuzz/%)
	@scripts/run-fuzz $(or $(SECONDS),60) $^

-include $(unit_objects:.o=.d) $(fuzz_objects:.o=.d) $(unit_common:.o=.d) $(fuzz_common:.o=.d)
endif

# Rules that need no compiler; the compilers' own are the builds of `check`, which pass no warning.
lint:
	@tests/lint/run

check:
	@scripts/check

check-kernel:
	@scripts/install-tools
	@for arch in x86_64 aarch64 armv7; do $(MAKE) --no-print-directory ARCH=$$arch || exit; done
	@tests/kernel/all
	@for arch in x86_64 aarch64 armv7; do ARCH=$$arch tests/kernel/network || exit; done
	@tests/kernel/engines
	@tests/kernel/usb
	@tests/kernel/labels
	@tests/kernel/resources
	@tests/kernel/agent

# The programs that forget a sync, tests/crash/plant.c: power cuts have to show it.
planted := $(addprefix $(OUT)/crash/berth-forgets-,layer file directory record)
define plant
$(OUT)/crash/berth-forgets-$(1): $(objects) $(dep_done) tests/crash/plant.c
	@mkdir -p $$(@D)
	@echo "  LINK $$@"
	@$(CC) $(CFLAGS) $(WERROR) -DFORGET_$(2) -c -o $$@.o tests/crash/plant.c
	@$(CC) $(LDFLAGS) -Wl,--wrap=fsync,--wrap=fdatasync,--wrap=syncfs -o $$@ $(objects) $$@.o $(LDLIBS)
endef
$(eval $(call plant,layer,LAYER))
$(eval $(call plant,file,FILE))
$(eval $(call plant,directory,DIRECTORY))
$(eval $(call plant,record,RECORD))

check-crash: $(OUT)/berth $(planted)
	@BERTH=$(CURDIR)/$(OUT)/berth tests/crash/run --planted $(addprefix $(CURDIR)/,$(planted))
	@BERTH=$(CURDIR)/$(OUT)/berth tests/crash/run

check-flash:
	@scripts/install-tools flash
	@$(MAKE) --no-print-directory ARCH=x86_64
	@CUTS=100 tests/crash/run-guest
	@GUEST=1 tests/integration/run tests/integration/writable.sh

# SPDX-License-Identifier: BSD-2-Clause
# The gateway as a Microkit system. MICROKIT_SDK, MICROKIT_BOARD and MICROKIT_CONFIG as sDDF and
# LionsOS use them; CONFIG is the site.
#
#   make microkit            build/microkit/image/loader.img and the report; MICROKIT_OPTIONS: further
#                            options of `sluice build`
#   make microkit-run        boots it in QEMU between a client and a device, and walks the demo
#   make bench-microkit      instructions for one request, exactly
#   make microkit-objects    what `sluice build --host microkit` links

MICROKIT_SDK    ?= /opt/microkit-sdk
MICROKIT_BOARD  ?= qemu_virt_aarch64
MICROKIT_CONFIG ?= release
CONFIG          ?= systems/heating-plant/sluice.yaml
CROSS           ?= aarch64-linux-gnu-
MICROKIT_OUTPUT ?= $(B)/microkit/image
MICROKIT_OPTIONS ?=
# Not every shell expands the ~ in NAME=~/path, and what stands in quotes below nobody does.
override MICROKIT_SDK := $(patsubst ~/%,$(HOME)/%,$(MICROKIT_SDK))
override CONFIG := $(patsubst ~/%,$(HOME)/%,$(CONFIG))
override MICROKIT_OUTPUT := $(patsubst ~/%,$(HOME)/%,$(MICROKIT_OUTPUT))

# No floating point or vector registers: the kernel need not save them. Everything else follows
# from there being no C library and no position independence.
MICROKIT_FLAGS := -mcpu=cortex-a53 -mgeneral-regs-only -mstrict-align -mno-outline-atomics \
  -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-builtin-printf \
  -ffunction-sections -fdata-sections -DNET_MAX_SESSIONS=96u -DSL_MAX_SLOTS=112u -DNET_BLOCKS=160u -DREPEATS=128u # microkit_limit()
MICROKIT_CC := $(CROSS)gcc -O2 -g $(MICROKIT_FLAGS) $(CPPFLAGS)
MICROKIT_LD := $(CROSS)ld

# Does not depend on the SDK.
MK := $(B)/microkit/objects
# Compiled anew when these rules change, or what the command line says to the compiler; archived anew
# when a source comes or goes. Every header counts, the SDK's and lwIP's with what they include: -MD.
MICROKIT_RULES := make/microkit.mk $(MK)/compiler
.PHONY: microkit-always
$(MK)/compiler $(MK)/sources: microkit-always
	+@mkdir -p $(@D); echo "$$TOLD" | cmp -s - $@ || echo "$$TOLD" > $@
$(MK)/compiler: export TOLD := $(MICROKIT_CC)
MICROKIT_CORE := $(patsubst %.c,$(MK)/%.o,$(filter-out src/protocols/protocol.c,$(CORE)) \
  src/hosts/microkit/protocol_table.c $(wildcard src/components/nic_drv/*.c) \
  $(wildcard src/drivers/virtio_mmio/*.c src/drivers/sddf/*.c src/drivers/synthetic/*.c))
$(MK)/%.o: %.c $(MICROKIT_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_CC) -std=c11 $(WARN) -MD -MP -c -o $@ $<
$(MK)/libcore.a: $(MICROKIT_CORE) $(MK)/sources
	@rm -f $@; $(CROSS)ar rcs $@ $(MICROKIT_CORE)

MICROKIT_LWIP := $(addprefix $(MK)/lwip/,$(LWIP_FILES:.c=.o))
$(MICROKIT_LWIP): $(MK)/lwip/%.o: $(LWIP_DIR)/src/include/lwip/init.h $(MICROKIT_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_CC) -std=gnu11 -w -I$(LWIP_DIR)/src/include -Isrc/net/port -MD -MP -c -o $@ $(LWIP_DIR)/src/$*.c
MICROKIT_NET := $(patsubst %.c,$(MK)/%.o,$(NET) $(wildcard src/components/*_frontend/*.c))
$(MICROKIT_NET): $(MK)/%.o: %.c $(LWIP_DIR)/src/include/lwip/init.h $(MICROKIT_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_CC) -std=c11 $(WARN) -isystem $(LWIP_DIR)/src/include -Isrc/net/port -MD -MP -c -o $@ $<
define microkit_frontend
$(1)_MICROKIT := $$(patsubst %.c,$(MK)/%.o,$$(wildcard src/components/$(1)/*.c) $(NET)) $(MICROKIT_LWIP)
$(MK)/$(1).a: $$($(1)_MICROKIT) $(MK)/sources
	@rm -f $$@; $(CROSS)ar rcs $$@ $$($(1)_MICROKIT)
endef
$(foreach f,$(FRONTENDS),$(eval $(call microkit_frontend,$(f))))
$(MK)/sources: export TOLD := $(MICROKIT_CORE) $(MICROKIT_NET)

# Depends on the SDK and its configuration.
# Its name as a folder's (build_places.c does the same); which SDK it is, when two have one name.
MICROKIT_NAME := $(shell basename "$$(readlink -f "$(MICROKIT_SDK)")" | tr -c 'A-Za-z0-9._\n-' _)
MKS := $(B)/microkit/$(MICROKIT_NAME)/$(MICROKIT_BOARD)/$(MICROKIT_CONFIG)
$(MKS)/sdk: export TOLD = $(shell readlink -f "$(MICROKIT_SDK)"; cat "$(MICROKIT_SDK)/VERSION" 2>&1)
$(MKS)/sdk: microkit-always
	+@mkdir -p $(@D); echo "$$TOLD" | cmp -s - $@ || echo "$$TOLD" > $@
MICROKIT_SDK_RULES := $(MICROKIT_RULES) $(MKS)/sdk
MICROKIT_HOST := mem time fault uart random host start kept
MICROKIT_HOST_OBJECTS := $(MICROKIT_HOST:%=$(MKS)/%.o)
MICROKIT_INCLUDE := -isystem "$(MICROKIT_SDK)/board/$(MICROKIT_BOARD)/$(MICROKIT_CONFIG)/include"
MICROKIT_HOST_CC = $(MICROKIT_CC) -std=gnu11 $(WARN) $(MICROKIT_INCLUDE) -MD -MP -c
$(MKS)/%.o: src/hosts/microkit/%.c $(MICROKIT_SDK_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_HOST_CC) -o $@ $<
$(MKS)/mem.o: src/hosts/microkit/mem.c $(MICROKIT_SDK_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_HOST_CC) -fno-builtin -fno-tree-loop-distribute-patterns -o $@ $<
$(MKS)/%.o: src/hosts/microkit/%.S $(MICROKIT_SDK_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_HOST_CC) -o $@ $<
MICROKIT_COMPONENTS := nic_drv parser_norm policy_emit monitor ext_frontend int_frontend \
  source stream_frontend sink
$(MICROKIT_COMPONENTS:%=$(MKS)/program_%.o): $(MKS)/program_%.o: src/hosts/microkit/program.c $(MICROKIT_SDK_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_HOST_CC) -DSLUICE_PROGRAM=$*_component -o $@ $<

# Every protocol is in a program's object; an image keeps those of its site.
MICROKIT_PROTOCOLS := $(shell sed -n 's/^const struct sl_protocol \(\w*\) = .*/\1/p' \
  $(wildcard src/protocols/*/*.c))

# One relocatable object a program; `sluice build` links it once for each instance, with that
# instance's configuration. --unique: static functions of one name, in two protocols, stay two sections,
# or an image would keep both. (1) program, (2) component, (3) its device, (4) archives, (5) symbols
# that the link of an instance will ask for.
microkit_own = $(MICROKIT_HOST_OBJECTS) $(MKS)/program_$(1).o $(MKS)/device_$(2).o \
  $(MKS)/console$(if $(filter monitor drill_monitor,$(1)),,_none).o
define microkit_program
$(MKS)/$(1).program: $(call microkit_own,$(2),$(3)) $(4)
	$(MICROKIT_LD) -r --unique --gc-sections -e _start -u init -u notified -u main $(5:%=-u %) -o $$@ \
	  $(call microkit_own,$(2),$(3)) --start-group $(4) --end-group
MICROKIT_PROGRAMS += $(MKS)/$(1).program
endef
$(eval $(call microkit_program,nic_drv,nic_drv,virtio,$(MK)/libcore.a))
$(eval $(call microkit_program,nic_edge,nic_drv,sddf,$(MK)/libcore.a))
$(eval $(call microkit_program,nic_synthetic,nic_drv,synthetic,$(MK)/libcore.a))
$(eval $(call microkit_program,parser_norm,parser_norm,none,$(MK)/libcore.a,$(MICROKIT_PROTOCOLS)))
$(eval $(call microkit_program,policy_emit,policy_emit,none,$(MK)/libcore.a,$(MICROKIT_PROTOCOLS)))
$(eval $(call microkit_program,monitor,monitor,none,$(MK)/libcore.a,$(MICROKIT_PROTOCOLS)))
$(foreach p,source stream_frontend sink,$(eval $(call microkit_program,$(p),$(p),none,$(MK)/libcore.a,$(MICROKIT_PROTOCOLS))))
$(eval $(call microkit_program,ext_frontend,ext_frontend,none,$(MK)/ext_frontend.a $(MK)/libcore.a,$(MICROKIT_PROTOCOLS)))
$(eval $(call microkit_program,int_frontend,int_frontend,none,$(MK)/int_frontend.a $(MK)/libcore.a,$(MICROKIT_PROTOCOLS)))

MICROKIT_ALONE_HOST := $(patsubst %,$(MKS)/%.o,mem time fault uart random start kept)
define microkit_alone
$(MKS)/$(1).program: $(MICROKIT_ALONE_HOST) $(MKS)/$(1).o $(2) $(MK)/libcore.a
	$(MICROKIT_LD) -r --unique --gc-sections -e _start -u init -u notified -u fault -u main -o $$@ $$(filter-out %.mk,$$^)
MICROKIT_PROGRAMS += $(MKS)/$(1).program
endef
$(eval $(call microkit_alone,supervisor,$(MKS)/bench.o $(MKS)/wakes.o $(MKS)/supervisor_line.o))
$(foreach p,clock entropy,$(eval $(call microkit_alone,$(p))))

-include $(MICROKIT_CORE:.o=.d) $(MICROKIT_NET:.o=.d) $(MICROKIT_LWIP:.o=.d) \
  $(MICROKIT_HOST_OBJECTS:.o=.d) $(patsubst %,$(MKS)/%.d,$(MICROKIT_COMPONENTS:%=program_%) \
  device_virtio device_sddf device_synthetic bench wakes device_none console console_none \
  supervisor supervisor_line clock entropy)
$(MICROKIT_PROGRAMS): make/microkit.mk

.PHONY: microkit microkit-objects microkit-run
microkit-objects: $(MICROKIT_PROGRAMS)
microkit: $(B)/sluice
	$(B)/sluice build "$(CONFIG)" --host microkit --sdk "$(MICROKIT_SDK)" --board $(MICROKIT_BOARD) \
	  --config $(MICROKIT_CONFIG) -o "$(MICROKIT_OUTPUT)" $(MICROKIT_OPTIONS)
microkit-run:
	@tools/install-deps build demo microkit
	@$(MAKE) --no-print-directory -s microkit
	@$(VENV)/bin/python tools/microkit_demo.py "$(MICROKIT_OUTPUT)"
.PHONY: bench-microkit
bench-microkit: $(B)/sluice
	$(VENV)/bin/python bench/microkit.py $(B)/sluice $(B)/bench/microkit

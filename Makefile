# SPDX-License-Identifier: BSD-2-Clause
# Sluice. `make demo` and `make test` install what is missing; the rest builds only.
#
#   make            build/sluice and the libraries
#   make demo       the gateway at work, in network namespaces
#   make test       every test
#   make soak       a million requests, mixed clients
#   make prove      Frama-C on what meets hostile bytes   make deb   a Debian package
#   make fuzz       the long fuzzing run        make bench   the measurements
#   make format     clang-format over the tree  make clean

B       := build
CC      := gcc
CLANG   := clang
WARN    := -Wall -Wextra -Wconversion -Wshadow -Werror
CFLAGS  ?= -O2 -g
CPPFLAGS := -Iinclude -Isrc -D_GNU_SOURCE
# Core code is freestanding: the same flags here as on seL4.
CORE_FLAGS := -std=c11 $(WARN) $(CFLAGS) -ffunction-sections -fdata-sections -fPIE
HOST_FLAGS := -std=gnu11 $(WARN) $(CFLAGS) -fPIE

# The path from decode to emit, the rings and the components without lwIP: runs on every host.
CORE := $(wildcard src/protocols/*.c src/protocols/*/*.c src/ring/*.c src/policy/*.c \
          src/util/*.c src/components/parser_norm/*.c src/components/policy_emit/*.c \
          src/components/synthetic/*.c src/components/monitor/*.c src/components/nic_drv/*.c)
# Frontends: with lwIP, linked once a side so that the two stacks share no symbol.
NET  := $(wildcard src/net/*.c)
# Only on the machine that compiles policies and runs the Linux gateway.
HOST := $(wildcard src/policy/compiler/*.c src/topology/*.c src/hosts/linux/*.c src/control/*.c \
          src/drivers/*/*.c)
CLI  := $(wildcard src/cli/*.c)

object = $(patsubst %.c,$(B)/%.o,$(1))
HOST_LIBS := -lyaml -lpcap -lseccomp -lnettle -lm

.PHONY: all
all: $(B)/sluice

-include make/lwip.mk
-include make/test.mk
-include make/e2e.mk
-include make/bench.mk
-include make/microkit.mk
-include make/drill.mk
-include make/camkes.mk
-include make/ring.mk
-include make/prove.mk
-include make/deb.mk

$(B)/libcore.a: $(call object,$(CORE))
	@rm -f $@; ar rcs $@ $^
$(B)/libhost.a: $(call object,$(HOST))
	@rm -f $@; ar rcs $@ $^

$(B)/sluice: $(call object,$(CLI)) $(B)/libhost.a $(B)/ext_frontend.o $(B)/int_frontend.o $(B)/libcore.a
	$(CC) $(CFLAGS) -pie -Wl,--gc-sections -o $@ $(call object,$(CLI)) $(B)/libhost.a \
	  $(B)/ext_frontend.o $(B)/int_frontend.o $(B)/libcore.a $(HOST_LIBS)

$(call object,$(CORE)): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CORE_FLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<
$(call object,$(HOST) $(CLI)): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(call object,$(CORE) $(NET) $(HOST) $(CLI)))

.PHONY: format clean
format:
	git ls-files '*.c' '*.h' ':!*.template.c' | xargs clang-format -i
clean:
	rm -rf $(B)

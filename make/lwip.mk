# SPDX-License-Identifier: BSD-2-Clause
# lwIP, from LWIP_DIR or from Debian's source package (tools/get-lwip), and the two frontends,
# each one relocatable object that exports nothing but its struct sl_component.

LWIP_DIR ?= $(B)/lwip
LWIP_FILES := $(addprefix core/,init.c def.c inet_chksum.c ip.c mem.c memp.c netif.c pbuf.c \
    tcp.c tcp_in.c tcp_out.c timeouts.c udp.c stats.c ipv4/etharp.c ipv4/icmp.c ipv4/ip4.c \
    ipv4/ip4_addr.c ipv4/ip4_frag.c) netif/ethernet.c
LWIP_OBJECTS := $(addprefix $(B)/lwip-objects/,$(LWIP_FILES:.c=.o))
NET_FLAGS := $(CORE_FLAGS) $(CPPFLAGS) -isystem $(LWIP_DIR)/src/include -Isrc/net/port

$(LWIP_DIR)/src/include/lwip/init.h:
	tools/get-lwip $(LWIP_DIR)

$(LWIP_OBJECTS): $(B)/lwip-objects/%.o: $(LWIP_DIR)/src/include/lwip/init.h make/lwip.mk
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) -w -fPIE -ffunction-sections -fdata-sections $(CPPFLAGS) \
	  -I$(LWIP_DIR)/src/include -Isrc/net/port -MMD -MP -c -o $@ $(LWIP_DIR)/src/$*.c

FRONTENDS := ext_frontend int_frontend
define frontend
$(1)_SOURCES := $(NET) $$(wildcard src/components/$(1)/*.c)
$(1)_OBJECTS := $$(patsubst %.c,$(B)/%.o,$$(wildcard src/components/$(1)/*.c)) $(call object,$(NET))
$(B)/$(1).o: $$($(1)_OBJECTS) $(LWIP_OBJECTS)
	ld -r --gc-sections -u $(1)_component -o $$@ $$^
	objcopy --keep-global-symbol=$(1)_component --wildcard --strip-unneeded-symbol='str*' $$@
-include $$(patsubst %.c,$(B)/%.d,$$(wildcard src/components/$(1)/*.c))
endef
$(foreach f,$(FRONTENDS),$(eval $(call frontend,$(f))))

$(call object,$(NET) $(wildcard src/components/*_frontend/*.c)): $(B)/%.o: %.c $(LWIP_DIR)/src/include/lwip/init.h
	@mkdir -p $(@D)
	$(CC) $(NET_FLAGS) -MD -MP -c -o $@ $<

# The same with sanitizers, for unit tests: our code with both, lwIP with ASan (its arithmetic on
# packed headers is its own business).
SAN_LWIP_OBJECTS := $(addprefix $(B)/san/lwip-objects/,$(LWIP_FILES:.c=.o))
$(SAN_LWIP_OBJECTS): $(B)/san/lwip-objects/%.o: $(LWIP_DIR)/src/include/lwip/init.h make/lwip.mk
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -O1 -g -w -fsanitize=address -fno-omit-frame-pointer $(CPPFLAGS) \
	  -I$(LWIP_DIR)/src/include -Isrc/net/port -MMD -MP -c -o $@ $(LWIP_DIR)/src/$*.c

define san_frontend
$(B)/san/$(1).o: $$(patsubst $(B)/%,$(B)/san/%,$$($(1)_OBJECTS)) $(SAN_LWIP_OBJECTS)
	ld -r -o $$@ $$^
	objcopy --keep-global-symbol=$(1)_component $$@
endef
$(foreach f,$(FRONTENDS),$(eval $(call san_frontend,$(f))))

SAN_NET_OBJECTS := $(patsubst %.c,$(B)/san/%.o,$(NET) $(wildcard src/components/*_frontend/*.c))
$(SAN_NET_OBJECTS): $(B)/san/%.o: %.c $(LWIP_DIR)/src/include/lwip/init.h
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -O1 -g $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all \
	  -fno-omit-frame-pointer $(CPPFLAGS) -isystem $(LWIP_DIR)/src/include -Isrc/net/port -MD -MP -c -o $@ $<
-include $(SAN_NET_OBJECTS:.o=.d) $(SAN_LWIP_OBJECTS:.o=.d) $(LWIP_OBJECTS:.o=.d)

FRONTEND_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/frontend/*_test.c))
$(FRONTEND_TESTS): $(B)/san/ext_frontend.o $(B)/san/int_frontend.o $(wildcard tests/unit/frontend/*.[ch])
# It looks into the frontend.
$(B)/tests/unit/frontend/ext_random_test: private CPPFLAGS += -isystem $(LWIP_DIR)/src/include -Isrc/net/port

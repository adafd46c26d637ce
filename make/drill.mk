# SPDX-License-Identifier: BSD-2-Clause
# The drill: one component of the Linux gateway turned hostile. Not part of the released program.

DRILL := $(B)/sluice-drill
DRILL_SOURCES := tests/drill/drill.c src/components/hostile/hostile.c
$(call object,$(DRILL_SOURCES)): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<
-include $(patsubst %.c,$(B)/%.d,$(DRILL_SOURCES))

$(DRILL): $(call object,$(DRILL_SOURCES)) $(filter-out %/main.o,$(call object,$(CLI))) \
    $(B)/libhost.a $(B)/ext_frontend.o $(B)/int_frontend.o $(B)/libcore.a
	$(CC) $(CFLAGS) -pie -Wl,--gc-sections -Wl,--wrap=supervise -Wl,--wrap=epoch_start -Wl,--wrap=epoch_start_part \
	  -o $@ $^ \
	  $(HOST_LIBS)
test-programs:: $(DRILL)

DRILL_SECONDS ?= 600
.PHONY: drill
drill: deps-test
	@$(MAKE) --no-print-directory all $(DRILL)
	DRILL_SECONDS=$(DRILL_SECONDS) $(VENV)/bin/python -m pytest tests/drill -s $(PYTEST)

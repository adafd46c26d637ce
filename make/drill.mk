# SPDX-License-Identifier: BSD-2-Clause
# The drill: one component turned hostile, on Linux, Microkit and CAmkES. Not part of a released program.

DRILL := $(B)/sluice-drill
# What of the launcher goes through the drill's own code.
DRILL_WRAPPED := supervise epoch_start epoch_start_part process_run sandbox_drop_rights \
  sandbox_restrict_calls microkit_plan memfd_create
DRILL_SOURCES := tests/drill/drill.c tests/drill/too_much.c src/components/hostile/hostile.c
$(call object,$(DRILL_SOURCES)): $(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) -Itests -MMD -MP -c -o $@ $<
-include $(patsubst %.c,$(B)/%.d,$(DRILL_SOURCES))

$(DRILL): $(call object,$(DRILL_SOURCES)) $(filter-out %/main.o,$(call object,$(CLI))) \
    $(B)/libhost.a $(B)/ext_frontend.o $(B)/int_frontend.o $(B)/libcore.a
	$(CC) $(CFLAGS) -pie -Wl,--gc-sections $(DRILL_WRAPPED:%=-Wl,--wrap=%) -o $@ $^ $(HOST_LIBS)
test-programs:: $(DRILL)

# Each program of a Microkit image with a hostile twin beside it, for `sluice-drill build`.
DRILL_PROGRAMS := nic_drv ext_frontend int_frontend parser_norm policy_emit monitor
drill_place = HOSTILE_$(if $(filter nic_drv,$(1)),DRIVER,$(if $(filter monitor,$(1)),MONITOR,STAGE))
$(DRILL_PROGRAMS:%=$(MKS)/program_drill_%.o): $(MKS)/program_drill_%.o: tests/microkit/drill_domain.c $(MICROKIT_SDK_RULES)
	@mkdir -p $(@D)
	$(MICROKIT_HOST_CC) -DSLUICE_PROGRAM=$*_component -DSLUICE_PLACE=$(call drill_place,$*) -o $@ $<
-include $(DRILL_PROGRAMS:%=$(MKS)/program_drill_%.d) $(MK)/src/components/hostile/hostile.d
drill_archives = $(MK)/src/components/hostile/hostile.o $(if $(filter %_frontend,$(1)),$(MK)/$(1).a) $(MK)/libcore.a
$(foreach p,$(DRILL_PROGRAMS),$(eval $(call microkit_program,drill_$(p),drill_$(p),$(if $(filter nic_drv,$(p)),virtio,none),$(call drill_archives,$(p)),$(MICROKIT_PROTOCOLS))))
.PHONY: microkit-drill-objects
microkit-drill-objects: $(filter $(MKS)/drill_%,$(MICROKIT_PROGRAMS))

DRILL_SECONDS ?= 600
.PHONY: drill
drill: deps-test
	@$(MAKE) --no-print-directory all $(DRILL)
	DRILL_SECONDS=$(DRILL_SECONDS) $(VENV)/bin/python -m pytest tests/drill tests/microkit/test_hostile.py tests/microkit/test_supervision.py \
	  tests/camkes/test_camkes_hostile.py tests/camkes/test_camkes_hung.py -s $(PYTEST)

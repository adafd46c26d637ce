# SPDX-License-Identifier: BSD-2-Clause
# The rings' stress test: optimised as shipped, not sanitised, or the races would not race.

RING_STRESS := $(B)/tests/ring/ring_stress
$(RING_STRESS): tests/ring/ring_stress.c $(call object,$(wildcard src/ring/*.c))
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) -MMD -MP -o $@ $< $(filter %.o,$^)
-include $(RING_STRESS).d

test-programs:: $(RING_STRESS)

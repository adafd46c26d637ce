# SPDX-License-Identifier: BSD-2-Clause
# Measurements; of the tests only what counts instructions.
BENCH_PROGRAMS := $(B)/bench/load $(B)/bench/device $(B)/bench/message
$(B)/bench/load $(B)/bench/device: $(B)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) -pie -o $@ $<
$(B)/bench/message: bench/message.c $(B)/libhost.a $(B)/libcore.a
	@mkdir -p $(@D)
	$(CC) $(HOST_FLAGS) $(CPPFLAGS) -pie -o $@ $< $(B)/libhost.a $(B)/libcore.a $(HOST_LIBS)

.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS)
bench:
	@tools/install-deps build bench
	@$(MAKE) --no-print-directory -s all bench-programs
	$(VENV)/bin/python bench/report.py $(BENCH)
test-programs:: $(B)/bench/message

# Where losses begin in one-way mode; what its time still carries.
.PHONY: bench-one-way bench-covert
bench-one-way: all bench-programs
	$(VENV)/bin/python bench/one_way_loss.py
bench-covert: all
	$(VENV)/bin/python bench/covert.py

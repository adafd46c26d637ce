# SPDX-License-Identifier: BSD-2-Clause
# Tests. Unit tests: tests/unit/<module>/<name>_test.c, one cmocka program each, run by pytest
# beside the end-to-end tests so that there is one runner, one count and one list of skips.

UNIT := $(wildcard tests/unit/*/*_test.c)
UNIT_PROGRAMS := $(UNIT:%.c=$(B)/%)
FUZZ := $(wildcard fuzz/*_fuzz.c)
FUZZ_PROGRAMS := $(FUZZ:%.c=$(B)/%)
VENV := $(B)/venv

# Sanitised builds of what fuzzers and unit tests link.
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_CORE := $(patsubst %.c,$(B)/san/%.o,$(CORE))
SAN_HOST := $(patsubst %.c,$(B)/san/%.o,$(filter-out src/hosts/linux/% src/drivers/%,$(HOST)))

$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -O1 -g $(SAN) -fsanitize=fuzzer-no-link $(CPPFLAGS) -MMD -MP -c -o $@ $<
-include $(SAN_CORE:.o=.d) $(SAN_HOST:.o=.d)

$(B)/san/libcore.a: $(SAN_CORE)
	@rm -f $@; ar rcs $@ $^
$(B)/san/libhost.a: $(SAN_HOST)
	@rm -f $@; ar rcs $@ $^

# A unit test may name further sources or libraries: <name>_test.c's line "// link: ..."
$(UNIT_PROGRAMS): $(B)/%: %.c $(B)/san/libcore.a $(B)/san/libhost.a
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -O1 -g $(SAN) $(CPPFLAGS) -Itests/unit -MMD -MP -o $@ $< \
	  $$(sed -n 's|^// link: ||p' $<) $(B)/san/libhost.a $(B)/san/libcore.a -lcmocka -lyaml -lpcap -lnettle -lm
-include $(UNIT_PROGRAMS:=.d)

$(FUZZ_PROGRAMS): $(B)/%: %.c $(B)/san/libcore.a $(B)/san/libhost.a
	@mkdir -p $(@D)
	$(CLANG) -std=gnu11 -O1 -g $(SAN) -fsanitize=fuzzer $(CPPFLAGS) -MMD -MP -o $@ $< \
	  $(B)/san/libhost.a $(B)/san/libcore.a -lyaml -lpcap -lnettle -lm
-include $(FUZZ_PROGRAMS:=.d)

.PHONY: deps deps-test unit fuzzers test fuzz
deps:
	tools/install-deps build
deps-test:
	tools/install-deps build test
unit: $(UNIT_PROGRAMS)
fuzzers: $(FUZZ_PROGRAMS)

# Everything; what a machine lacks (an SDK, a capture) is skipped with the reason and counted.
test: deps-test
	@$(MAKE) --no-print-directory -s all unit fuzzers test-programs
	$(VENV)/bin/python -m pytest tests $(PYTEST)
.PHONY: test-programs
test-programs::

FUZZ_SECONDS ?= 600
fuzz: deps-test
	@$(MAKE) --no-print-directory fuzzers
	@for f in $(FUZZ_PROGRAMS); do n=$$(basename $$f); mkdir -p $(B)/corpus/$$n; \
	  echo "== $$n, $(FUZZ_SECONDS) s"; \
	  $$f -max_total_time=$(FUZZ_SECONDS) -timeout=5 -print_final_stats=1 $(B)/corpus/$$n $$(ls -d fuzz/corpus/$$n 2>/dev/null) || exit 1; done

# The gateway at work between a client and a heating plant, in network namespaces.
.PHONY: demo
demo:
	@tools/install-deps build demo
	@$(MAKE) --no-print-directory -s all
	@$(VENV)/bin/python tools/demo.py $(DEMO)

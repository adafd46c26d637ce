# SPDX-License-Identifier: BSD-2-Clause
# The gateway as a CAmkES system. CAMKES_CHECKOUT is a checkout of camkes-manifest, CONFIG the site.
#
#   make camkes        build/camkes/app, built in the checkout to build/camkes/image
#   make camkes-run    boots it in QEMU between a client and a device, and walks the demo
#   make compare       the same requests through it and through the Microkit image: docs/compare.md

CAMKES_CHECKOUT ?= /opt/camkes
CAMKES_OUTPUT   ?= $(B)/camkes
CAMKES_OPTIONS  ?=
export CAMKES_CHECKOUT

.PHONY: camkes camkes-run compare camkes-deps
camkes-deps:
	@tools/install-deps build demo camkes
camkes: camkes-deps
	@$(MAKE) --no-print-directory -s $(B)/sluice
	$(B)/sluice build $(CONFIG) --host camkes -o $(CAMKES_OUTPUT)/app
	$(VENV)/bin/python tools/camkes.py build $(CAMKES_OUTPUT)/app $(CAMKES_OUTPUT)/image $(CAMKES_OPTIONS)
camkes-run: camkes
	$(VENV)/bin/python tools/camkes.py run $(CAMKES_OUTPUT)/image
compare: camkes-deps
	@$(MAKE) --no-print-directory -s $(B)/sluice
	$(VENV)/bin/python bench/compare.py $(B)/bench/compare

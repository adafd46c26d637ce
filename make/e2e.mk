# SPDX-License-Identifier: BSD-2-Clause
# Peers for the end-to-end tests, from libraries that nobody here wrote.
$(B)/tests/e2e/libmodbus_peer: tests/e2e/libmodbus_peer.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -Wall -Wextra -Werror -o $@ $< -lmodbus
test-programs:: $(B)/tests/e2e/libmodbus_peer

# Mixed clients for the soak, and the device of the bench, which answers fast enough for it.
$(B)/tests/e2e/soak_clients: tests/e2e/soak_clients.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -o $@ $<
test-programs:: $(B)/tests/e2e/soak_clients $(B)/bench/device

# A million requests without a loss or growth in memory; `make test` has the short form.
.PHONY: soak
soak: deps-test
	@$(MAKE) --no-print-directory -s all test-programs
	SOAK_REQUESTS=$${SOAK_REQUESTS:-1000000} $(VENV)/bin/python -m pytest -q -s tests/e2e/test_soak.py

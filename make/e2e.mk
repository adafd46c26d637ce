# SPDX-License-Identifier: BSD-2-Clause
# Peers for the end-to-end tests, from libraries that nobody here wrote.
$(B)/tests/e2e/libmodbus_peer: tests/e2e/libmodbus_peer.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -Wall -Wextra -Werror -o $@ $< -lmodbus
test-programs:: $(B)/tests/e2e/libmodbus_peer

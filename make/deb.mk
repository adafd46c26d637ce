# SPDX-License-Identifier: BSD-2-Clause
# A Debian package of the gateway and a systemd unit for it.
.PHONY: deb
deb: deps
	@$(MAKE) --no-print-directory -s all
	@packaging/deb.sh

# The package under the real systemd, in a Debian 12 of its own; as root.
.PHONY: try-systemd
try-systemd: deb
	@tools/install-deps systemd
	@packaging/try_systemd.py

# SPDX-License-Identifier: BSD-2-Clause
# A Debian package of the gateway and a systemd unit for it.
.PHONY: deb
deb: deps
	@$(MAKE) --no-print-directory -s all
	@packaging/deb.sh

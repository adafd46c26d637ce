# SPDX-License-Identifier: BSD-2-Clause
# Frama-C's Eva: no run-time error for any input in the cursor, the protocols' modules and the rings'
# consumers, but where docs/caveats.md lists an alarm with the reason why it is none.
.PHONY: prove
prove:
	@tools/install-deps prove
	@python3 proofs/prove.py $(PROVE)

# SPDX-License-Identifier: BSD-2-Clause
"""A decision costs the same whatever the number of rules; docs/bench.md has the numbers."""
import re
import shutil
import subprocess

import pytest

RULES = (1, 1000)


def instructions(root, protocol, rules):
    result = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=measured_decide",
         "--callgrind-out-file=/dev/null", root / "build/bench/message", protocol, str(rules), "1"],
        capture_output=True, text=True, timeout=300, check=True)
    return int(re.search(r"Collected : (\d+)", result.stderr)[1]) / 1000


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.parametrize("protocol", ["modbus-tcp", "dnp3"])
def test_a_thousand_rules_cost_as_much_as_one(root, protocol):
    one, thousand = (instructions(root, protocol, rules) for rules in RULES)
    assert one < 5000
    assert thousand / one <= 1.1, (one, thousand)

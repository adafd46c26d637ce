# SPDX-License-Identifier: BSD-2-Clause
"""Counting instructions inside the machine gives the same number every time."""
import pathlib
import sys

import pytest
from microkit_sdk import sdk_or_skip

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import microkit

pytestmark = pytest.mark.microkit


@pytest.mark.parametrize("config", ["release", "benchmark"])
def test_it_repeats_exactly(sluice, tmp_path, config):
    sdk = sdk_or_skip()
    image = microkit.build(sluice, config, tmp_path, ["--sdk", sdk])
    first, second = microkit.measure(image), microkit.measure(image)
    assert first["ticks"] == second["ticks"]
    assert first["requests"] == 1000
    found = microkit.per_request(first)
    assert 20_000 < found["total"] < 100_000
    if config == "benchmark":
        parts = sum(value for name, value in found.items()
                    if name not in ("total", "kernel entries"))
        assert 0 < parts < found["total"]
        assert all(found[name] > 500 for name in
                   ("ext_frontend", "request_parser_norm", "request_policy_emit", "int_frontend",
                    "reply_parser_norm", "reply_policy_emit"))

# SPDX-License-Identifier: BSD-2-Clause
"""Every fuzz target for a few seconds, from its seeds; `make fuzz` runs them for long."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS = int(os.environ.get("SLUICE_FUZZ_SECONDS", "4"))
# The same inputs each time, as far as the time goes; `make fuzz` is random.
SEED = os.environ.get("SLUICE_FUZZ_SEED", "1")
TARGETS = sorted(path.stem for path in (ROOT / "fuzz").glob("*_fuzz.c"))


def test_there_are_targets():
    assert TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_short_run(target, tmp_path):
    seeds = ROOT / "fuzz/corpus" / target
    found = tmp_path / "found"
    found.mkdir()
    result = subprocess.run(
        [ROOT / "build/fuzz" / target, f"-max_total_time={SECONDS}", "-timeout=60", f"-seed={SEED}",
         f"-artifact_prefix={tmp_path}/", found, *([seeds] if seeds.is_dir() else [])],
        capture_output=True, text=True, errors="replace", timeout=SECONDS + 600)
    assert result.returncode == 0, result.stderr[-4000:]
    assert "DONE" in result.stderr or "Done" in result.stderr

# SPDX-License-Identifier: BSD-2-Clause
"""The rings' models in proofs/, searched exhaustively. Each is right as it stands and wrong in
every mutation, so that a model which can no longer fail is noticed."""
import re
import shutil
import subprocess

import pytest

LOST_WAKE_UP = "invalid end state"
TORN = "assertion violated"

MUTATIONS = [
    ("message_ring_wake", "NO_PRODUCER_FENCE", LOST_WAKE_UP),
    ("message_ring_wake", "NO_CONSUMER_FENCE", LOST_WAKE_UP),
    ("message_ring_wake", "NO_RECHECK", LOST_WAKE_UP),
    ("frame_queue_wake", "NO_PRODUCER_FENCE", LOST_WAKE_UP),
    ("frame_queue_wake", "NO_CLEAR_FENCE", LOST_WAKE_UP),
    ("frame_queue_wake", "NO_CONSUMER_FENCE", LOST_WAKE_UP),
    ("frame_queue_wake", "NO_RECHECK", LOST_WAKE_UP),
    ("oneway_ring", "NO_RESERVE", TORN),
    ("oneway_ring", "NO_RELEASE_FENCE", TORN),
    ("oneway_ring", "NO_ACQUIRE_FENCE", TORN),
]


def search(root, directory, model, *macros):
    """Spin's report on the whole state space of the model."""
    if shutil.which("spin") is None:
        pytest.skip("spin is not installed: apt-get install spin")
    for source in ("store_buffer.pml", f"{model}.pml"):
        shutil.copy(root / "proofs" / source, directory)
    run = lambda *command: subprocess.run(
        command, cwd=directory, check=True, capture_output=True, text=True, timeout=600).stdout
    run("spin", *(f"-D{macro}" for macro in macros), "-a", f"{model}.pml")
    run("gcc", "-O2", "-w", "-DSAFETY", "-o", "pan", "pan.c")
    return run("./pan", "-m1000000")


@pytest.mark.parametrize("model", ["message_ring_wake", "frame_queue_wake", "oneway_ring"])
def test_model_holds(root, tmp_path, model):
    report = search(root, tmp_path, model)
    assert "errors: 0" in report, report
    assert "max search depth too small" not in report and "Search not completed" not in report, report
    assert int(re.search(r"(\d+) states, stored", report)[1]) > 1000, report
    # Every statement is reached, but for the endings of processes that never end.
    for process in re.findall(r"unreached in proctype (?!memory)\w+\n((?:\t.*\n)+)", report):
        assert "(0 of " in process, report


@pytest.mark.parametrize("model, macro, error", MUTATIONS)
def test_mutation_fails(root, tmp_path, model, macro, error):
    report = search(root, tmp_path, model, macro)
    assert error in report, report
    assert (tmp_path / f"{model}.pml.trail").exists(), report

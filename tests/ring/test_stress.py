# SPDX-License-Identifier: BSD-2-Clause
"""Ten million self-checking records through each ring, between two processes, on two CPUs where there
are two. The program sees to it that ends sleep and are lapped, however fast the machine is or how busy."""
import json
import subprocess

import pytest

RECORDS = 10_000_000


def stress(program, ring):
    result = subprocess.run([program, ring, str(RECORDS)], capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    print(result.stdout, end="")
    return json.loads(result.stdout)


@pytest.fixture
def program(root):
    return root / "build" / "tests" / "ring" / "ring_stress"


@pytest.mark.parametrize("ring", ["message", "frame"])
def test_every_record_arrives_once_and_no_wake_up_is_lost(program, ring):
    report = stress(program, ring)
    assert report["received"] == RECORDS
    assert report["lost"] == 0
    assert report["wakes"] > 1000, "the consumer hardly slept, so the handshake was not tried"


def test_oneway_accounts_for_every_record_and_accepts_none_torn(program):
    report = stress(program, "oneway")
    assert report["received"] + report["lost"] == RECORDS
    assert report["received"] > RECORDS // 1000, "hardly any record was compared"
    assert report["lost"] > 0, "the consumer was never lapped, so the discard was not tried"


def test_the_stress_finds_torn_records(root, tmp_path):
    """Without `reserve` the consumer of the one-way ring takes torn records; and this notices."""
    source = (root / "src/ring/oneway_ring.c").read_text()
    checked = "if (reserve - consumer->next <= consumer->slot_count)"
    assert source.count(checked) == 1
    mutant = tmp_path / "oneway_ring.c"
    mutant.write_text(source.replace(
        checked, "if (sl_load_relaxed(&consumer->ring->tail) - consumer->next <= consumer->slot_count)"))
    program = tmp_path / "ring_stress"
    others = [str(root / "src/ring" / name) for name in ("message_ring.c", "frame_queue.c")]
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-D_GNU_SOURCE", f"-I{root}/include", f"-I{root}/src",
                    "-o", program, root / "tests/ring/ring_stress.c", mutant, *others], check=True)
    result = subprocess.run([program, "oneway", str(RECORDS)], capture_output=True, text=True, timeout=600)
    assert result.returncode == 1, result.stdout
    assert "is torn" in result.stderr or "lost, doubled" in result.stderr, result.stdout

# SPDX-License-Identifier: BSD-2-Clause
"""A component that dies takes the pipeline with it; the pipeline comes back by itself."""
import os
import signal
import time

import pytest
from walk import adu, read, receive

pytestmark = pytest.mark.e2e


def processes(gateway):
    """{component: pid} of the running pipeline, as the launcher says."""
    lines = [line for line in gateway.audit() if line.get("event") in ("started", "restarted")]
    return {entry["name"]: entry["pid"] for entry in lines[-1]["processes"]}


def answered(lab):
    try:
        connection = lab.connect(timeout=0.3)
        connection.sendall(adu(1, read(0, 1)))
        return len(receive(connection, 1, 1)) == 1
    except OSError:
        return False


def test_each_component_killed_in_turn(lab, plant, gateway):
    assert answered(lab)
    for number, name in enumerate(sorted(processes(gateway)), 1):
        os.kill(processes(gateway)[name], signal.SIGKILL)
        died = gateway.wait_audit(lambda line: line.get("event") == "component-died" and
                                  line["epoch"] == number - 1)
        assert died and died["signal"] == "SIGKILL", died
        restarted = gateway.wait_audit(
            lambda line: line.get("event") == "restarted" and line["epoch"] == number, 10)
        assert restarted and restarted["restart_us"] > 0, restarted
        until = time.monotonic() + 5
        while not answered(lab):
            assert time.monotonic() < until, f"no service after the death of {name}"
    assert [line["seq"] for line in gateway.audit() if line["component"] == "launcher"] == \
        list(range(len([line for line in gateway.audit() if line["component"] == "launcher"])))


def test_sigterm_leaves_nothing(lab, plant, gateway):
    pids = list(processes(gateway).values())
    gateway.process.terminate()
    assert gateway.process.wait(5) == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)

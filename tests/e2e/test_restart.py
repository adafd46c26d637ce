# SPDX-License-Identifier: BSD-2-Clause
"""A component that dies takes the pipeline with it; the pipeline comes back by itself."""
import os
import re
import signal
import subprocess
import time

import pytest
from lab import until
from walk import adu, read, receive, write

pytestmark = pytest.mark.e2e


def processes(gateway):
    """{component: pid} of the running pipeline, as the launcher says."""
    assert gateway.wait_audit(lambda line: line.get("event") == "started")  # may answer before it
    lines = [line for line in gateway.audit() if line.get("event") in ("started", "restarted")]
    return {entry["name"]: entry["pid"] for entry in lines[-1]["processes"]}


def answered(lab, patience=20):
    try:
        connection = lab.connect(timeout=patience)
        connection.sendall(adu(1, read(0, 1)))
        return len(receive(connection, 1, patience)) == 1
    except OSError:
        return False


def wait_for_service(lab, why):
    until(lambda: answered(lab, 1), f"no service after {why}")


def test_each_component_killed_in_turn(lab, plant, gateway):
    assert answered(lab)
    for number, name in enumerate(sorted(processes(gateway)), 1):
        os.kill(processes(gateway)[name], signal.SIGKILL)
        died = gateway.wait_audit(lambda line: line.get("event") == "component-died" and
                                  line["epoch"] == number - 1)
        assert died and died["signal"] == "SIGKILL", died
        restarted = gateway.wait_audit(
            lambda line: line.get("event") == "restarted" and line["epoch"] == number)
        assert restarted and restarted["restart_us"] > 0, restarted
        wait_for_service(lab, f"the death of {name}")
    lines = gateway.audit()
    launcher = [line for line in lines if line["component"] == "launcher"]
    assert [line["launcher_seq"] for line in launcher] == list(range(len(launcher)))
    assert not any("seq" in line for line in launcher)  # "seq" counts the monitor's lines alone
    for epoch in {line["epoch"] for line in lines}:
        counted = [line["seq"] for line in lines if line["epoch"] == epoch and "seq" in line]
        assert counted == list(range(len(counted)))


def test_a_stop_loses_no_audit_line(lab, plant, gateway):
    connection = lab.connect()
    for transaction in range(5):
        connection.sendall(adu(transaction, read(0, 1)))
        assert len(receive(connection, 1, 20)) == 1
    gateway.process.terminate()
    assert gateway.process.wait(30) == 0
    lines = gateway.audit()
    assert len([line for line in lines if line.get("event") == "message"]) == 5
    assert lines[-1]["event"] == "stopped"


def test_a_second_gateway_on_the_same_wire_is_refused(lab, plant, gateway, heating_plant, sluice):
    second = lab.gateway.run([sluice, "run", heating_plant], timeout=60)
    assert second.returncode == 1
    assert "belongs to another gateway" in second.stderr
    assert answered(lab)


def test_audit_lines_that_cannot_be_written_are_counted(lab, plant, heating_plant, sluice):
    process = lab.gateway.popen([sluice, "run", heating_plant, "--audit", "/dev/full"],
                                stderr=subprocess.PIPE, text=True)
    wait_for_service(lab, "the start")
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert "audit file '/dev/full': No space left on device; traffic goes on" in errors
    assert re.search(r"audit file '/dev/full': \d+ lines were lost at the end", errors)


def test_sigterm_leaves_nothing(lab, plant, gateway):
    pids = list(processes(gateway).values())
    gateway.process.terminate()
    assert gateway.process.wait(30) == 0
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def test_each_component_stopped_in_turn(lab, plant, gateway, observer):
    """One that hangs (SIGSTOP) is found, killed and started anew; meanwhile nothing passes that
    policy does not allow. What is answered while it hangs is up to which one it is."""
    if len(processes(gateway)) == 1:
        pytest.skip("fused: one process, as test_each_component_killed_in_turn")
    assert answered(lab)
    took = {}
    for number, name in enumerate(sorted(processes(gateway)), 1):
        began = time.monotonic()
        os.kill(processes(gateway)[name], signal.SIGSTOP)
        connection = None
        while time.monotonic() < began + 1:  # load, and what is not allowed
            try:
                connection = connection or lab.connect(timeout=0.2)
                connection.sendall(adu(1, write(3, 1)) + adu(2, write(2, 999)) + adu(3, read(0, 1)))
                time.sleep(0.05)
            except OSError:
                break
        died = gateway.wait_audit(lambda line: line.get("event") == "component-died" and
                                  line["epoch"] == number - 1)
        assert died and (died["died"], died["cause"]) == (name, "hung"), died
        assert died["message"].startswith(f"{name}: took no turn for ")
        restarted = gateway.wait_audit(
            lambda line: line.get("event") == "restarted" and line["epoch"] == number)
        assert restarted, f"no restart after {name} hung"
        wait_for_service(lab, f"{name} hung")
        took[name] = round(time.monotonic() - began, 1)
    print("seconds from the stop to the next answer:", took)
    assert all(request["modbus.func_code"] == [3] for request in observer.requests())


def test_a_launcher_that_hung_blames_nobody(lab, plant, gateway):
    """Nor does it where all stood still with it, and it goes on first."""
    assert answered(lab)
    before = processes(gateway)
    gateway.process.send_signal(signal.SIGSTOP)
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)
    time.sleep(5)
    gateway.process.send_signal(signal.SIGCONT)
    time.sleep(0.6)  # it looks each half second
    for pid in before.values():
        os.kill(pid, signal.SIGCONT)
    time.sleep(1.5)
    assert answered(lab)
    assert processes(gateway) == before
    for event in ("launcher-hung", "launcher-resumed"):
        assert gateway.wait_audit(lambda line: line["event"] == event), gateway.read_log()

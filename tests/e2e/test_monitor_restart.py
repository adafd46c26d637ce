# SPDX-License-Identifier: BSD-2-Clause
"""The monitor dies alone, in both modes: traffic goes on, what the log lacks is counted, and one that
dies again and again is started ever more seldom."""
import os
import signal
import threading
import time

import lab as lab_module
import pytest
import test_one_way
from lab import stands_still
from walk import adu, receive, write

pytestmark = pytest.mark.e2e



@pytest.fixture(params=["two-way", "one-way"])
def gateway(request, lab, heating_plant, tmp_path, sluice):
    config = heating_plant
    if request.param == "one-way":
        config = tmp_path / "sluice.yaml"
        config.write_text(test_one_way.CONFIG)
    with lab_module.Gateway(lab, sluice, config, tmp_path / "audit.json") as it:
        assert it.wait_audit(lambda line: line.get("event") == "started")
        yield it


def monitor_pid(gateway):
    lines = [line for line in gateway.audit() if line.get("event") in ("started", "restarted")]
    return next((entry["pid"] for entry in lines[-1]["processes"] if entry["name"] == "monitor"), 0)


def events(gateway, name):
    return [line for line in gateway.audit() if line.get("event") == name]


def messages(lines):
    return sum(line["event"] == "message" for line in lines if line["component"] != "launcher")


def write_at_once(connection, count):
    requests = [adu(number, write(2, 200)) for number in range(count)]
    connection.sendall(b"".join(requests))
    assert receive(connection, count, 20) == requests


def test_what_it_had_not_read_is_counted(lab, plant, gateway):
    connection = lab.connect()
    write_at_once(connection, 5)
    # After many turns with nothing to do all that it read is in the log.
    lab_module.until(lambda: stands_still(lambda: len(gateway.audit())) and
                     messages(gateway.audit()) == 5)
    pid = monitor_pid(gateway)
    os.kill(pid, signal.SIGSTOP)
    write_at_once(connection, 20)  # before it is found to hang
    os.kill(pid, signal.SIGKILL)
    assert gateway.wait_audit(lambda line: line.get("event") == "restarted")
    assert gateway.wait_audit(lambda line: line.get("event") == "audit-resumed")
    assert gateway.wait_audit(lambda line: line.get("event") == "audit-lost" and
                              line["component"] == "request_policy_emit")
    write_at_once(connection, 3)
    lines = gateway.audit()
    died, = events(gateway, "component-died")
    assert (died["died"], died["part"]) == ("monitor", "monitor")
    lost = {line["component"]: line["count"] for line in events(gateway, "audit-lost")}
    # A record for each verdict; one-way, where a second has passed, three that count them.
    assert lost["request_policy_emit"] in (20, 23, 26), lost
    resumed, = events(gateway, "audit-resumed")
    before = [line for line in lines if line["epoch"] == 0 and "seq" in line]
    assert resumed["epoch_before"] == 0 and resumed["untold"] == 0 and resumed["seq"] == 0
    assert resumed["lines_before"] == len(before) == before[-1]["seq"] + 1


def test_one_that_dies_again_and_again_holds_up_nobody(lab, plant, gateway):
    """One connection through all of its deaths, every request answered; and there are ever fewer."""
    stop, failures, asked = threading.Event(), [], [0]

    def client():
        connection = lab.connect()
        while not stop.is_set():
            connection.sendall(adu(asked[0] & 0xffff, write(2, 200)))
            if receive(connection, 1, 20) != [adu(asked[0] & 0xffff, write(2, 200))]:
                failures.append(asked[0])
                return
            asked[0] += 1
    thread = threading.Thread(target=client)
    thread.start()
    began, last = time.monotonic(), 0
    while len(events(gateway, "restarted")) < 9 and time.monotonic() < began + 60:
        pid = monitor_pid(gateway)
        if pid and pid != last:
            last = pid
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
    took = time.monotonic() - began
    stop.set()
    thread.join()
    deaths, starts = events(gateway, "component-died"), events(gateway, "restarted")
    back_offs = [line["back_off_ms"] for line in starts]
    print(f"{asked[0]} answered, {len(deaths)} deaths, waited {back_offs} ms")
    assert not failures and asked[0] > 20
    assert {line["died"] for line in deaths} == {"monitor"}
    assert back_offs == [10 << number for number in range(9)]
    assert took > sum(back_offs) / 1000


@pytest.mark.parametrize("gateway", ["two-way"], indirect=True)
def test_a_last_look_that_it_does_not_take_is_counted_by_the_launcher(lab, plant, gateway):
    connection = lab.connect()
    os.kill(monitor_pid(gateway), signal.SIGSTOP)
    write_at_once(connection, 20)  # before the monitor is found to hang
    processes = events(gateway, "started")[0]["processes"]
    os.kill(next(entry["pid"] for entry in processes if entry["name"] == "ext_frontend"),
            signal.SIGKILL)
    died = gateway.wait_audit(lambda line: line.get("event") == "component-died")
    assert died["died"] == "ext_frontend" and "part" not in died
    assert 20 <= died["audit_records_lost"] <= 100  # answers and connections have records too

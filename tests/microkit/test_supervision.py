# SPDX-License-Identifier: BSD-2-Clause
"""The supervisor finds what hangs, and restarts no more than it must: in one-way mode a side, in
both modes the monitor alone."""
import contextlib
import socket
import sys
import time

import pytest

import drill

sys.path[:0] = [str(drill.ROOT / "tests/e2e"), str(drill.ROOT / "tests/drill")]
from test_attacks import allowed
from test_drill import COMPONENTS, EXTERNAL, READS, WRITES, Client, Observer
from test_one_way import client_sees, values
from walk import adu, receive, write

pytestmark = pytest.mark.microkit

INTERNAL = ["int_frontend", "int_nic_drv"]


def until(wanted, seconds=20):
    limit = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < limit, wanted.__qualname__
        time.sleep(0.05)


def wake(lab, component):
    """Something for it to do, and nothing for the device."""
    with contextlib.suppress(OSError):
        if component in INTERNAL:
            with lab.device.inside():
                socket.create_connection(("192.168.95.1", 502), 0.1).close()
        elif component in EXTERNAL:
            lab.connect(source="192.168.96.66", timeout=0.1).close()


def strike(lab, machine, component, how):
    """Lets it die; the lines of its death and of what started anew."""
    deaths, restarts = len(machine.deaths()), len(machine.restarts())
    machine.switch(component).set(how)
    until(lambda: wake(lab, component) or len(machine.restarts()) > restarts)
    assert len(machine.deaths()) == deaths + 1
    died = machine.deaths()[-1]
    assert died["died"] == component
    return died, machine.restarts()[-1]


def part(component):
    return "monitor" if component == "monitor" else \
        "internal" if component in INTERNAL else "external"


@pytest.fixture
def clients(lab):
    running = [Client(lab, source, READS + WRITES)
               for source in ("192.168.96.10", "192.168.96.20", "192.168.96.66")]
    for client in running:
        client.start()
    yield running
    for client in running:
        client.stop = True
    for client in running:
        client.join(3)


def answered(clients):
    return sum(client.answered for client in clients)


def test_one_that_hangs_is_found(drilled, lab, plant, clients, tmp_path):
    """Each in turn, every other one spinning or waiting for nothing, under load."""
    observer = Observer(lab, tmp_path / "device.pcap")
    machine = drilled("two-way")
    for number, component in enumerate(COMPONENTS):
        until(lambda before=answered(clients): answered(clients) > before + 5)
        began = time.monotonic()
        died, restarted = strike(lab, machine, component, drill.BLOCKED if number % 2 else drill.SPINS)
        assert died["cause"] == "hung" and time.monotonic() - began > 2
        assert died.get("part") == restarted.get("part") == \
            ("monitor" if component == "monitor" else None)
    until(lambda before=answered(clients): answered(clients) > before + 5)
    assert all(allowed(request) for request in observer.requests())


def test_the_monitor_starts_anew_alone(drilled, lab, plant, clients):
    """No client sees it, and the log says what it lacks."""
    machine = drilled("two-way")
    until(lambda: answered(clients) > 10)
    asked, got = [client.asked for client in clients], [client.answered for client in clients]
    died, restarted = strike(lab, machine, "monitor", drill.FAULTS)
    assert (died["cause"], died["part"], restarted["part"]) == ("memory-fault", "monitor", "monitor")
    resumed = machine.gateway.wait_audit(lambda line: line["event"] == "audit-resumed", 10)
    assert resumed and (resumed["epoch_before"], resumed["epoch"]) == (0, 1)
    assert resumed["lines_before"] > 10
    until(lambda before=answered(clients): answered(clients) > before + 10)
    for client, asked_before, before in zip(clients, asked, got):
        assert client.answered - before >= client.asked - asked_before - 1


class Writer:
    def __init__(self, lab):
        self.lab, self.number, self.connection, self.wrote = lab, 0, None, []

    def write(self, anew=False):
        """The next value, and has it confirmed."""
        if anew or not self.connection:
            self.connection = self.lab.connect(timeout=2)
        self.number += 1
        value = 150 + self.number % 100
        self.connection.sendall(adu(self.number, write(2, value)))
        assert receive(self.connection, 1, 2) == [adu(self.number, write(2, value))]
        self.wrote.append(value)


def deliveries(machine):
    return len([line for line in machine.gateway.audit() if line["event"] == "counters" and
                line["component"] == "int_frontend"])


def test_one_way_sides_die_apart(drilled, lab, plant, tmp_path):
    """One client connection over all deaths inside; what it writes between them is delivered once.
    A death outside ends it, and nothing inside."""
    observer = Observer(lab, tmp_path / "device.pcap")
    machine, writer = drilled("one-way"), Writer(lab)

    def deliver(anew=False):
        before = deliveries(machine)
        writer.write(anew)
        until(lambda: deliveries(machine) > before)
    deliver()
    for component in INTERNAL + ["monitor"] + INTERNAL:
        died, restarted = strike(lab, machine, component, drill.FAULTS)
        assert died["part"] == restarted["part"] == part(component)
        deliver()
    for component in EXTERNAL:
        died, restarted = strike(lab, machine, component, drill.FAULTS)
        assert died["part"] == restarted["part"] == "external"
        deliver(anew=True)
    assert values(observer) == [(2, value) for value in writer.wrote]
    assert [line["epoch"] for line in machine.restarts()] == list(range(1, 10))
    assert [line["restart_us"] > 0 for line in machine.restarts()]


def test_one_way_what_hangs_takes_its_side_only(drilled, lab, plant):
    machine, writer = drilled("one-way"), Writer(lab)
    writer.write()
    for component, how in (("int_nic_drv", drill.SPINS), ("int_frontend", drill.BLOCKED)):
        died, restarted = strike(lab, machine, component, how)
        assert (died["cause"], died["part"], restarted["part"]) == ("hung", "internal", "internal")
        writer.write()


def test_one_way_nothing_outside_shows_a_death_inside(drilled, lab, plant, tmp_path):
    """Every frame that the client gets in one fixed conversation, with and without deaths in it."""
    machine, seen = drilled("one-way"), {}

    class Killer:
        def __init__(self, component):
            self.component = component

        def halfway(self):
            if self.component:
                strike(lab, machine, self.component, drill.FAULTS)
    for component in (None, "int_frontend", "int_nic_drv", "monitor"):
        seen[component] = client_sees(lab, Killer(component), tmp_path / f"{component}.pcap")
    assert len(seen[None]) >= 10
    for component, frames in seen.items():
        assert frames == seen[None], component

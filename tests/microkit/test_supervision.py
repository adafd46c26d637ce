# SPDX-License-Identifier: BSD-2-Clause
"""The supervisor finds what hangs, and restarts no more than it must: in one-way mode a side, in
both modes the monitor alone."""
import contextlib
import itertools
import os
import random
import signal
import socket
import sys
import time

import pytest

import drill
import poke
from dying import debugger_arguments

sys.path[:0] = [str(drill.ROOT / "tests/e2e"), str(drill.ROOT / "tests/drill")]
from test_attacks import allowed
from test_drill import (COMPONENTS, EXTERNAL, READS, WRITES, Client, Observer,
                        allowed_one_way)
from test_one_way import client_sees, common_sight, values
from walk import adu, receive, write

pytestmark = pytest.mark.microkit

INTERNAL = ["int_frontend", "int_nic_drv"]
A_CLIENT_ASKS = 0.8  # seconds: one that got no answer waits for half a second
FEWER = ["ext_frontend", "request_parser_norm", "request_policy_emit", "int_nic_drv", "monitor"]


def until(wanted, seconds=60):
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


def program(component):
    """Its name but for the direction or the side that it is of."""
    return component if component.endswith("frontend") else component.split("_", 1)[-1]


def part(component):
    return "monitor" if component == "monitor" else \
        "internal" if component in INTERNAL else "external"


def stop(clients):
    for client in clients:
        client.stop = True
    for client in clients:
        client.join(2 * client.patience + 3)


@pytest.fixture
def clients(lab):
    """clients() -> three, asking."""
    running = []

    def start(patience=0.5):
        running.extend(Client(lab, source, READS + WRITES, patience)
                       for source in ("192.168.96.10", "192.168.96.20", "192.168.96.66"))
        for client in running:
            client.start()
        return running
    yield start
    stop(running)


def answered(clients):
    return sum(client.answered for client in clients)


def test_one_that_hangs_is_found(drilled, lab, plant, clients, tmp_path):
    """Every other one spinning or waiting for nothing, under load; `make drill` takes each in turn."""
    observer = Observer(lab, tmp_path / "device.pcap")
    machine = drilled("two-way")
    clients = clients()
    for number, component in enumerate(COMPONENTS if "DRILL_SECONDS" in os.environ else FEWER):
        until(lambda before=answered(clients): answered(clients) > before + 5)
        began = time.monotonic()
        died, restarted = strike(lab, machine, component, drill.BLOCKED if number % 2 else drill.SPINS)
        assert died["cause"] == "hung" and time.monotonic() - began > 2
        assert died.get("part") == restarted.get("part") == \
            ("monitor" if component == "monitor" else None)
    until(lambda before=answered(clients): answered(clients) > before + 5)
    assert all(allowed(request) for request in observer.requests())


def test_a_machine_that_stood_still_blames_nobody(drilled, lab, plant, clients):
    """Whoever runs first after it finds that all others have been silent for long."""
    machine = drilled("two-way")
    clients = clients(patience=30)
    for seconds in (4, 1.2, 1.2, 1.2):
        until(lambda before=answered(clients): answered(clients) > before + 5)
        machine.gateway.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        machine.gateway.process.send_signal(signal.SIGCONT)
    until(lambda before=answered(clients): answered(clients) > before + 5)
    assert not [line for line in machine.gateway.audit()
                if line["event"] in ("component-died", "restarted")]


def test_the_monitor_starts_anew_alone(drilled, lab, plant, clients):
    """No client sees it, and the log says what it lacks."""
    machine = drilled("two-way")
    clients = clients(patience=30)
    until(lambda: any(line["event"] == "message" for line in machine.gateway.audit()))
    died, restarted = strike(lab, machine, "monitor", drill.FAULTS)
    assert (died["cause"], died["part"], restarted["part"]) == ("memory-fault", "monitor", "monitor")
    resumed = machine.gateway.wait_audit(lambda line: line["event"] == "audit-resumed")
    assert resumed and (resumed["epoch_before"], resumed["epoch"]) == (0, 1)
    assert resumed["lines_before"] > 0
    until(lambda before=answered(clients): answered(clients) > before + 10)
    stop(clients)
    assert all(client.answered >= client.asked - 1 for client in clients), \
        [(client.asked, client.answered) for client in clients]


class Writer:
    def __init__(self, lab):
        self.lab, self.number, self.connection, self.wrote = lab, 0, None, []

    def write(self, anew=False):
        """The next value, and has it confirmed."""
        if anew or not self.connection:
            self.connection = self.lab.connect(timeout=30)
        self.number += 1
        value = 150 + self.number % 100
        self.connection.sendall(adu(self.number, write(2, value)))
        assert receive(self.connection, 1, 30) == [adu(self.number, write(2, value))]
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
    until(lambda: len(plant.seen()) >= len(writer.wrote))
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
    machine = drilled("one-way")

    class Killer:
        def __init__(self, component):
            self.component = component

        def halfway(self):
            if self.component:
                strike(lab, machine, self.component, drill.FAULTS)
    frames = common_sight(
        lambda component: client_sees(lab, Killer(component), tmp_path / f"{component}.pcap"),
        (None, "int_frontend", "int_nic_drv", "monitor"))
    assert len(frames) >= 10


@pytest.mark.parametrize("mode", ["two-way", "one-way"])
def test_killed_at_any_moment_under_load(drilled, lab, plant, clients, tmp_path, mode):
    """In each in turn a function that traffic needs, taken by lot, is made of undefined instructions
    at some moment: it dies at whatever it is at. The device's wire carries what policy allows."""
    lot = random.Random(int(os.environ.get("DRILL_SEED", "1")))
    observer = Observer(lab, tmp_path / "device.pcap")
    machine = drilled(mode, extra=debugger_arguments(tmp_path))
    clients = clients()
    for component in COMPONENTS if mode == "two-way" else EXTERNAL + INTERNAL:
        until(lambda before=answered(clients): answered(clients) > before + 5)
        deaths, restarts = len(machine.deaths()), len(machine.restarts())
        elf = machine.elf(component)
        names = sorted(poke.functions(elf).difference(
            *(poke.functions(machine.elf(other)) for other in COMPONENTS
              if program(other) != program(component) and machine.elf(other).exists())))
        lot.shuffle(names)
        limit = time.monotonic() + 240
        for name in itertools.cycle(names):
            time.sleep(lot.random() * 0.05)
            restore = poke.break_code(tmp_path / "gdb", machine.memory, poke.Code(elf, name))
            with contextlib.suppress(AssertionError):  # one that nothing came to
                until(lambda: len(machine.deaths()) > deaths, A_CLIENT_ASKS)
            restore()
            if len(machine.deaths()) > deaths:
                break
            assert time.monotonic() < limit, f"nothing reaches {component}: {names}"
        until(lambda: len(machine.restarts()) > restarts)
        died = machine.deaths()[deaths]
        assert program(died["died"]) == program(component), (name, died)  # both have the code
        assert died["cause"] in ("exception", "memory-fault"), (name, died)
    until(lambda before=answered(clients): answered(clients) > before + 5)
    rule = allowed if mode == "two-way" else allowed_one_way
    assert all(rule(request) for request in observer.requests())

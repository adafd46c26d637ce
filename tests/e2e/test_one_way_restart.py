# SPDX-License-Identifier: BSD-2-Clause
"""One-way mode is supervised by parts: a death inside is nothing that can be seen outside, and the
other way round the devices' connections are not the clients' business."""
import os
import signal
import time

import pytest

import lab as lab_module
from lab import until
from test_one_way import CONFIG, HASTY, client_sees, common_sight, delivered, values
from walk import adu, receive, write

pytestmark = pytest.mark.e2e

PARTS = {"external": {"ext_nic_drv", "ext_frontend", "request_parser_norm", "request_policy_emit"},
         "internal": {"int_frontend", "int_nic_drv"},
         "monitor": {"monitor"}}


@pytest.fixture
def gateway(lab, tmp_path, sluice):
    config = tmp_path / "sluice.yaml"
    config.write_text(CONFIG)
    with lab_module.Gateway(lab, sluice, config, tmp_path / "audit.json") as it:
        yield it


def starts(gateway):
    return [line for line in gateway.audit() if line.get("event") in ("started", "restarted")]


def pids(gateway):
    assert gateway.wait_audit(lambda line: line.get("event") == "started")
    return {entry["name"]: entry["pid"] for entry in starts(gateway)[-1]["processes"]}


def part_of(component):
    return next(part for part, members in PARTS.items() if component in members)


def strike(gateway, component, number, *, cause="signal", sign=signal.SIGKILL):
    """`component` dies; returns the line of its part's restart, number `number` of the gateway."""
    before = pids(gateway)
    os.kill(before[component], sign)
    died = gateway.wait_audit(lambda line: line.get("event") == "component-died" and
                              line["epoch"] == number - 1)
    assert died and (died["died"], died["part"], died["cause"]) == \
        (component, part_of(component), cause), died
    restarted = gateway.wait_audit(lambda line: line.get("event") == "restarted" and
                                   line["epoch"] == number)
    assert restarted and restarted["part"] == part_of(component), restarted
    after = pids(gateway)
    assert {name for name in before if before[name] != after[name]} == PARTS[part_of(component)]
    return restarted


class Writer:
    """A client with one connection, or a new one each time."""

    def __init__(self, lab):
        self.lab, self.number, self.connection = lab, 0, None

    def write(self, *, anew=False):
        """Writes the next value and has it confirmed; returns the value."""
        if anew or not self.connection:
            self.connection = self.lab.connect()
        self.number += 1
        request = adu(self.number, write(2, 150 + self.number % 100))
        self.connection.sendall(request)
        assert receive(self.connection, 1, 20) == [request]
        return 150 + self.number % 100


def test_inside_dies_outside_lives_on(lab, plant, gateway, observer):
    """One client connection over all deaths; what it writes between them is delivered, once."""
    writer, wanted, took = Writer(lab), [], []
    wanted.append(writer.write())
    until(lambda: any(delivered(line) == 1 for line in gateway.audit()))
    for number, component in enumerate(["int_frontend", "int_nic_drv"] * 2, 1):
        line = strike(gateway, component, number)
        took.append(line["restart_us"])
        seen = len(gateway.audit())
        wanted.append(writer.write())
        until(lambda: any(delivered(line) for line in gateway.audit()[seen:]))
    assert values(observer) == [(2, value) for value in wanted]
    events = [line.get("event") for line in gateway.audit()]
    assert events.count("session-open") - events.count("session-close") == 1  # ours
    print("internal part restarted in us:", took)


def test_outside_dies_inside_lives_on(lab, plant, gateway, observer):
    writer, wanted = Writer(lab), []
    wanted.append(writer.write())
    until(lambda: any(delivered(line) == 1 for line in gateway.audit()))
    for number, component in enumerate(sorted(PARTS["external"]), 1):
        strike(gateway, component, number)
        wanted.append(writer.write(anew=True))
        until(lambda: any(delivered(line) == number + 1 for line in gateway.audit()))
    assert values(observer) == [(2, value) for value in wanted]
    assert not [line for line in gateway.audit() if line.get("event") == "dropped"]
    # The clients of before are gone: so are their connections to the device.
    until(lambda: [line.get("event") for line in gateway.audit()].count("device-close") ==
          len(PARTS["external"]))


def test_the_monitor_dies_alone(lab, plant, gateway, observer):
    writer = Writer(lab)
    wanted = [writer.write()]
    until(lambda: any(delivered(line) == 1 for line in gateway.audit()))
    strike(gateway, "monitor", 1)
    wanted.append(writer.write())
    until(lambda: any(delivered(line) == 2 for line in gateway.audit()))
    assert values(observer) == [(2, value) for value in wanted]
    until(lambda: [line["epoch"] for line in gateway.audit() if line.get("event") == "message"] == [0, 1])


@pytest.mark.parametrize("component", ["int_frontend", "int_nic_drv", "monitor",
                                       "request_policy_emit"])
def test_one_that_hangs_is_killed(lab, plant, gateway, component):
    writer = Writer(lab)
    writer.write()
    began = time.monotonic()
    strike(gateway, component, 1, cause="hung", sign=signal.SIGSTOP)
    took = time.monotonic() - began
    assert 2 < took < 30, took
    writer.write(anew=part_of(component) == "external")


def test_nothing_outside_shows_a_death_inside(lab, plant, tmp_path, sluice):
    """Every frame that the client gets in one fixed conversation, with and without deaths in it."""
    config = tmp_path / "sluice.yaml"
    config.write_text(HASTY)

    class Killer:
        def __init__(self, gateway, component):
            self.gateway, self.component = gateway, component

        def halfway(self):
            if self.component:
                os.kill(pids(self.gateway)[self.component], signal.SIGKILL)

    def look(component):
        audit = tmp_path / f"{component}.json"
        audit.unlink(missing_ok=True)
        with lab_module.Gateway(lab, sluice, config, audit) as gateway:
            pids(gateway)
            frames = client_sees(lab, Killer(gateway, component), tmp_path / f"{component}.pcap")
            died = [line for line in gateway.audit() if line.get("event") == "component-died"]
            assert [line["died"] for line in died] == ([component] if component else [])
        return frames
    assert len(common_sight(look, (None, "int_frontend", "int_nic_drv", "monitor"))) >= 10

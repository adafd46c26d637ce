# SPDX-License-Identifier: BSD-2-Clause
"""The drill on CAmkES: one component after the other is hostile, under load, for seconds each
(`make drill`: ten minutes each). What must hold is what must hold on Linux (tests/drill), with the same
hostile component; drivers are drilled at their queues. Nothing starts anew here: the first fault that is
reported closes the gateway, and another machine with another seed is the next life. Whether the
others come to rest is seen from how busy the whole machine is with the hostile one still."""
import os
import pathlib
import sys
import time

import pytest

import camkes_drill
import drill

sys.path[:0] = [str(drill.ROOT / "tests/e2e"), str(drill.ROOT / "tests/drill")]
from dying import wait_until
from test_attacks import allowed
from test_drill import (BEFORE_POLICY, COMPONENTS, EXTERNAL, ONE_WAY_COMPONENTS, READS, WRITES, Client,
                        Observer, allowed_one_way)

pytestmark = pytest.mark.camkes

LONG = "DRILL_SECONDS" in os.environ
SECONDS = float(os.environ.get("DRILL_SECONDS", "2"))
INTERNAL = ["int_frontend", "int_nic_drv"]
# What it does first differs by the seed (hostile.c, drill_component.c).
SEEDS = {name: number for number, name in enumerate(COMPONENTS + ["request_policy_emit"])}


class Drill:
    """What came of one component's lives."""

    def __init__(self, lab, one_way, hostile):
        self.one_way, self.hostile = one_way, hostile
        self.beside = hostile == "monitor" or one_way and hostile in INTERNAL
        self.seconds, self.looks, self.deaths, self.clients = 0, [], [], []
        self._lab = lab

    def _start_clients(self):
        clients = [Client(self._lab, source, WRITES if self.one_way else READS + WRITES,
                          30 if self.beside else 0.5)
                   for source in ("192.168.96.10", "192.168.96.20", "192.168.96.66")]
        for client in clients:
            client.start()
        self.clients += clients
        return clients

    def live(self, machine, seed):
        """Until it is closed, or the time is over."""
        gateway, switch = machine.gateway, machine.switch(self.hostile)
        clients = self._start_clients()
        try:
            assert wait_until(lambda: all(client.answered for client in clients), 60)
            switch.set(drill.HOSTILE, seed)
            assert wait_until(lambda: switch.was_hostile, 60)
            began, closed = time.monotonic(), 0
            # One-way the outside goes on: a second more of it is looked at.
            while closed < (2 if self.beside else 1) and time.monotonic() - began < SECONDS - self.seconds:
                until = time.monotonic() + 1
                while time.monotonic() < until and \
                        (closed or not drill.supervisor_lines(gateway, "closed")):
                    time.sleep(0.1)
                closed += bool(drill.supervisor_lines(gateway, "closed"))
                assert gateway.process.poll() is None
                self.looks.append(drill.rest(switch, clients, gateway.process.pid))
            if self.beside:
                assert wait_until(lambda: sum(client.answered for client in clients) > 10)
        finally:
            for client in clients:
                client.stop = True
            for client in clients:
                client.join(2 * client.patience + 3)
        self.seconds += time.monotonic() - began
        self.deaths += [(line["died"], line["cause"], line.get("fault"))
                        for line in drill.supervisor_lines(gateway, "component-died")]


@pytest.mark.parametrize(
    "mode,hostile", [("two-way", name) for name in COMPONENTS] +
    [("one-way", name) for name in ONE_WAY_COMPONENTS if LONG or name not in BEFORE_POLICY])
def test_hostile(drilled, lab, plant, tmp_path, mode, hostile):
    one_way = mode == "one-way"
    image = drilled(mode)
    observer = Observer(lab, tmp_path / "device.pcap")
    result = Drill(lab, one_way, hostile)
    seed, lives = int(os.environ.get("DRILL_SEED", SEEDS[hostile])), 0
    try:
        while lives == 0 or result.seconds < SECONDS and LONG:
            with camkes_drill.Machine(lab, image, tmp_path) as machine:
                result.live(machine, seed + lives)
            lives += 1
    finally:
        requests = observer.requests()
    counts = [(client.asked, client.answered) for client in result.clients]
    print(f"{mode}, {hostile}: {lives} lives, faults {sorted(set(result.deaths))}, looks {result.looks}, "
          f"{sum(asked for asked, _ in counts)} asked, {sum(answered for _, answered in counts)} "
          f"answered, {len(requests)} requests at the device")
    assert all(cause == "fault" for _, cause, _ in result.deaths), result.deaths
    if one_way and hostile in INTERNAL + ["monitor"]:
        assert not {died for died, _, _ in result.deaths} & set(EXTERNAL), result.deaths
    if result.beside:
        assert all(answered >= asked - 1 for asked, answered in counts), counts
    if hostile in BEFORE_POLICY:
        assert all((allowed_one_way if one_way else allowed)(request) for request in requests)

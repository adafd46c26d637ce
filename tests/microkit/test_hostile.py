# SPDX-License-Identifier: BSD-2-Clause
"""The drill on seL4: one component after the other turns hostile, under load, for seconds each
(`make drill`: ten minutes each). What must hold is what must hold on Linux (tests/drill), with the
same hostile component; drivers are drilled at their queues. Whether the others come to rest is seen
from how busy the whole machine is with the hostile one still."""
import os
import sys
import time

import pytest

import drill
from dying import wait_until

sys.path[:0] = [str(drill.ROOT / "tests/e2e"), str(drill.ROOT / "tests/drill")]
from test_attacks import allowed
from test_drill import (BEFORE_POLICY, COMPONENTS, EXTERNAL, ONE_WAY_COMPONENTS, READS, WRITES, Client,
                        Observer, allowed_one_way)

pytestmark = pytest.mark.microkit

SECONDS = float(os.environ.get("DRILL_SECONDS", "2"))


@pytest.mark.parametrize(
    "mode,hostile", [("two-way", name) for name in COMPONENTS] +
    [("one-way", name) for name in ONE_WAY_COMPONENTS])
def test_hostile(drilled, lab, plant, tmp_path, mode, hostile):
    one_way = mode == "one-way"
    observer = Observer(lab, tmp_path / "device.pcap")
    machine = drilled(mode)
    gateway, switch = machine.gateway, machine.switch(hostile)
    beside = hostile == "monitor" or (one_way and hostile not in EXTERNAL)
    patience = 30 if beside else 0.5
    clients = [Client(lab, source, WRITES if one_way else READS + WRITES, patience)
               for source in ("192.168.96.10", "192.168.96.20", "192.168.96.66")]
    looks = []
    try:
        switch.set(drill.HOSTILE, seed=int(os.environ.get("DRILL_SEED", "1")))
        for client in clients:
            client.start()
        assert wait_until(lambda: switch.lives)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            time.sleep(1)
            assert gateway.process.poll() is None
            looks.append(drill.rest(switch, clients, gateway.process.pid))
        if beside:
            assert wait_until(lambda: all(client.answered > 10 for client in clients))
    finally:
        for client in clients:
            client.stop = True
        for client in clients:
            if client.is_alive():
                client.join(2 * patience + 3)
        requests = observer.requests()
        lives = switch.lives
    deaths = [(line["died"], line["cause"], line.get("fault")) for line in machine.deaths()]
    print(f"{mode}, {hostile}: {lives} lives, faults {sorted(set(deaths))}, looks {looks}, "
          f"{sum(c.asked for c in clients)} asked, {sum(c.answered for c in clients)} answered, "
          f"{len(requests)} requests at the device")
    deaths.remove((hostile, "fault", "drill"))
    assert all(cause == "fault" for _, cause, _ in deaths), deaths
    if one_way and hostile not in EXTERNAL:
        assert not {died for died, _, _ in deaths} & set(EXTERNAL), deaths
    if beside:
        assert all(c.answered >= c.asked - 1 for c in clients), \
            [(c.asked, c.answered) for c in clients]
    if hostile in BEFORE_POLICY:
        assert all((allowed_one_way if one_way else allowed)(request) for request in requests)

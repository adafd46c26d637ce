# SPDX-License-Identifier: BSD-2-Clause
"""The drill on seL4: one component after the other turns hostile, under load, for seconds each
(`make drill`: ten minutes each). What must hold is what must hold on Linux (tests/drill), with the
same hostile component; drivers are drilled at their queues. Whether the others come to rest is seen
from how busy the whole machine is with the hostile one still."""
import contextlib
import json
import os
import sys
import time

import pytest

import drill
import poke
import walk

sys.path[:0] = [str(drill.ROOT / "tests/e2e"), str(drill.ROOT / "tests/drill")]
from test_attacks import allowed
from test_drill import (BEFORE_POLICY, COMPONENTS, EXTERNAL, ONE_WAY, ONE_WAY_COMPONENTS, READS,
                        WRITES, Client, Observer, allowed_one_way)

pytestmark = pytest.mark.microkit

SECONDS = float(os.environ.get("DRILL_SECONDS", "3"))
TWO_WAY = (drill.ROOT / "systems/heating-plant/sluice.yaml").read_text()
FEWER = "gateway:\n  sessions: 48\n  outstanding: 48\n"  # the hostile twins take their room


def supervisor_lines(gateway, event):
    """The hostile monitor's lines may be anything."""
    found = []
    for text in gateway.read_log().split("\n"):
        with contextlib.suppress(ValueError):
            line = json.loads(text[text.index('{"'):]) if '"supervisor"' in text else {}
            if line.get("component") == "supervisor" and line.get("event") == event:
                found.append(line)
    return found


@pytest.mark.parametrize(
    "mode,hostile", [("two-way", name) for name in COMPONENTS] +
    [("one-way", name) for name in ONE_WAY_COMPONENTS])
def test_hostile(build, boot, lab, plant, tmp_path, mode, hostile):
    one_way = mode == "one-way"
    site = drill.ROOT / f"build/microkit/{mode}.yaml"
    site.parent.mkdir(parents=True, exist_ok=True)
    site.write_text((ONE_WAY if one_way else TWO_WAY).replace("gateway:\n", FEWER))
    directory = build(site=site, options=["--accept-open-timer"], program=drill.builder)[0]
    observer = Observer(lab, tmp_path / "device.pcap")
    ram = tmp_path / "ram"
    gateway = boot(directory, extra=poke.arguments(ram))
    memory = poke.Memory(ram)
    switch = drill.Switch(memory, hostile)
    clients = [Client(lab, source, WRITES if one_way else READS + WRITES)
               for source in ("192.168.96.10", "192.168.96.20", "192.168.96.66")]
    looks = []
    try:
        switch.set(drill.HOSTILE, seed=int(os.environ.get("DRILL_SEED", "1")))
        for client in clients:
            client.start()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            time.sleep(1)
            assert gateway.process.poll() is None
            switch.set(drill.STILL)
            for client in clients:
                client.pause = True
            looks.append(min(drill.busy(gateway.process.pid) for _ in range(2)))
            for client in clients:
                client.pause = False
            switch.set(drill.HOSTILE)
    finally:
        for client in clients:
            client.stop = True
        for client in clients:
            if client.is_alive():
                client.join(3)
        requests = observer.requests()
        lives = switch.lives
        memory.close()
        ram.unlink()
    deaths = [(line["died"], line["cause"], line.get("fault"))
              for line in supervisor_lines(gateway, "component-died")]
    print(f"{mode}, {hostile}: {lives} lives, faults {sorted(set(deaths))}, busy {looks}, "
          f"{sum(c.asked for c in clients)} asked, {sum(c.answered for c in clients)} answered, "
          f"{len(requests)} requests at the device")
    assert lives > 0
    deaths.remove((hostile, "fault", "drill"))
    assert all(cause == "fault" for _, cause, _ in deaths), deaths
    assert all(look < 0.5 for look in looks), looks
    if hostile == "monitor":
        assert all(c.answered >= c.asked - 1 and c.answered > 10 for c in clients), \
            [(c.asked, c.answered) for c in clients]
    if hostile in BEFORE_POLICY:
        assert all((allowed_one_way if one_way else allowed)(request) for request in requests)

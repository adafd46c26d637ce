# SPDX-License-Identifier: BSD-2-Clause
"""A component that takes no turn for three seconds is found: the gateway closes, or in one-way mode the
component's part of it. `make drill` takes each in turn."""
import os
import signal
import sys
import time

import camkes_drill
import drill
import pytest
from dying import answered, wait_until
from test_camkes_faults import is_closed

sys.path[:0] = [str(drill.ROOT / "tests/e2e"), str(drill.ROOT / "tests/drill")]
from test_drill import COMPONENTS, WRITES, Client

pytestmark = pytest.mark.camkes

HANGS = {"request_parser_norm": drill.BLOCKED, "monitor": drill.SPINS}
if "DRILL_SECONDS" in os.environ:
    HANGS |= {name: drill.SPINS for name in COMPONENTS + ["request_policy_emit"] if name not in HANGS}


@pytest.mark.parametrize("component", HANGS)
def test_one_that_hangs_closes_the_gateway(drilled, lab, plant, tmp_path, component):
    with camkes_drill.Machine(lab, drilled("two-way"), tmp_path) as machine:
        assert wait_until(lambda: answered(lab))
        switch, began = machine.switch(component), time.monotonic()
        switch.set(HANGS[component])
        answered(lab)  # something for it to do
        assert is_closed(lab, machine.gateway, plant, {component})["cause"] == "hung"
        assert time.monotonic() - began > 2


def test_a_machine_that_stood_still_blames_nobody(drilled, lab, plant, tmp_path):
    with camkes_drill.Machine(lab, drilled("two-way"), tmp_path) as machine:
        for seconds in (4, 1.2):
            assert wait_until(lambda: answered(lab))
            machine.gateway.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            machine.gateway.process.send_signal(signal.SIGCONT)
        assert wait_until(lambda: answered(lab))
        assert not drill.supervisor_lines(machine.gateway, "component-died")


def test_one_way_one_that_hangs_inside_stops_the_inside_alone(drilled, lab, plant, tmp_path):
    """A client is confirmed as before, and nothing of the external side is taken for hung."""
    with camkes_drill.Machine(lab, drilled("one-way"), tmp_path) as machine:
        client = Client(lab, "192.168.96.10", WRITES, patience=30)
        client.start()
        try:
            assert wait_until(lambda: client.answered)
            machine.switch("int_frontend").set(drill.BLOCKED)
            assert machine.gateway.wait_audit(lambda line: line["event"] == "closed", 60)
            closed = client.answered
            assert wait_until(lambda: client.answered > closed + 10)
            time.sleep(4)  # longer than one that hangs is waited for
        finally:
            client.stop = True
            client.join(63)
        assert client.answered >= client.asked - 1
        died, closed = [line for line in machine.gateway.audit() if line["component"] == "supervisor"]
        assert (died["event"], died["died"], died["cause"], died["part"]) == \
            ("component-died", "int_frontend", "hung", "internal")
        assert (closed["event"], closed["part"]) == ("closed", "internal")

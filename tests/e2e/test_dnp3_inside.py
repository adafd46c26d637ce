# SPDX-License-Identifier: BSD-2-Clause
"""Masters inside and outstations outside (`clients: internal`), with real stations: the example
systems/pumping-stations."""
import pathlib

import pytest
from dnp3_stations import Wire, ask, pair_of

pytestmark = pytest.mark.e2e

SITE = pathlib.Path(__file__).resolve().parents[2] / "systems/pumping-stations/sluice.yaml"
PAIRS = [("opendnp3", "opendnp3"), ("dnp3py", "dnp3py"), ("dnp3_python", "dnp3py")]


@pytest.fixture
def wire(lab, tmp_path, sluice):
    it = Wire(lab, "gateway", tmp_path, sluice, SITE.read_text(), inside=True)
    yield it
    it.close()
    assert it.observer.malformed() == ""


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_polls_and_controls(wire, makes):
    outstation = wire.outstation(makes[1])
    master = wire.master(makes[0])
    outstation.set("analog 2 -77")
    master.tell("integrity")
    if makes[0] == "dnp3_python":
        master.printed("[2] : -77 :")
        master.tell("select-operate 0 latch-on")
    else:
        master.got("analog-input", 2, -77)
        assert master.ask("select-operate 0 latch-on", "command")["status"] == ["success"]
    assert outstation.saw("select")["index"] == 0
    assert outstation.saw("operate")["index"] == 0
    if makes[0] == "dnp3_python":
        return
    for refused in ("direct 0 latch-off", "select-operate 1 latch-on", "direct 0 int16=321"):
        assert master.ask(refused, "command")["status"] == ["not-authorized"], refused
    assert all(line["src_ip"] == wire.masters_at for line in wire.denied())


def test_unsolicited_from_outside(wire):
    outstation = wire.outstation("opendnp3", UNSOLICITED="1")
    master = wire.master("opendnp3")
    ask(master, "link-status")
    mark = outstation.set("binary 3 1")
    assert master.got("binary-input", 3, True)["unsolicited"]
    outstation.wait(lambda line: line.get("saw") == "confirm" and line["unsolicited"], mark)


def test_nobody_outside_may_ask(wire, lab):
    """The gateway listens on the side of its clients alone."""
    wire.start()
    with pytest.raises(OSError):
        lab.connect(wire.gateway_at, 20000, timeout=1)

# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 stations of other makes: OpenDNP3 2 and 3, and dnp3py, which shares nothing with them. Each
case with nothing between them, which shows what they do by themselves, and through the gateway."""
import pytest
from dnp3_stations import Wire, ask, pair_of

PAIRS = [("opendnp3", "opendnp3"), ("opendnp3", "dnp3py"), ("dnp3py", "opendnp3"), ("dnp3py", "dnp3py")]
OLD_PAIRS = [("dnp3_python", "dnp3_python"), ("dnp3_python", "dnp3py"), ("dnp3_python", "opendnp3"),
             ("opendnp3", "dnp3_python")]


@pytest.fixture(params=["direct", "gateway"])
def wire(request, lab, tmp_path, sluice):
    it = Wire(lab, request.param, tmp_path, sluice)
    yield it
    it.close()
    if request.param == "gateway":
        assert it.observer.malformed() == ""
        assert not it.denied()


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_polls_of_all_and_of_events(wire, makes):
    outstation = wire.outstation(makes[1])
    master = wire.master(makes[0])
    ask(master, "integrity")
    mark = outstation.set("binary 3 1")
    outstation.set("analog 2 -77")
    ask(master, "events")
    master.got("binary-input", 3, True)
    master.got("analog-input", 2, -77)
    mark = master.mark()
    ask(master, "read 30 1 0 4")
    master.got("analog-input", 2, -77, mark)


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_controls(wire, makes):
    outstation = wire.outstation(makes[1])
    master = wire.master(makes[0])
    assert master.ask("select-operate 3 close", "command")["status"] == ["success"]
    for what in ("select", "operate"):
        seen = outstation.saw(what)
        assert (seen["index"], seen["operation"], seen["code"], seen["on_time"]) == \
            (3, "pulse-on", "close", 100)
    assert master.ask("direct 4 latch-off", "command")["status"] == ["success"]
    seen = outstation.saw("direct-operate")
    assert (seen["index"], seen["operation"], seen["code"]) == (4, "latch-off", "nul")
    mark = outstation.mark()
    assert master.ask("direct 5 int16=-7", "command")["status"] == ["success"]
    seen = outstation.saw("direct-operate", mark)
    assert (seen["index"], seen["value"]) == (5, -7)


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_freeze_restart_time(wire, makes):
    outstation = wire.outstation(makes[1], TIME_SYNC="None")
    master = wire.master(makes[0])
    outstation.set("counter 2 41")
    ask(master, "freeze")
    ask(master, "freeze-clear")
    ask(master, "cold-restart")
    outstation.saw("cold-restart")
    if makes[0] == "dnp3py":
        ask(master, "time 1795791136206")
    elif makes[1] == "opendnp3":
        outstation.set("need-time 1")
        ask(master, "events")
    outstation.saw("time")
    assert {7, 9, 13, 23} <= set(wire.observer.functions())


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_long_responses(wire, makes):
    outstation = wire.outstation(makes[1], POINTS="400")
    master = wire.master(makes[0])
    outstation.set("binary 399 1")
    outstation.set("counter 399 5")
    ask(master, "integrity")
    master.got("binary-input", 399, True)
    master.got("counter", 399, 5)
    wire.close()
    (finals,) = zip(*wire.observer.fields(False, "dnp3.al.fin"))
    assert [0] in finals


@pytest.mark.parametrize("make", ["opendnp3", "dnp3py"])
def test_long_responses_that_ask_for_no_confirmation(wire, make):
    """More fragments in one go than a client's connection has room for."""
    outstation = wire.outstation("dnp3py", POINTS="3500", CONFIRMS="none")
    master = wire.master(make)
    outstation.set("analog 3499 -7")
    ask(master, "integrity")
    master.got("analog-input", 3499, -7)
    wire.close()
    fragments = wire.observer.fields(False, "dnp3.al.fin", "dnp3.al.con")
    assert sum(final.count(0) for final, _ in fragments) >= 10
    assert not any(1 in confirm for _, confirm in fragments)


@pytest.mark.parametrize("make", ["opendnp3"])
def test_unsolicited(wire, make):
    outstation = wire.outstation("opendnp3", UNSOLICITED="1")
    master = wire.master(make)
    mark = outstation.set("binary 3 1")
    assert master.got("binary-input", 3, True)["unsolicited"]
    outstation.wait(lambda line: line.get("saw") == "confirm" and line["unsolicited"], mark)


def test_files_and_link_status(wire):
    outstation = wire.outstation("opendnp3")
    master = wire.master("opendnp3")
    ask(master, "link-status")
    done = ask(master, "read-file /log")
    assert (done["status"], done["length"]) == ("success", 5000)
    assert done["sum"] == sum(i * 7 & 255 for i in range(5000))
    outstation.saw("close-file")
    assert master.ask("read-file /nothing")["status"] == "file-not-found"


@pytest.mark.parametrize("makes", OLD_PAIRS, ids=pair_of)
def test_the_older_opendnp3(wire, makes):
    outstation = wire.outstation(makes[1])
    master = wire.master(makes[0])
    outstation.set("analog 2 -77")
    master.tell("integrity")
    if makes[0] == "dnp3_python":
        master.printed("[2] : -77 :")
    else:
        master.got("analog-input", 2, -77)
    master.tell("select-operate 3 close")
    assert outstation.saw("select")["index"] == 3
    assert "close" in outstation.saw("operate")["code"]

# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 stations of other makes whose connections break in the middle: of a response in several
fragments, between select and operate, with events that wait for their confirmation; and the status
of a link, which is that of the far side."""

import pytest
from dnp3_stations import CONFIG, Wire, ask
from dnp3_wire import Device, Peer
from lab import DEVICE_ADDRESS, until
from peers import PORT

pytestmark = pytest.mark.e2e

SBO = CONFIG.replace("index: 0-9, operation: [pulse-on, latch-on, latch-off] }",
                     "index: 0-9, operation: [pulse-on, latch-on, latch-off], select-before-operate: required }")
READ, OPERATE, CONFIRM = 1, 4, 0


@pytest.fixture
def wire(lab, tmp_path, sluice):
    it = Wire(lab, "gateway", tmp_path, sluice, SBO)
    yield it
    it.close()


def succeeds(master, verb):
    return lambda: master.ask(verb, "user-task")["result"] == "success"


def test_the_outstation_goes_in_the_middle_of_a_response(wire, lab):
    """By hand until it goes, a real one after it: the master polls again, and has all."""
    device = Device(lab, DEVICE_ADDRESS)
    wire.start()
    master = wire._station(wire.masters, "opendnp3", "master", wire.listen, 1, 10, None, {})
    outstation = device.accept()
    while True:  # what the master does by itself, up to its integrity poll
        got = outstation.receive()
        if got is None:  # of the connection that looked whether the gateway runs
            outstation = device.accept()
            continue
        request = got[0]
        sequence = int(request[1], 16)
        if int(request[2:4], 16) == READ:
            break
        if int(request[2:4], 16) != CONFIRM:
            outstation.reply(f"c{sequence:x}810000")
    outstation.reply(f"a{sequence:x}810000 1e01 00 00 04" + "01 01000000" * 5)  # of several fragments
    assert outstation.receive()[0] == f"c{sequence:x}00"
    outstation.close()
    device.close()
    assert wire.gateway.wait_audit(lambda line: line.get("reason") == "device-closed")
    outstation = wire.outstation("opendnp3")
    outstation.set("analog 9 -77")
    until(succeeds(master, "integrity"), seconds=60)
    master.got("analog-input", 9, -77)


def test_the_master_goes_in_the_middle_of_a_response(wire):
    outstation = wire.outstation("opendnp3", POINTS="3000")
    outstation.set("analog 2999 -77")
    master = wire.master("opendnp3")
    mark = master.tell("integrity")
    master.wait(lambda line: line.get("fragment") == "response" and not line["final"], mark)
    master.stop()
    again = wire.master("opendnp3")
    ask(again, "integrity")
    again.got("analog-input", 2999, -77)


def test_the_connection_goes_between_select_and_operate(wire, lab):
    """What was selected before it broke is not operated after."""
    outstation = wire.outstation("opendnp3")
    wire.start()
    first = Peer(lab.connect(wire.listen, PORT), master=True)
    block = "0c01 17 01 03 41 01 64000000 64000000 00"
    first.request(f"c103 {block}")
    answer = until(lambda: first.receive(5))
    while answer[0][:4] != "c181":  # what the outstation says by itself
        answer = until(lambda: first.receive(5))
    outstation.saw("select")
    first.close()
    assert wire.gateway.wait_audit(lambda line: line.get("event") == "session-close")
    second = Peer(lab.connect(wire.listen, PORT), master=True)
    second.request(f"c204 {block}")
    answer = until(lambda: second.receive(5))
    while answer[0][:4] != "c281":
        answer = until(lambda: second.receive(5))
    assert not any(line.get("saw") == "operate" for line in outstation.said())
    second.close()


def test_events_that_wait_for_their_confirmation(wire):
    """The master goes before it could confirm; the outstation tells the next one."""
    outstation = wire.outstation("opendnp3")
    master = wire.master("opendnp3")
    ask(master, "integrity")
    master.process.send_signal(19)  # it is there, and says nothing more
    mark = outstation.set("binary 3 1")
    outstation.set("binary 3 0")
    master.stop()
    again = wire.master("opendnp3")
    ask(again, "events")
    line = again.wait(lambda line: line.get("got") == "binary-input" and line["event"])
    assert "3" in line["values"]
    outstation.wait(lambda line: line.get("saw") == "confirm", mark)


def test_unsolicited_events_survive_their_master(wire):
    outstation = wire.outstation("opendnp3", UNSOLICITED="1")
    master = wire.master("opendnp3")
    master.process.send_signal(19)
    mark = outstation.set("binary 3 1")
    assert wire.gateway.wait_audit(lambda line: line.get("direction") == "reply" and
                                   line.get("dnp3", {}).get("function") == 130)
    master.stop()
    assert not any(line.get("saw") == "confirm" for line in outstation.said(mark))
    again = wire.master("opendnp3")
    again.got("binary-input", 3, True)
    outstation.wait(lambda line: line.get("saw") == "confirm", mark)


def test_link_status_is_that_of_the_far_side(wire):
    """As the master sees it, and as the outstation does: each has a connection only while the other
    is there."""
    outstation = wire.outstation("opendnp3")
    master = wire.master("opendnp3")
    ask(master, "link-status")
    outstation.stop()
    assert wire.gateway.wait_audit(lambda line: line.get("event") == "device-close")
    until(lambda: master.ask("link-status")["result"] != "success", seconds=60)
    again = wire.outstation("opendnp3")
    until(lambda: master.ask("link-status")["result"] == "success", seconds=60)
    mark = again.mark()
    master.stop()
    again.wait(lambda line: line.get("channel") in ("opening", "closed"), mark)

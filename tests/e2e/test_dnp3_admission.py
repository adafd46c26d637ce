# SPDX-License-Identifier: BSD-2-Clause
"""How much of DNP3 may be under way: several masters with all that they may have at once, and one
that has more than its share, both ends by hand."""
import socket

import pytest
from dnp3_wire import Device, Peer
from lab import CLIENT_ADDRESS, DEVICE_ADDRESS, HISTORIAN_ADDRESS, LISTEN_ADDRESS

pytestmark = pytest.mark.e2e

OUTSTATIONS = (10, 11, 12)
CONFIG = f"""
gateway:
  external: {{ nic: ext0, address: 192.168.96.2/24 }}
  internal: {{ nic: int0, address: 192.168.95.1/24 }}
services:
  - name: substation
    protocol: dnp3
    listen: {LISTEN_ADDRESS}:20000
    device: {DEVICE_ADDRESS}:20000
    timeout: 20s
    unsolicited: allow
    stations: [{", ".join(f"{{ master: 1, outstation: {o} }}" for o in OUTSTATIONS)}]
    rules: [{{ allow: read }}]
"""

READ = "c3013c0206"
UNSOLICITED = "f5820000020128010003 0081".replace(" ", "")


@pytest.fixture
def device(lab):
    it = Device(lab, DEVICE_ADDRESS)
    yield it
    it.close()


def connect(lab, device, count, source=CLIENT_ADDRESS):
    """Masters with the outstation's end of each one's connection."""
    pairs = []
    for _ in range(count):
        master = Peer(lab.connect(LISTEN_ADDRESS, 20000, source), master=True)
        master.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pairs.append((master, device.accept()))
    return pairs


def fragment(control, points):
    return f"{control:02x}8100001e01010000{points - 1 & 255:02x}{points - 1 >> 8:02x}" + "0101020304" * points


def test_several_masters_with_all_that_they_may_have(gateway, lab, device):
    """Each reads of three outstations at once; each answers in three of the longest fragments, and
    reports by itself in between."""
    pairs = connect(lab, device, 3)
    pairs += connect(lab, device, 3, HISTORIAN_ADDRESS)
    for master, outstation in pairs:
        for number in OUTSTATIONS:
            master.request(READ, destination=number)
        for number in OUTSTATIONS:
            assert outstation.receive() == (READ, 1, number)
    parts = [(0xa3, 3), (0x24, 4), (0x45, 5)]
    for control, sequence in parts:
        for master, outstation in pairs:
            for number in OUTSTATIONS:
                outstation.reply(fragment(control, 390), source=number)
        for master, outstation in pairs:
            outstation.reply(UNSOLICITED)
            got = {master.receive() for _ in (*OUTSTATIONS, None)}
            assert got == {*((fragment(control, 390), number, 1) for number in OUTSTATIONS),
                           (UNSOLICITED, 10, 1)}
            confirms = [("d500", 10)]
            confirms += [(f"c{sequence:x}00", number) for number in OUTSTATIONS if control & 0x20]
            for confirm, number in confirms:
                master.request(confirm, destination=number)
                assert outstation.receive() == (confirm, 1, number)
    audit = gateway.audit()
    assert not [line for line in audit if line["event"] in ("dropped", "request-failed", "waited")]


def test_one_client_does_not_starve_another(gateway, lab, device):
    """It has as much under way as it can, to outstations that do not answer; it is told."""
    greedy = connect(lab, device, 30)
    for master, _ in greedy:
        for number in OUTSTATIONS:
            master.request(READ, destination=number)
    line = gateway.wait_audit(lambda line: line.get("event") == "waited")
    assert line["reason"] == "quota" and line["src_ip"] == CLIENT_ADDRESS
    assert line["message"].endswith("had to wait: quota")
    for master, outstation in connect(lab, device, 4, HISTORIAN_ADDRESS):
        master.request(READ)
        assert outstation.receive() == (READ, 1, 10)
        outstation.reply(fragment(0xc3, 390))
        assert master.receive() == (fragment(0xc3, 390), 10, 1)
    # and what waited goes on when there is room again
    first, answered = greedy[0]
    for number in OUTSTATIONS:
        assert answered.receive() == (READ, 1, number)
        answered.reply("c3810000", source=number)
        assert first.receive() == ("c3810000", number, 1)
    audit = gateway.audit()
    assert not [line for line in audit if line["event"] in ("dropped", "request-failed")]

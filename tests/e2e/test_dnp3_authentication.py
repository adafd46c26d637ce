# SPDX-License-Identifier: BSD-2-Clause
"""Secure Authentication and rules for points, both ends by hand: what passes does so octet by octet,
challenges and their answers in sequence, and select before operate goes through both."""
import pytest
from dnp3_wire import Device, Peer
from lab import DEVICE_ADDRESS, LISTEN_ADDRESS

pytestmark = pytest.mark.e2e

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
    stations: [{{ master: 1, outstation: 10 }}]
    rules:
      - {{ allow: authentication-request }}
      - {{ allow: [select, operate], group: 12, index: 3, select-before-operate: required }}
"""

CROB = "0c01 17 01 03 41 01 64000000 64000000 {status:02x}"
COMMAND, DONE = CROB.format(status=0), CROB.format(status=0)
CHALLENGE = "7801 5b 01 0c00 01000000 0100 05 01 a1a2a3a4"
REPLY = "7802 5b 01 0a00 01000000 0100 b1b2b3b4"


def aggressive(number, objects, octets):
    return f"7803 07 01 {number:02x}000000 0100 {objects} 7809 5b 01 0400 {octets}"


@pytest.fixture
def pair(gateway, lab):
    device = Device(lab, DEVICE_ADDRESS)
    master = Peer(lab.connect(LISTEN_ADDRESS, 20000), master=True)
    outstation = device.accept()
    yield master, outstation
    for it in (master, outstation, device):
        it.close()


def passes(sender, receiver, fragment):
    (sender.request if sender.master else sender.reply)(fragment)
    assert receiver.receive()[0] == fragment.replace(" ", "")


def test_select_before_operate_through_challenges(pair, gateway):
    master, outstation = pair
    for sequence, function in ((1, 3), (2, 4)):
        passes(master, outstation, f"c{sequence}0{function} {COMMAND}")
        passes(outstation, master, f"c{sequence}83 0000 {CHALLENGE}")
        passes(master, outstation, f"c{sequence}20 {REPLY}")
        passes(outstation, master, f"c{sequence}81 0000 {DONE}")
    master.request(f"c304 {COMMAND}")  # the select is used up
    assert master.receive()[0] == f"c3810000{CROB.format(status=9)}".replace(" ", "")
    assert gateway.wait_audit(lambda line: line.get("reason") == "no-select")


def test_aggressive_mode_octet_by_octet(pair, gateway):
    master, outstation = pair
    passes(master, outstation, f"c103 {aggressive(1, COMMAND, 'deadbeef')}")
    passes(outstation, master, f"c181 0000 {DONE}")
    passes(master, outstation, f"c204 {aggressive(2, COMMAND, 'feedbeef')}")
    passes(outstation, master, f"c281 0000 {DONE}")
    other = COMMAND.replace("17 01 03", "17 01 04")
    master.request(f"c303 {aggressive(3, other, 'deadbeef')}")
    assert master.receive()[0] == "c3810002"
    assert gateway.wait_audit(lambda line: line.get("reason") == "no-rule-for-object")
    assert outstation.receive(.1) is None


def test_a_challenge_that_is_not_answered(pair, gateway):
    master, outstation = pair
    passes(master, outstation, f"c103 {COMMAND}")
    passes(outstation, master, f"c183 0000 {CHALLENGE}")
    master.request(f"c204 {COMMAND}")
    assert master.receive()[0] == f"c2810000{CROB.format(status=9)}".replace(" ", "")
    assert outstation.receive(.1) is None

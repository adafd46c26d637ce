# SPDX-License-Identifier: BSD-2-Clause
"""`sluice replay` and `decode --config` with a DNP3 policy: what passed before counts, as in the
gateway."""
import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

from modbus_bytes import run
from test_dnp3 import link, request, response

CONFIG = """gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { scada: 192.168.96.10 }
services:
  - name: feeder
    protocol: dnp3
    listen: 192.168.96.2:20000
    device: 192.168.95.2:20000
    stations: [ { master: 3, outstation: 4 } ]
    rules:
      - { name: polls, allow: read, from: scada, rate: 2/min }
      - { name: breaker, allow: control, from: scada, index: 5, select-before-operate: required }
      - { name: level, allow: direct-operate, from: scada, index: 6, max-step: 5 }
"""
SCADA, GATEWAY = "192.168.96.10", "192.168.96.2"
BLOCK = "0c01 1701 05 8101 64000000 c8000000 "


class Conversation:
    def __init__(self):
        self.packets, self.next = [], [1000, 5000]
        self.time = 1_800_000_000.0

    def say(self, message, reply=False):
        addresses = {"src": GATEWAY, "dst": SCADA} if reply else {"src": SCADA, "dst": GATEWAY}
        ports = {"sport": 20000, "dport": 40000} if reply else {"sport": 40000, "dport": 20000}
        packet = Ether() / IP(**addresses) / TCP(
            **ports, seq=self.next[reply], ack=self.next[not reply], flags="PA") / Raw(message)
        self.next[reply] += len(message)
        self.time += 0.1
        packet.time = self.time
        self.packets.append(packet)

    def ask(self, fragment):
        for part in request(bytes.fromhex(fragment)):
            self.say(part)

    def tell(self, fragment):
        for part in response(bytes.fromhex(fragment)):
            self.say(part, reply=True)


@pytest.fixture
def conversation(sluice, tmp_path):
    made = Conversation()

    def replay(unsolicited="deny"):
        config, capture = tmp_path / "sluice.yaml", tmp_path / "made.pcap"
        config.write_text(CONFIG.replace("    rules:", f"    unsolicited: {unsolicited}\n    rules:"))
        wrpcap(str(capture), made.packets)
        status, lines, stderr = run(sluice, "replay", config, capture)
        assert status == 0, stderr
        return [(line["verdict"], line["reason"]) for line in lines]
    made.replay = replay
    return made


def test_an_operate_after_its_select(conversation):
    conversation.ask("c104" + BLOCK + "00")
    conversation.ask("c103" + BLOCK + "00")
    conversation.tell("c1810000" + BLOCK + "00")
    conversation.ask("c204" + BLOCK + "00")
    conversation.tell("c2810000" + BLOCK + "00")
    conversation.ask("c304" + BLOCK + "00")
    assert conversation.replay() == [("deny", "no-select"), ("allow", None), ("allow", None),
                                     ("allow", None), ("allow", None), ("deny", "no-select")]


def test_an_operate_after_a_select_that_failed(conversation):
    conversation.ask("c103" + BLOCK + "00")
    conversation.tell("c1810000" + BLOCK + "04")
    conversation.ask("c204" + BLOCK + "00")
    assert conversation.replay() == [("allow", None), ("allow", None), ("deny", "no-select")]


def test_steps_and_rates_at_the_captures_time(conversation):
    conversation.ask("c105 2902 1701 06 6400 00")
    conversation.ask("c101 2802 00 0606")
    conversation.tell("c1810000 2802 00 0606 01 6400")
    conversation.ask("c205 2902 1701 06 6900 00")
    conversation.ask("c301 3c0206")
    conversation.ask("c401 3c0206")
    conversation.time += 60
    conversation.ask("c501 3c0206")
    assert conversation.replay() == [
        ("deny", "no-rule-for-step"), ("allow", None), ("allow", None), ("allow", None),
        ("allow", None), ("deny", "rate"), ("allow", None)]


@pytest.mark.parametrize("unsolicited, verdicts", [
    ("deny", [("deny", "unsolicited-denied"), ("deny", "confirm-unmatched")]),
    ("allow", [("allow", None)] * 2)])
def test_unsolicited_responses_and_confirmations(conversation, unsolicited, verdicts):
    conversation.tell("f282 0000 0201 1701 05 81")
    conversation.ask("d200")
    assert conversation.replay(unsolicited) == verdicts


def test_a_confirmation_is_of_one_response_that_passed_and_asked_for_it(conversation):
    unmatched = ("deny", "confirm-unmatched")
    conversation.ask("c301 3c0206")
    conversation.tell("e381 0000")
    for confirmation in ("d300", "c400", "c300", "c300"):
        conversation.ask(confirmation)
    conversation.ask("c401 3c0206")
    conversation.tell("c481 0000")
    conversation.ask("c400")
    assert conversation.replay() == [("allow", None)] * 2 + [unmatched] * 2 + [("allow", None), unmatched] + \
        [("allow", None)] * 2 + [unmatched]


def test_a_response_in_several_fragments(conversation):
    conversation.ask("c301 3c0206")
    conversation.tell("a381 0000 0101 00 0007 55")
    conversation.ask("c300")
    conversation.tell("2481 0000 0101 00 080f 55")
    conversation.tell("6581 0000 0101 00 1017 55")
    conversation.tell("c681 0000")
    assert conversation.replay() == [("allow", None)] * 5 + [("deny", "reply-unmatched")]


def test_link_frames_need_no_rule(conversation):
    conversation.say(link(0xC9))
    conversation.say(link(0x0B, source=4, destination=3), reply=True)
    assert conversation.replay() == [("accept", None), ("accept", None)]


def test_decode_takes_each_request_by_itself(sluice, tmp_path):
    config, stream = tmp_path / "sluice.yaml", tmp_path / "stream"
    config.write_text(CONFIG)
    messages = ["c101 3c0206", "c103" + BLOCK + "00", "c204" + BLOCK + "00", "c30d"]
    stream.write_bytes(b"".join(part for text in messages for part in request(bytes.fromhex(text))))
    status, lines, stderr = run(sluice, "decode", "dnp3", "--config", config, "--service", "feeder",
                                "--client", "scada", stream)
    assert status == 0, stderr
    assert [(line["verdict"], line["reason"], line.get("rule")) for line in lines] == [
        ("allow", None, "polls"), ("allow", None, "breaker"), ("deny", "no-select", None),
        ("deny", "no-rule-for-function", None)]

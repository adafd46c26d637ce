# SPDX-License-Identifier: BSD-2-Clause
"""`sluice learn --protocol dnp3`: the draft is a valid configuration that denies no request of what
it was learnt from, says what it saw, and allows no command that was not seen."""
import random
import subprocess

import pytest

from modbus_bytes import CLIENT, DEVICE, run
from test_dnp3 import request as frames
from test_learn import OTHER, rules
from test_replay import Talk, ethernet

scapy = pytest.importorskip("scapy.all")
from scapy.all import wrpcap  # noqa: E402

MASTER, OUTSTATION = 1, 10


def request(text, master=MASTER, outstation=OUTSTATION):
    return b"".join(frames(bytes.fromhex(text), source=master, destination=outstation))


def block(function, index, code, on_time=100):
    return request(f"c0{function:02x} 0c0117 01 {index:02x} {code:02x} 01 {on_time:02x}000000 00000000 00")


def learn_from(sluice, draft, captures, *arguments):
    result = subprocess.run([sluice, "learn", "--protocol", "dnp3", *captures, "-o", draft, *arguments],
                            capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    check = subprocess.run([sluice, "check", draft], capture_output=True, text=True, timeout=60)
    assert check.returncode == 0, check.stderr + draft.read_text()
    for capture in captures:
        denied, stderr = replayed(sluice, draft, capture)
        assert not denied, stderr
    text = draft.read_text()
    return rules(text), text


def replayed(sluice, draft, capture):
    """The requests that the draft denies; link frames never cross, and what is confirmed is in none of
    the captures made here."""
    status, lines, stderr = run(sluice, "replay", draft, capture)
    assert status == 0, stderr
    return [line for line in lines if line["direction"] == "request" and line["verdict"] == "deny"
            and line["reason"] not in ("link-frame", "confirm-unmatched")], stderr


def captured(path, conversations, port=20000):
    packets = []
    for number, (client, device, data) in enumerate(conversations):
        talk = Talk(client=client, server=device, sport=40000 + number, dport=port)
        packets += ethernet(talk.syn() + [talk.request(at, data[at:at + 1000])
                                          for at in range(0, len(data), 1000)])
    for number, packet in enumerate(packets):
        packet.time = 1700000000 + number
    wrpcap(str(path), packets)
    return path


@pytest.fixture
def learn(sluice, tmp_path):
    def call(conversations, *arguments):
        capture = captured(tmp_path / "seen.pcap", conversations)
        return learn_from(sluice, tmp_path / "draft.yaml", [capture], *arguments)
    return call


def test_a_rule_for_what_was_seen(learn):
    polls = request("c001 3c0206 3c0306 3c0406 3c0106") + request("c101 1e0500 0005")
    commands = block(3, 3, 0x81) + block(4, 3, 0x81) + block(3, 4, 0x41) + block(4, 4, 0x41)
    analogs = request("c205 2901 17 01 02 faffffff 00") + request("c305 2903 17 01 02 0000f040 00")
    draft, text = learn([(CLIENT, DEVICE, polls + commands + analogs + request("c40d"))])
    common = {"from": f"host-{CLIENT}", "master": MASTER, "outstation": OUTSTATION}
    assert draft == [
        {"allow": "read", **common, "group": 60},
        {"allow": "read", **common, "group": 30, "index": "0-5"},
        {"allow": ["select", "operate"], **common, "group": 12, "index": "3-4",
         "operation": "pulse-on", "trip-close": ["close", "trip"]},
        {"allow": "direct-operate", **common, "group": 41, "index": 2},
        {"allow": "cold-restart", **common},
    ]
    assert "- { master: 1, outstation: 10 }" in text
    assert "#   analog output 2: -6 to 7.5 (2 times)" in text
    assert "# 4 requests, first 2023-11-14 22:13:22Z" in text


def test_a_message_of_several_groups_is_one_rule_and_a_narrower_one_none(learn):
    data = request("c001 010000 0003 1e0000 0009") + request("c101 010006 1e0006") + \
        request("c201 010000 0001")
    draft, _ = learn([(CLIENT, DEVICE, data)])
    assert [rule.get("group") for rule in draft] == [[1, 30]]
    assert "index" not in draft[0]


def test_stations_and_clients_that_do_the_same_share_a_rule(learn):
    data = b"".join(request("c001 3c0106", outstation=outstation) for outstation in (10, 11, 12))
    draft, text = learn([(CLIENT, DEVICE, data), (OTHER, DEVICE, data)])
    assert draft == [{"allow": "read", "from": [f"host-{CLIENT}", f"host-{OTHER}"], "master": 1,
                      "outstation": "10-12", "group": 60}]
    assert text.count("- { master: 1, outstation: 1") == 3


def test_stations_that_only_speak_of_events_are_listed(learn):
    """Their confirmations need no rule, but the pair must be there."""
    data = request("c001 3c0206") + request("d300", outstation=11) + request("d400", outstation=11)
    draft, text = learn([(CLIENT, DEVICE, data)])
    assert [rule["outstation"] for rule in draft] == [OUTSTATION]
    assert text.count("- { master: 1, outstation: 11 }") == 1


def test_what_was_not_commanded_is_denied(learn, sluice, tmp_path):
    learn([(CLIENT, DEVICE, block(5, 3, 0x03) + block(5, 9, 0x04))])
    for number, other in enumerate([block(5, 4, 0x03), block(5, 3, 0x01), block(5, 3, 0x81),
                                    block(3, 3, 0x03), request("c005 290117 01 03 00000000 00"),
                                    request("c0 05 0c0117 01 03 03 01 64000000 00000000 00", master=2)]):
        capture = captured(tmp_path / f"other{number}.pcap", [(CLIENT, DEVICE, other)])
        denied, _ = replayed(sluice, tmp_path / "draft.yaml", capture)
        assert len(denied) == 1, number


def test_gaps_between_reads_are_bridged_and_between_commands_never(learn):
    data = request("c001 010000 0003") + request("c101 010000 0a0b") + block(5, 3, 3) + block(5, 5, 3)
    draft, text = learn([(CLIENT, DEVICE, data)])
    assert [rule["index"] for rule in draft] == ["0-11", [3, 5]]
    assert "gaps of up to 8 indexes" in text
    draft, _ = learn([(CLIENT, DEVICE, data)], "--gap", "0")
    assert draft[0]["index"] == ["0-3", "10-11"]


def test_queue_and_clear_are_learnt_without_a_word_for_the_operation(learn):
    draft, _ = learn([(CLIENT, DEVICE, block(5, 3, 0x23))])
    assert "operation" not in draft[0]


@pytest.mark.parametrize("seed", range(4))
def test_any_traffic(learn, seed):
    chance = random.Random(seed)
    talks = []
    for client in range(5):
        data = b""
        for _ in range(60):
            index, outstation = chance.randrange(200), chance.choice([10, 11, 65535])
            data += chance.choice([
                lambda: request("c001 3c0206 3c0106"),
                lambda: request(f"c001 {chance.choice([1, 20, 30]):02x}0000 {index:02x}{255:02x}"),
                lambda: request(f"c001 1e0117 02 {index:02x} {index + 9:02x}"),
                lambda: block(chance.choice([3, 4, 5, 6]), index, chance.choice([1, 3, 4, 0x41, 0x81])),
                lambda: request(f"c005 290217 01 {index:02x} {chance.randrange(256):02x}00 00"),
                lambda: request("c002 500100 0707 00", outstation=outstation),
                lambda: request("c002 320107 01 000000000000"),
                lambda: request(f"c0{chance.choice([7, 8, 9, 10]):02x} 140006"),
                lambda: request(f"c0{chance.choice([13, 14, 23, 24]):02x}"),
                lambda: request("c014 3c0206 3c0306"),
                lambda: request("c005 0c0207 01 03 01 64000000 00000000 00 0c0300 00 07 55"),
                lambda: request("c001 46055b 01 0800 07000000 00000000"),
            ])()
        talks.append((f"192.168.96.{10 + client}", DEVICE, data))
    learn(talks)


CAPTURES = ["icsnpp-dnp3/dnp3_example", "quickdraw/dnp3_test_data_part1", "quickdraw/dnp3_test_data_part2",
            "zeek/dnp3", "zeek/dnp3_file_read", "zeek/dnp3_file_write", "zeek/dnp3_link_only",
            "zeek/dnp3_select_operate", "zeek/dnp3_udp_read", "zeek/dnp3_udp_select_operate",
            "zeek/dnp3_en_spon", "zeek/dnp3_del_measure", "zeek/dnp3_rec_time", "zeek/dnp3_write"]


@pytest.mark.parametrize("name", CAPTURES)
def test_real_traffic(sluice, captures, tmp_path, name):
    _, text = learn_from(sluice, tmp_path / "draft.yaml", [captures / f"{name}.pcap"])
    assert ("transport: udp" in text) == ("udp" in name)


def test_nothing_to_learn(sluice, captures):
    result = subprocess.run([sluice, "learn", "--protocol", "dnp3", captures / "zeek/modbusSmall.pcap"],
                            capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert "no well-formed dnp3 request over IPv4 to port 20000" in result.stderr

# SPDX-License-Identifier: BSD-2-Clause
"""`sluice learn`: the draft is a valid configuration that denies no request of what it was learnt
from, says what it saw, and allows no write that was not seen."""
import random
import re
import struct
import subprocess

import pytest

from modbus_bytes import CLIENT, DEVICE, adu, read, run, write
from test_replay import Talk, ethernet

scapy = pytest.importorskip("scapy.all")
from scapy.all import IPv6, wrpcap  # noqa: E402

OTHER = "192.168.96.20"


def pdu(unit, text):
    return adu(1, unit, text)


def read_write(address, quantity, write_address, values, unit=1):
    return adu(5, unit, struct.pack(">BHHHHB", 23, address, quantity, write_address, len(values),
                                    2 * len(values)) + struct.pack(f">{len(values)}H", *values))


def file_read(file, record, length, unit=1):
    return adu(6, unit, struct.pack(">BBBHHH", 20, 7, 6, file, record, length))


@pytest.fixture
def learn(sluice, tmp_path):
    def call(conversations, *arguments):
        """`conversations`: (client, device, bytes of the requests)."""
        capture, draft = tmp_path / "seen.pcap", tmp_path / "draft.yaml"
        packets = []
        for number, (client, device, data) in enumerate(conversations):
            talk = Talk(client=client, server=device, sport=40000 + number)
            packets += ethernet(talk.syn() + [talk.request(at, data[at:at + 1000])
                                              for at in range(0, len(data), 1000)])
        for number, packet in enumerate(packets):
            packet.time = 1700000000 + number
        wrpcap(str(capture), packets)
        return learn_from(sluice, draft, [capture], *arguments)
    return call


def learn_from(sluice, draft, captures, *arguments):
    """The draft as an object and as text, after the checks that every draft must pass."""
    result = subprocess.run([sluice, "learn", *captures, "-o", draft, *arguments],
                            capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    check = subprocess.run([sluice, "check", draft], capture_output=True, text=True, timeout=60)
    assert check.returncode == 0, check.stderr + draft.read_text()
    for capture in captures:
        status, lines, stderr = run(sluice, "replay", draft, capture)
        assert status == 0, stderr
        denied = [line for line in lines
                  if line["direction"] == "request" and line["verdict"] == "deny"]
        assert not denied
    text = draft.read_text()
    return rules(text), text


def value(text):
    if text.startswith("["):
        return [value(part) for part in text[1:-1].split(", ")]
    return int(text) if text.isdigit() else text


def rules(text):
    """The rules of a draft, which has one key a line."""
    found = []
    for line in text.splitlines():
        key = re.fullmatch(r"      (- |  )([a-z-]+): (.*)", line)
        if not key:
            continue
        if key[1] == "- ":
            found.append({})
        found[-1][key[2]] = value(key[3])
    return found


def test_a_rule_for_what_was_seen(learn):
    draft, text = learn([(CLIENT, DEVICE, read(1, 0, 10) + read(2, 5, 10) + write(3, 2, 200)
                          + write(4, 2, 180))])
    assert f"  host-{CLIENT}: {CLIENT}\n" in text
    assert f"    device: {DEVICE}:502\n" in text
    assert draft == [
        {"allow": "read-holding-registers", "from": f"host-{CLIENT}", "unit": 1, "address": "0-14"},
        {"allow": "write-single-register", "from": f"host-{CLIENT}", "unit": 1, "address": 2},
    ]
    assert "#   register 2: 180-200 (2 times)" in text
    assert text.count("# 2 requests, ") == 2
    assert "2023-11-14 22:13:22Z" in text


def test_gaps_between_reads_are_bridged_and_between_writes_never(learn):
    data = read(1, 0, 4) + read(2, 10, 2) + read(3, 30, 1) + write(4, 1, 0) + write(5, 3, 0)
    draft, text = learn([(CLIENT, DEVICE, data)])
    assert [rule["address"] for rule in draft] == [["0-11", 30], [1, 3]]
    assert "gaps of up to 8 addresses" in text
    draft, text = learn([(CLIENT, DEVICE, data)], "--gap", "0")
    assert [rule["address"] for rule in draft] == [["0-3", "10-11", 30], [1, 3]]
    assert "gaps of" not in text


def test_clients_and_units_that_do_the_same_share_a_rule(learn):
    data = read(1, 0, 4, unit=1) + read(2, 0, 4, unit=2) + read(3, 0, 4, unit=3)
    draft, text = learn([(CLIENT, DEVICE, data), (OTHER, DEVICE, data)])
    assert draft == [{"allow": "read-holding-registers", "unit": "1-3", "address": "0-3",
                             "from": [f"host-{CLIENT}", f"host-{OTHER}"]}]
    assert "# 6 requests" in text


def test_what_one_client_wrote_another_may_not(learn, sluice, tmp_path):
    learn([(CLIENT, DEVICE, read(1) + write(2, 7, 1)), (OTHER, DEVICE, read(1))])
    talk = Talk(client=OTHER, server=DEVICE)
    other = tmp_path / "other.pcap"
    wrpcap(str(other), ethernet(talk.syn() + [talk.request(0, write(2, 7, 1))]))
    _, [line], _ = run(sluice, "replay", tmp_path / "draft.yaml", other)
    assert line["verdict"] == "deny"


def test_function_23_widens_no_write(learn, sluice, tmp_path):
    draft, _ = learn([(CLIENT, DEVICE, read_write(0, 50, 60, [7, 9]) + read(2, 3, 4))])
    assert [(rule["allow"], rule["address"]) for rule in draft] == [
        ("read", "0-49"), ("read-write-multiple-registers", "60-61")]
    talk = Talk(client=CLIENT, server=DEVICE)
    other = tmp_path / "other.pcap"
    wrpcap(str(other), ethernet(talk.syn() + [talk.request(0, read_write(0, 50, 10, [7]))]))
    _, [line], _ = run(sluice, "replay", tmp_path / "draft.yaml", other)
    assert (line["verdict"], line["reason"]) == ("deny", "no-rule-for-address")


def test_every_function(learn):
    draft, _ = learn([(CLIENT, DEVICE, b"".join(
        [pdu(1, struct.pack(">BHH", f, 3, 2)) for f in (1, 2, 3, 4)]
        + [pdu(1, struct.pack(">BHH", 5, 3, 0xff00)), write(1, 4, 5), pdu(1, b"\x07"),
           pdu(1, struct.pack(">BHH", 8, 0, 7)), pdu(1, struct.pack(">BHH", 8, 4, 0)),
           pdu(1, b"\x0b"), pdu(1, b"\x0c"), pdu(1, b"\x0f\x00\x10\x00\x03\x01\x05"),
           pdu(1, b"\x10\x00\x20\x00\x01\x02\x12\x34"), pdu(1, b"\x11"), file_read(4, 1, 2),
           file_read(9, 7, 1), pdu(1, struct.pack(">BHHH", 22, 4, 1, 2)),
           read_write(3, 1, 9, [1]), pdu(1, b"\x18\x04\xde"), pdu(1, b"\x2b\x0e\x01\x00")]))])
    named = {rule["allow"] for rule in draft}
    assert {"diagnostics", "read-file-record", "mask-write-register", "read-fifo-queue",
            "read-device-identification", "write-multiple-coils", "report-server-id"} <= named
    assert next(rule for rule in draft if rule["allow"] == "diagnostics")["subfunction"] == [0, 4]


def test_several_devices(learn):
    far = "10.1.2.3"
    _, text = learn([(CLIENT, DEVICE, read(1)), (CLIENT, far, read(2)), (CLIENT, "192.0.2.77", read(1))])
    assert re.findall(r"device: (\S+)", text) == [f"{far}:502", "192.0.2.77:502", f"{DEVICE}:502"]
    assert re.search(r"internal: .* gateway: ", text)


def test_what_is_not_learnt_is_said(learn):
    _, text = learn([(CLIENT, DEVICE, read(1) + pdu(1, b"\x5a\x00\x01") + pdu(1, b"\x5a\x00\x01"))])
    assert "2 malformed messages were not learnt" in text
    assert "Function 90, which is not known here, was asked for 2 times" in text


@pytest.mark.parametrize("seed", range(4))
def test_any_traffic(learn, seed):
    chance = random.Random(seed)
    talks = []
    for client in range(6):
        data = b""
        for _ in range(60):
            unit, at = chance.choice([0, 1, 2, 255]), chance.choice([0, 5, 40, 65000]) + chance.randrange(40)
            data += chance.choice([
                lambda: read(1, at, chance.randrange(1, 100), unit),
                lambda: pdu(unit, struct.pack(">BHH", chance.choice([1, 2, 4]), at, chance.randrange(1, 50))),
                lambda: write(1, at, chance.randrange(65536), unit),
                lambda: read_write(at, 3, chance.randrange(30), [chance.randrange(9)] * 3, unit),
                lambda: file_read(chance.randrange(1, 4), chance.randrange(9999), 1, unit),
                lambda: pdu(unit, struct.pack(">BH", 24, at)),
            ])()
        talks.append((f"192.168.96.{10 + client}", DEVICE, data))
    learn(talks)


@pytest.mark.parametrize("name", ["zeek/modbusBig", "zeek/modbusSmall", "zeek/modbus-eit",
                                  "zeek/modbus-and-non-modbus-p502", "icsnpp-modbus/modbus_example",
                                  "quickdraw/modbus_test_data_part1", "quickdraw/modbus_test_data_part2"])
def test_real_traffic(sluice, captures, tmp_path, name):
    learn_from(sluice, tmp_path / "draft.yaml", [captures / f"{name}.pcap"])


def test_real_traffic_of_several_plants_at_once(sluice, captures, tmp_path):
    learn_from(sluice, tmp_path / "draft.yaml", sorted(captures.glob("*/modbus*.pcap")))


def test_nothing_to_learn(sluice, tmp_path):
    capture = tmp_path / "v6.pcap"
    talk = Talk(client="2001:db8::1", server="2001:db8::2", ip=IPv6)
    wrpcap(str(capture), ethernet([talk.request(0, read(1))]))
    result = subprocess.run([sluice, "learn", capture], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert "no well-formed modbus-tcp request over IPv4 to port 502" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--gap", "x", "a"], ["--port", "0", "a"], ["/nowhere.pcap"]])
def test_mistakes_of_the_command_line(sluice, arguments):
    result = subprocess.run([sluice, "learn", *arguments], capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert result.stderr.startswith("sluice learn: ") or "/nowhere.pcap" in result.stderr

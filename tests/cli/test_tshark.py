# SPDX-License-Identifier: BSD-2-Clause
"""Real captures: for each Modbus message our function, unit, address and quantity are what tshark
says. Where we call a message malformed, or read no further where tshark goes on, the tables below
say why: AP is the MODBUS Application Protocol Specification V1.1b3, MG the MODBUS Messaging on
TCP/IP Implementation Guide V1.0b."""
import collections
import json
import shutil
import subprocess

import pytest

from modbus_bytes import CONFIG, run

CAPTURES = [
    "icsnpp-modbus/modbus_example.pcap",
    "quickdraw/modbus_test_data_part1.pcap",
    "quickdraw/modbus_test_data_part2.pcap",
    "quickdraw/modicon_test.pcap",
    "zeek/4SICS-GeekLounge-151022-min.pcap",
    "zeek/fuzz-1011.pcap",
    "zeek/fuzz-72.pcap",
    "zeek/modbus-and-non-modbus-p502.pcap",
    "zeek/modbus-eit.pcap",
    "zeek/modbusBig.pcap",
    "zeek/modbusSmall.pcap",
]

# The functions of AP 6.1-6.21 without 9, 10, 13, 14, 18, 19 and 25-42, which it does not assign
# or reserves (Annex A): any other is `function-unknown` unless a service lists it as opaque.
PUBLIC_FUNCTIONS = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 17, 20, 21, 22, 23, 24, 43}

# Messages with intact framing that are malformed: (direction, function, reason): (how many, why).
MALFORMED = {
    "icsnpp-modbus/modbus_example.pcap": {
        ("request", 20, "byte-count"): (1, "AP 6.14: byte count 0x07 to 0xF5; it is 0"),
        ("reply", 20, "byte-count"): (1, "AP 6.14: response data length 0x07 to 0xF5; it is 0"),
        ("request", 21, "byte-count"): (1, "AP 6.15: request data length 0x09 to 0xFB; it is 0"),
        ("reply", 21, "byte-count"): (1, "AP 6.15: response data length 0x09 to 0xFB; it is 0"),
    },
    "quickdraw/modbus_test_data_part1.pcap": {
        ("request", 43, "trailing-bytes"): (2, "AP 6.21: the request ends with the object id"),
        ("reply", 1, "trailing-bytes"): (10, "AP 7: an exception is function and code; a byte follows"),
    },
    "quickdraw/modbus_test_data_part2.pcap": {  # a scan: every function code with zeros after it
        ("request", 1, "quantity-out-of-range"): (1, "AP 6.1: quantity 1 to 2000; it is 0"),
        ("request", 2, "quantity-out-of-range"): (1, "AP 6.2: quantity 1 to 2000; it is 0"),
        ("request", 3, "quantity-out-of-range"): (1, "AP 6.3: quantity 1 to 125; it is 0"),
        ("request", 4, "quantity-out-of-range"): (1, "AP 6.4: quantity 1 to 125; it is 0"),
        ("request", 6, "trailing-bytes"): (1, "AP 6.6: address and value; two bytes follow"),
        ("request", 11, "trailing-bytes"): (1, "AP 6.9: the function code alone"),
        ("request", 12, "trailing-bytes"): (1, "AP 6.10: the function code alone"),
        ("request", 15, "quantity-out-of-range"): (1, "AP 6.11: quantity 1 to 0x07B0; it is 0"),
        ("request", 16, "quantity-out-of-range"): (1, "AP 6.12: quantity 1 to 0x7B; it is 0"),
        ("request", 17, "trailing-bytes"): (1, "AP 6.13: the function code alone"),
        ("request", 20, "byte-count"): (1, "AP 6.14: byte count 0x07 to 0xF5; it is 0"),
        ("request", 21, "byte-count"): (1, "AP 6.15: request data length 0x09 to 0xFB; it is 0"),
        ("request", 22, "truncated"): (1, "AP 6.16: address and two masks; 4 bytes are there"),
        ("request", 23, "truncated"): (1, "AP 6.17: 9 bytes before the values; 4 are there"),
        ("request", 24, "trailing-bytes"): (1, "AP 6.18: an address; two bytes follow"),
        ("request", 43, "mei-type"): (1, "AP 6.19: MEI type 13 or 14; it is 0"),
    },
    "zeek/4SICS-GeekLounge-151022-min.pcap": {
        ("request", 23, "quantity-out-of-range"): (1, "AP 6.17: quantity to read 1 to 0x7D; it is 0"),
    },
    "zeek/fuzz-1011.pcap": {
        ("request", 4, "quantity-out-of-range"): (1, "AP 6.4: quantity 1 to 125; it is 147"),
    },
    "zeek/modbus-eit.pcap": {
        ("reply", 43, "conformity-level"): (1, "AP 6.21: 0x01-0x03, 0x81-0x83; it is 0"),
    },
}

# Directions that we do not read to their end: the reason (None: bytes are not in the capture),
# how many messages tshark finds from there on, and why.
CUT = {
    "quickdraw/modbus_test_data_part1.pcap": {
        "10.0.0.57:2585 > 10.0.0.8:502": ("length-field", 0, "MG 3.1.3: the length field is 0x8804"),
        "10.0.0.8:502 > 10.0.0.57:4446": (
            "protocol-identifier", 0, "MG 3.1.3: a length field too small leaves 3 bytes over"),
    },
    "quickdraw/modicon_test.pcap": {  # UMAS, function 90, has messages longer than Modbus allows
        "192.168.63.100:7718 > 192.168.63.253:502": ("length-field", 83, "MG 3.1.2: ADU of 261 bytes"),
        "192.168.63.253:502 > 192.168.63.100:7718": ("length-field", 83, "MG 3.1.2: ADU of 261 bytes"),
    },
    "zeek/fuzz-1011.pcap": {
        "10.1.1.234:51411 > 10.10.5.104:502": (None, 1, "sequence numbers jump"),
        "10.10.5.104:502 > 10.1.1.234:51411": (None, 1, "sequence numbers jump"),
    },
    "zeek/fuzz-72.pcap": {
        "192.168.66.235:2582 > 166.161.16.230:502": (None, 15, "sequence numbers jump"),
        "166.161.16.230:502 > 192.168.66.235:2582": ("length-field", 1, "bytes were changed"),
    },
    # DCE-RPC, NFS and TLS to port 502, answered in kind: not Modbus, and tshark says so too.
    "zeek/modbus-and-non-modbus-p502.pcap": {},
}

# Messages that tshark leaves undissected: it takes the segment for a retransmission because its
# acknowledgment stands before it in the capture.
NOT_DISSECTED = {"zeek/modbusBig.pcap": 1}


def number(text):
    return int(text, 0)


def tshark_messages(capture):
    """Direction -> list of messages, in tshark's order."""
    result = subprocess.run(
        ["tshark", "-r", capture, "-Y", "mbtcp", "-T", "json", "-j", "ip tcp mbtcp modbus"],
        capture_output=True, text=True, check=True, timeout=300)
    directions = collections.defaultdict(list)
    for packet in json.loads(result.stdout, object_pairs_hook=list):
        layers = dict(dict(packet)["_source"])["layers"]
        ip, tcp = (dict(dict(layers)[name]) for name in ("ip", "tcp"))
        flow = f"{ip['ip.src']}:{tcp['tcp.srcport']} > {ip['ip.dst']}:{tcp['tcp.dstport']}"
        for name, fields in layers:
            if name == "mbtcp":
                directions[flow].append(dict(fields))
            elif name == "modbus":
                directions[flow][-1].update(fields)
    return directions


def our_messages(sluice, capture):
    result = subprocess.run(
        [sluice, "replay", "--protocol", "modbus-tcp", capture],
        capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    directions = collections.defaultdict(list)
    for line in result.stdout.splitlines():
        message = json.loads(line)
        flow = (f"{message['src_ip']}:{message['src_port']} > "
                f"{message['dest_ip']}:{message['dest_port']}")
        directions[flow].append(message)
    return directions, result.stderr


def function_of(message):
    """tshark shows an exception's function without the exception bit."""
    return message["function"] & 0x7F if message["direction"] == "reply" else message["function"]


FIELDS = [
    ("address", ("modbus.reference_num", "modbus.read_reference_num")),
    ("quantity", ("modbus.word_cnt", "modbus.bit_cnt", "modbus.read_word_cnt")),
    ("write_address", ("modbus.write_reference_num",)),
    ("write_quantity", ("modbus.write_word_cnt",)),
]


def compare(ours, theirs):
    """What tshark shows of a message must be ours. Returns the number of fields compared."""
    assert ours["unit"] == number(theirs["mbtcp.unit_id"])
    assert ours["transaction"] == number(theirs["mbtcp.trans_id"])
    assert ours["length"] == 6 + number(theirs["mbtcp.len"])
    compared = 3
    if "modbus.func_code" in theirs:
        assert function_of(ours) == number(theirs["modbus.func_code"])
        compared += 1
    if "modbus.exception_code" in theirs and ours["verdict"] == "accept":
        assert ours["exception"] == number(theirs["modbus.exception_code"])
        compared += 1
    if ours["function"] == 24 and "modbus.word_cnt" in theirs:  # AP 6.18: the FIFO count
        assert len(ours["values"]) == number(theirs["modbus.word_cnt"])
        return compared + 1
    for member, names in FIELDS:
        values = [number(theirs[name]) for name in names if name in theirs]
        if not values or (ours["verdict"] == "malformed" and member not in ours):
            continue
        assert ours[member] == values[0], member
        compared += 1
    return compared


def is_cut(message):
    return message["verdict"] == "malformed" and message["reason"] in (
        "length-field", "protocol-identifier")


@pytest.fixture(scope="module", params=CAPTURES)
def capture(request, captures):
    if not shutil.which("tshark"):
        pytest.skip("no tshark: tools/install-deps test")
    path = captures / request.param
    if not path.is_file():
        pytest.skip(f"no {path}")
    return request.param, path


@pytest.fixture(scope="module")
def both(capture, sluice):
    name, path = capture
    ours, stderr = our_messages(sluice, path)
    return name, ours, stderr, tshark_messages(path)


def aligned(name, ours, theirs):
    """Pairs of messages; ours that tshark has not dissected are left out and counted."""
    left_out, rest = 0, list(theirs)
    pairs = []
    for message in ours:
        expected = rest[0] if rest else None
        key = (message["transaction"], message["length"])
        if expected and key == (number(expected["mbtcp.trans_id"]), 6 + number(expected["mbtcp.len"])):
            pairs.append((message, rest.pop(0)))
        else:
            left_out += 1
    return pairs, left_out, rest


def test_every_message_says_what_tshark_says(both):
    name, ours, stderr, theirs = both
    compared = undissected = 0
    unread = {}
    for flow in sorted(set(ours) | set(theirs)):
        messages = [m for m in ours.get(flow, []) if not is_cut(m) and m["verdict"] != "incomplete"]
        pairs, left_out, rest = aligned(name, messages, theirs.get(flow, []))
        for mine, tsharks in pairs:
            compared += compare(mine, tsharks)
        undissected += left_out
        if rest:
            unread[flow] = len(rest)
    assert compared > 0
    assert unread == {flow: rest for flow, (_, rest, _) in CUT.get(name, {}).items() if rest}
    assert undissected == NOT_DISSECTED.get(name, 0)


def test_every_malformed_message_is_justified(both):
    name, ours, stderr, theirs = both
    seen = collections.Counter()
    for message in (m for messages in ours.values() for m in messages):
        if message["verdict"] != "malformed" or is_cut(message):
            continue
        if message["reason"] == "function-unknown":
            assert function_of(message) not in PUBLIC_FUNCTIONS
            continue
        seen[(message["direction"], function_of(message), message["reason"])] += 1
    assert seen == {key: count for key, (count, _) in MALFORMED.get(name, {}).items()}


def test_every_cut_is_known(both):
    name, ours, stderr, theirs = both
    cuts = {flow: messages[-1]["reason"] for flow, messages in ours.items() if is_cut(messages[-1])}
    for line in stderr.splitlines():
        if "are not in the capture" in line:
            flow = line.split(".pcap: ")[1].split(": ")[0]
            cuts.setdefault(flow, None)
    if name == "zeek/modbus-and-non-modbus-p502.pcap":
        assert all(not theirs.get(flow) for flow in cuts)
        assert len(cuts) == 10
        return
    assert cuts == {flow: reason for flow, (reason, _, _) in CUT.get(name, {}).items()}


def test_policy_changes_verdicts_and_nothing_else(capture, sluice, tmp_path):
    """With a configuration (a service on port 502) each message is the same one."""
    name, path = capture
    config = tmp_path / "site.yaml"
    config.write_text(CONFIG)
    _, plain, _ = run(sluice, "replay", "--protocol", "modbus-tcp", path)
    status, decided, _ = run(sluice, "replay", config, path)
    assert status == 0 and len(decided) == len(plain) > 0
    for without, message in zip(plain, decided):
        assert message.pop("service") == "boiler"
        message.pop("rule", None)
        assert {"verdict": message["verdict"], "reason": message["reason"]} == {
            "verdict": without["verdict"], "reason": without["reason"]
        } or (without["verdict"] == "accept" and message["verdict"] in ("allow", "deny"))
        for key in ("verdict", "reason"):
            message.pop(key), without.pop(key)
        assert message == without

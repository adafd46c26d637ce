# SPDX-License-Identifier: BSD-2-Clause
"""Real captures: for each DNP3 fragment our stations, function, control and objects are what tshark
says. Where we call a message malformed, or tshark reads another one than the standard does, the
tables below say why: 1815 is IEEE 1815-2012, AN application note AN2013-004b."""
import collections
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

from modbus_bytes import run

# path: port of the outstation
CAPTURES = {
    "icsnpp-dnp3/dnp3_example.pcap": 20000,
    "quickdraw/dnp3_test_data_part1.pcap": 20000,
    "quickdraw/dnp3_test_data_part2.pcap": 20000,
    "zeek/dnp3-flowbuffer-overflow-assert.pcap": 20000,
    "zeek/dnp3.pcap": 20000,
    "zeek/dnp3_del_measure.pcap": 20000,
    "zeek/dnp3_en_spon.pcap": 20000,
    "zeek/dnp3_file_del.pcap": 20000,
    "zeek/dnp3_file_read.pcap": 20000,
    "zeek/dnp3_file_write.pcap": 20000,
    "zeek/dnp3_link_only.pcap": 20000,
    "zeek/dnp3_read.pcap": 20000,
    "zeek/dnp3_read_p20001.pcap": 20001,
    "zeek/dnp3_rec_time.pcap": 20000,
    "zeek/dnp3_select_operate.pcap": 20000,
    "zeek/dnp3_udp_en_spon.pcap": 20000,
    "zeek/dnp3_udp_read.pcap": 20000,
    "zeek/dnp3_udp_select_operate.pcap": 20000,
    "zeek/dnp3_udp_write.pcap": 20000,
    "zeek/dnp3_write.pcap": 20000,
}

# Messages that are malformed: (direction, function, reason): (how many, why).
START = ("request", None, "start-octets")
QUICKDRAW = {
    START: (1, "1815 9.2.4.1.1: a frame begins with 0x05 0x64; other bytes do"),
    ("request", 21, "qualifier"): (
        2, "1815 4.4.21: class objects with qualifier 0x06; it is 0xed"),
    ("request", 18, "object-not-in-function"): (
        4, "AN table 3: stop application takes g90v1; it has class objects"),
}
MALFORMED = {
    "quickdraw/dnp3_test_data_part1.pcap": QUICKDRAW,
    "quickdraw/dnp3_test_data_part2.pcap": {
        ("request", 1, "object-unknown"): (5, "1815 annex A: there is no group 255"),
    },
    "zeek/dnp3.pcap": {
        **QUICKDRAW,
        ("request", 1, "object-unknown"): (5, "1815 annex A: there is no group 255"),
    },
    "zeek/dnp3-flowbuffer-overflow-assert.pcap": {
        ("reply", 0, "fragment-length"): (
            1, "1815 4.2.2.1: a fragment has at most 2048 octets; 14 full segments precede FIN"),
        ("reply", None, "transport-sequence"): (
            3, "1815 8.2.1.2: a segment without FIR that continues nothing"),
    },
}

# Messages whose application header tshark shows otherwise or not at all: which, and why.
NEW_FIR = "1815 8.2.1.3: FIR begins a fragment anew; tshark mixes in segments of an earlier one"
TSHARK_DIFFERS = {
    "icsnpp-dnp3/dnp3_example.pcap": [
        ({"dest_port": 20000, "offset": 1800, "length": 360}, NEW_FIR),
        ({"dest_port": 20000, "offset": 13320, "length": 360}, NEW_FIR),
        ({"dest_port": 20000, "offset": 24840, "length": 360}, NEW_FIR),
        ({"dest_port": 55355, "offset": 315, "length": 35}, NEW_FIR),
        ({"dest_port": 55370, "offset": 560, "length": 855}, NEW_FIR),
    ],
    "zeek/dnp3-flowbuffer-overflow-assert.pcap": [
        ({"offset": 0, "length": 4088}, "1815 8.2.1.2: there is no FIN, so there is no fragment"),
    ],
}


def number(text):
    return int(text, 0)


def shown(element, name):
    """Of each field of this name below `element`, in order."""
    return [number(field.get("show")) for field in element.iter("field") if field.get("name") == name]


def text_of(packet, name):
    return next(field.get("show") for field in packet.iter("field") if field.get("name") == name)


def flow_of(packet):
    transport = "tcp" if packet.find("proto[@name='tcp']") is not None else "udp"
    return (f"{text_of(packet, 'ip.src')}:{text_of(packet, transport + '.srcport')} > "
            f"{text_of(packet, 'ip.dst')}:{text_of(packet, transport + '.dstport')}")


def tshark_frames(capture, port):
    """Flow -> its link frames as tshark dissects them, in order."""
    result = subprocess.run(
        ["tshark", "-r", capture, "-d", f"tcp.port=={port},dnp3", "-Y", "dnp3", "-T", "pdml"],
        capture_output=True, check=True, timeout=300)
    flows = collections.defaultdict(list)
    for packet in ElementTree.fromstring(result.stdout).iter("packet"):
        flows[flow_of(packet)].extend(packet.iterfind("proto[@name='dnp3']"))
    return flows


def wire_length(frame):
    data = shown(frame, "dnp3.len")[0] - 5
    return 10 + data + 2 * -(-data // 16)


def our_messages(sluice, capture, port):
    status, lines, stderr = run(sluice, "replay", "--protocol", "dnp3", "--port", str(port), capture)
    assert status == 0, stderr
    flows = collections.defaultdict(list)
    for message in lines:
        flows[f"{message['src_ip']}:{message['src_port']} > "
              f"{message['dest_ip']}:{message['dest_port']}"].append(message)
    return flows


@pytest.fixture(scope="module", params=CAPTURES)
def capture(request, captures):
    if not shutil.which("tshark"):
        pytest.skip("no tshark: tools/install-deps test")
    path = captures / request.param
    if not path.is_file():
        pytest.skip(f"no {path}")
    return request.param, path, CAPTURES[request.param]


@pytest.fixture(scope="module")
def both(capture, sluice):
    """Our messages, each with tshark's frames of the same bytes."""
    name, path, port = capture
    ours, theirs = our_messages(sluice, path, port), tshark_frames(path, port)
    pairs = []
    for flow in sorted(set(ours) | set(theirs)):
        frames = iter(theirs[flow])
        for message in ours[flow]:
            if message["reason"] == "start-octets":
                pairs.append((message, []))
                continue
            taken = []
            while sum(map(wire_length, taken)) < message["length"]:
                taken.append(next(frames))
            assert sum(map(wire_length, taken)) == message["length"]
            pairs.append((message, taken))
        assert not list(frames), f"{flow}: tshark goes on"
    return name, pairs


def test_no_capture_with_dnp3_is_left_out(captures):
    if not shutil.which("tshark"):
        pytest.skip("no tshark: tools/install-deps test")
    others = {str(path.relative_to(captures)) for path in captures.glob("*/*.pcap*")} - set(CAPTURES)
    for name in sorted(others):
        frames = subprocess.run(["tshark", "-r", captures / name, "-Y", "dnp3"], capture_output=True,
                                text=True, timeout=300).stdout
        assert frames == "", name


def test_stations(both):
    _, pairs = both
    for message, frames in pairs:
        for frame in frames:
            assert shown(frame, "dnp3.src") == [message["dnp3"]["source"]]
            assert shown(frame, "dnp3.dst") == [message["dnp3"]["destination"]]
            assert message["destination"] == message["dnp3"]["destination"]
            to_outstation = shown(frame, "dnp3.ctl.dir") == [1]
            assert to_outstation == (message["direction"] == "request")


def test_link_frames(both):
    _, pairs = both
    for message, frames in pairs:
        if "link_function" not in message or message["verdict"] != "accept":
            continue
        assert len(frames) == 1
        functions = shown(frames[0], "dnp3.ctl.prifunc") + shown(frames[0], "dnp3.ctl.secfunc")
        assert functions == [message["link_function"]]
        assert shown(frames[0], "dnp3.ctl.prm") == [int(message["primary"])]


CONTROL = {"sequence": "dnp3.al.seq", "first": "dnp3.al.fir", "final": "dnp3.al.fin",
           "confirm": "dnp3.al.con", "unsolicited": "dnp3.al.uns", "function": "dnp3.al.func"}


def fragments(pairs):
    """Fragments with the frame in which tshark has put them together."""
    return [(message, frames[-1]) for message, frames in pairs if "function" in message]


def differs(name, message):
    return message["direction"] == "reply" and any(
        line.items() <= message.items() for line, _ in TSHARK_DIFFERS.get(name, []))


def test_application_headers(both):
    name, pairs = both
    for message, frame in fragments(pairs):
        if differs(name, message):
            continue
        for member, field in CONTROL.items():
            assert shown(frame, field) == [int(message[member])], member
        assert shown(frame, "dnp3.al.iin") == ([message["iin"]] if "iin" in message else [])


def object_headers(frame):
    """Group, variation, qualifier, and the numbers of the range."""
    headers = []
    for field in frame.iter("field"):
        if field.get("name") != "dnp3.al.obj":
            continue
        identity = number(field.get("show"))
        qualifier = (shown(field, "dnp3.al.objq.prefix")[0] << 4
                     | shown(field, "dnp3.al.objq.range")[0])
        headers.append((identity >> 8, identity & 255, qualifier,
                        shown(field, "dnp3.al.range.start"), shown(field, "dnp3.al.range.stop"),
                        shown(field, "dnp3.al.range.quantity")))
    return headers


def test_objects(both):
    name, pairs = both
    for message, frame in fragments(pairs):
        if differs(name, message) or message["verdict"] != "accept":
            continue
        mine = [(o["group"], o["variation"], o["qualifier"],
                 *([o[member]] if member in o else [] for member in ("start", "stop", "count")))
                for o in message["objects"]]
        assert mine == object_headers(frame)


def test_indexes(both):
    name, pairs = both
    for message, frame in fragments(pairs):
        if differs(name, message) or message["verdict"] != "accept":
            continue
        mine = [index for o in message["objects"] for index in
                o.get("indexes", [c["index"] for c in o.get("commands", []) if "index" in c])]
        assert mine == shown(frame, "dnp3.al.index")


def test_commands(both):
    """Control relay output blocks and analog output commands, value by value."""
    name, pairs = both
    for message, frame in fragments(pairs):
        if differs(name, message) or message["verdict"] != "accept":
            continue
        commands = [c for o in message["objects"] for c in o.get("commands", [])]
        blocks = [c for c in commands if "control_code" in c]
        if not blocks:
            continue
        assert [c["count"] for c in blocks] == shown(frame, "dnp3.al.count")
        assert [c["on_time"] for c in blocks] == shown(frame, "dnp3.al.on_time")
        assert [c["off_time"] for c in blocks] == shown(frame, "dnp3.al.off_time")
        assert [c["control_code"] & 15 for c in blocks] == shown(frame, "dnp3.ctl.op")
        assert [c["control_code"] >> 6 for c in blocks] == shown(frame, "dnp3.ctl.trip")
        assert [c["status"] for c in blocks] == shown(frame, "dnp3.al.ctrlstatus")


def test_every_malformed_message_is_justified(both):
    name, pairs = both
    seen = collections.Counter(
        (message["direction"], message.get("function"), message["reason"])
        for message, _ in pairs if message["verdict"] != "accept")
    assert seen == {key: count for key, (count, _) in MALFORMED.get(name, {}).items()}


def test_every_difference_is_there(both):
    name, pairs = both
    for line, _ in TSHARK_DIFFERS.get(name, []):
        ((message, frame),) = [(message, frame) for message, frame in fragments(pairs)
                               if line.items() <= message.items() and message["direction"] == "reply"]
        assert shown(frame, "dnp3.al.func") != [message["function"]]

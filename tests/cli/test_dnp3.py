# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 in `sluice decode` and `sluice replay`: its lines, lost framing, fragments over TCP segments and
over UDP datagrams."""
import pytest

from modbus_bytes import run, verdicts

MASTER, OUTSTATION = 3, 4


def crc(data):
    remainder = 0
    for octet in data:
        remainder ^= octet
        for _ in range(8):
            remainder = remainder >> 1 ^ 0xA6BC if remainder & 1 else remainder >> 1
    return (remainder ^ 0xFFFF).to_bytes(2, "little")


def link(control, data=b"", source=MASTER, destination=OUTSTATION):
    header = bytes([5, 0x64, 5 + len(data), control]) + destination.to_bytes(2, "little") \
        + source.to_bytes(2, "little")
    blocks = [data[at:at + 16] for at in range(0, len(data), 16)]
    return header + crc(header) + b"".join(block + crc(block) for block in blocks)


def request(fragment, segment=249, **stations):
    parts = [fragment[at:at + segment] for at in range(0, len(fragment), segment)]
    return [link(0xC4, bytes([(0x40 if i == 0 else 0) | (0x80 if i == len(parts) - 1 else 0) | i])
                 + part, **stations) for i, part in enumerate(parts)]


def response(fragment, segment=249):
    parts = [fragment[at:at + segment] for at in range(0, len(fragment), segment)]
    return [link(0x44, bytes([(0x40 if i == 0 else 0) | (0x80 if i == len(parts) - 1 else 0) | i])
                 + part, source=OUTSTATION, destination=MASTER) for i, part in enumerate(parts)]


READ = bytes.fromhex("c301 3c0206 3c0306 3c0406 3c0106")
OPERATE = bytes.fromhex("c405 0c01 1701 05 8101 64000000 c8000000 00")
NULL = bytes.fromhex("c381 9000")


@pytest.fixture
def decode(sluice, tmp_path):
    def call(content, *options):
        path = tmp_path / "stream"
        path.write_bytes(content)
        status, lines, stderr = run(sluice, "decode", "dnp3", *options, path)
        assert status == 0, stderr
        assert all(line["source"] == str(path) for line in lines)
        return lines
    return call


def test_a_request(decode):
    (line,) = decode(request(OPERATE)[0])
    wanted = {"offset": 0, "length": 33, "protocol": "dnp3", "direction": "request",
              "verdict": "accept", "reason": None, "function": 5,
              "function_name": "direct-operate", "destination": OUTSTATION, "sequence": 4,
              "dnp3": {"source": MASTER, "destination": OUTSTATION}}
    assert wanted.items() <= line.items()
    assert line["objects"] == [{
        "group": 12, "variation": 1, "qualifier": 0x17, "count": 1, "commands": [{
            "index": 5, "control_code": 0x81, "operation": "pulse-on", "trip_close": "trip",
            "count": 1, "on_time": 100, "off_time": 200, "status": 0}]}]


def test_a_reply(decode):
    (line,) = decode(response(NULL)[0], "--reply")
    assert line["verdict"] == "accept" and line["function"] == 129
    assert line["iin"] == 0x9000 and line["iin_names"] == ["need-time", "device-restart"]
    assert line["objects"] == [] and line["dnp3"] == {"source": 4, "destination": 3}


def test_a_link_frame(decode):
    (line,) = decode(link(0xC9))
    assert line["verdict"] == "accept" and line["length"] == 10
    assert line["link_function"] == 9 and line["link_function_name"] == "request-link-status"
    assert "function" not in line


def test_a_fragment_is_one_message(decode):
    frames = request(READ, segment=3)
    lines = decode(b"".join(frames) + link(0xC9))
    assert verdicts(lines) == [(0, sum(map(len, frames)), "accept", None),
                               (sum(map(len, frames)), 10, "accept", None)]


def test_junk_before_an_operate_is_not_skipped(decode):
    lines = decode(b"\xde\xad\xbe\xef" + request(OPERATE)[0])
    assert verdicts(lines) == [(0, 1, "malformed", "start-octets")]


def test_a_wrong_header_crc_loses_the_framing(decode):
    good = request(READ)[0]
    lines = decode(good + good[:9] + bytes([good[9] ^ 1]) + good[10:] + good)
    assert verdicts(lines) == [(0, len(good), "accept", None), (len(good), 10, "malformed", "crc")]


def test_a_wrong_block_crc_does_not(decode):
    good = request(READ)[0]
    lines = decode(good[:-1] + bytes([good[-1] ^ 1]) + good)
    assert verdicts(lines) == [(0, len(good), "malformed", "crc"), (len(good), len(good), "accept", None)]
    assert "function" not in lines[0] and lines[0]["dnp3"]["source"] == MASTER


def test_malformed_content_goes_on(decode):
    bad = request(bytes.fromhex("c001 0100 00 0500"))[0]
    good = request(READ)[0]
    lines = decode(bad + good)
    assert [line["reason"] for line in lines] == ["range", None]
    assert lines[0]["function"] == 1


def test_a_new_fir_restarts(decode):
    first = request(READ, segment=5)
    lines = decode(first[0] + b"".join(first))
    assert verdicts(lines) == [(0, len(first[0]), "malformed", "transport-incomplete"),
                               (len(first[0]), sum(map(len, first)), "accept", None)]


def test_a_fragment_goes_on_after_what_comes_between(decode):
    """Segments belong together by their stations (1815 8.2): link frames and other stations' messages
    between them, each by itself, change nothing."""
    first, other = request(READ, segment=5), request(OPERATE, segment=12, source=MASTER + 1)
    asks, acknowledges = link(0xC9), link(0x80)
    stream = first[0] + asks + other[0] + acknowledges + first[1] + other[1] + first[2]
    lines = decode(stream)
    after = len(first[0])
    assert verdicts(lines) == [
        (after, 10, "accept", None), (after + 10 + len(other[0]), 10, "accept", None),
        (after + 10, len(other[0] + other[1]), "accept", None),
        (0, sum(map(len, first)), "accept", None)]
    assert [line.get("function") for line in lines] == [None, None, 5, 1]
    assert decode(stream)[2]["objects"][0]["commands"][0]["index"] == 5
    for cut in range(1, len(first[2])):  # whatever ends inside is one message
        assert [line["verdict"] for line in decode(stream[:-cut])[3:]] == ["incomplete"]


def test_a_broken_frame_costs_its_fragment_alone(decode):
    first, other = request(READ, segment=5), request(OPERATE, source=MASTER + 1)
    broken = first[1][:-1] + bytes([first[1][-1] ^ 1])
    assert [line["reason"] for line in decode(first[0] + broken + other[0] + first[2])] == \
        ["crc", None, "transport-sequence"]
    assert [line["reason"] for line in decode(first[0] + broken + first[0])] == \
        ["crc", "transport-incomplete", None]


def test_more_fragments_at_once_than_a_connection_has(decode):
    started = [request(READ, segment=5, source=source) for source in range(1, 6)]
    lines = decode(b"".join(b"".join(frames) for frames in zip(*started)))
    assert [(line["dnp3"]["source"], line["reason"]) for line in lines if line["verdict"] == "accept"] == \
        [(source, None) for source in range(2, 6)]
    assert {line["dnp3"]["source"] for line in lines if line["verdict"] == "malformed"} == {1}


def test_confirmed_user_data_needs_no_reset(decode):
    frames = [frame[:3] + b"\xf3" + frame[4:8] for frame in request(READ, segment=5)]
    frames = [head + crc(head) + frame[10:] for head, frame in zip(frames, request(READ, segment=5))]
    assert [line["verdict"] for line in decode(frames[0] + link(0xC0) + frames[1] + frames[2])] == \
        ["accept", "accept"]


def test_the_other_direction_is_malformed(decode):
    assert [m["reason"] for m in decode(request(READ)[0], "--reply")] == ["link-direction"]
    assert [m["reason"] for m in decode(response(NULL)[0])] == ["link-direction"]


def test_a_stream_that_ends_inside(decode):
    frames = request(READ, segment=5)
    lines = decode(frames[0] + frames[1][:-1])
    assert verdicts(lines) == [(0, len(frames[0] + frames[1]) - 1, "incomplete", None)]


# --- replay ---------------------------------------------------------------------------------------

scapy = pytest.importorskip("scapy.all")
from scapy.all import IP, TCP, UDP, Ether, Raw, wrpcap  # noqa: E402

CLIENT, SERVER = "192.168.96.10", "192.168.96.2"


@pytest.fixture
def replay(sluice, tmp_path):
    def call(packets, snaplen=None):
        path = tmp_path / "made.pcap"
        wrpcap(str(path), [Ether() / packet for packet in packets], **snaplen or {})
        status, lines, stderr = run(sluice, "replay", "--protocol", "dnp3", path)
        assert status == 0, stderr
        return lines, stderr
    return call


def to_server(payload, sport=40000, dport=20000):
    return IP(src=CLIENT, dst=SERVER) / UDP(sport=sport, dport=dport) / Raw(payload)


def to_client(payload, sport=20000, dport=40000):
    return IP(src=SERVER, dst=CLIENT) / UDP(sport=sport, dport=dport) / Raw(payload)


def test_tcp_segments(replay):
    stream = b"".join(request(READ, segment=4))
    packets = [IP(src=CLIENT, dst=SERVER) / TCP(sport=40000, dport=20000, seq=1 + at, flags="PA")
               / Raw(stream[at:at + 7]) for at in range(0, len(stream), 7)]
    lines, _ = replay(packets)
    assert verdicts(lines) == [(0, len(stream), "accept", None)]
    assert lines[0]["objects"][3] == {"group": 60, "variation": 1, "qualifier": 6}


def test_datagrams(replay):
    ask, answer = request(READ)[0], response(NULL)[0]
    lines, stderr = replay([to_server(ask), to_client(answer), to_server(ask)])
    assert [(m["direction"], *v) for m, v in zip(lines, verdicts(lines))] == [
        ("request", 0, len(ask), "accept", None), ("reply", 0, len(answer), "accept", None),
        ("request", len(ask), len(ask), "accept", None)]
    assert {"src_ip": SERVER, "src_port": 20000, "dest_port": 40000}.items() <= lines[1].items()
    assert "3 messages in 1 connections" in stderr


def test_a_fragment_over_several_datagrams(replay):
    frames = request(READ, segment=4)
    lines, _ = replay([to_server(frame) for frame in frames])
    assert verdicts(lines) == [(0, sum(map(len, frames)), "accept", None)]


def test_several_frames_in_a_datagram(replay):
    lines, _ = replay([to_server(request(READ)[0] + request(OPERATE)[0] + link(0xC9))])
    assert [m["verdict"] for m in lines] == ["accept"] * 3


def test_a_datagram_that_cuts_a_frame(replay):
    good = request(READ)[0]
    lines, _ = replay([to_server(good[:-1]), to_server(good)])
    assert verdicts(lines) == [(0, len(good) - 1, "malformed", "truncated"),
                               (len(good) - 1, len(good), "accept", None)]


def test_junk_ends_with_its_datagram(replay):
    good = request(READ)[0]
    lines, _ = replay([to_server(b"\0\1\2" + good), to_server(good)])
    assert verdicts(lines) == [(0, 1, "malformed", "start-octets"),
                               (3 + len(good), len(good), "accept", None)]


def test_equal_ports_are_told_apart_by_dir(replay):
    unsolicited = response(bytes.fromhex("f082 0000"))[0]
    confirm = request(bytes.fromhex("d000"))[0]
    lines, _ = replay([to_client(unsolicited, dport=20000), to_server(confirm, sport=20000)])
    assert [(m["direction"], m["verdict"], m["function_name"]) for m in lines] == [
        ("reply", "accept", "unsolicited-response"), ("request", "accept", "confirm")]


def test_an_outstation_may_open_the_connection(replay):
    """The DIR bit tells requests from replies, not who listens on the port."""
    def packet(source, destination, sport, dport, data):
        return IP(src=source, dst=destination) / TCP(
            sport=sport, dport=dport, seq=1, flags="PA") / Raw(data)
    answer, ask = response(NULL)[0], request(READ)[0]
    lines, _ = replay([packet(CLIENT, SERVER, 40000, 20000, answer + ask),
                       packet(SERVER, CLIENT, 20000, 40000, ask)])
    assert [(m["direction"], m["src_ip"], m["reason"]) for m in lines] == [
        ("reply", CLIENT, None), ("reply", CLIENT, "link-direction"), ("request", SERVER, None)]


def test_udp_and_tcp_between_the_same_ports_are_two(replay):
    ask = request(READ)[0]
    lines, stderr = replay([to_server(ask), IP(src=CLIENT, dst=SERVER) / TCP(
        sport=40000, dport=20000, seq=1, flags="PA") / Raw(ask)])
    assert [m["offset"] for m in lines] == [0, 0]
    assert "2 connections" in stderr


def test_modbus_in_datagrams(sluice, tmp_path):
    path = tmp_path / "made.pcap"
    ask = bytes.fromhex("000100000006010300000001")
    wrpcap(str(path), [Ether() / to_server(ask + ask, dport=502),
                       Ether() / to_server(ask[:-1], dport=502),
                       Ether() / to_server(ask, dport=503)])
    status, lines, stderr = run(sluice, "replay", "--protocol", "modbus-tcp", path)
    assert status == 0 and "1 UDP datagrams of no service skipped" in stderr
    assert [(m["verdict"], m["reason"]) for m in lines] == \
        [("accept", None), ("accept", None), ("malformed", "truncated")]

# SPDX-License-Identifier: BSD-2-Clause
"""`sluice replay` on captures made here: however packets carry a stream, its messages are the same;
connections find their service; replies need a request that passed."""
import gzip
import struct
import subprocess

import pytest

from modbus_bytes import CLIENT, CONFIG, DEVICE, GATEWAY, adu, read, read_reply, run, verdicts, write

scapy = pytest.importorskip("scapy.all")
from scapy.all import (  # noqa: E402
    TCP, UDP, CookedLinux, Dot1AD, Dot1Q, Ether, IP, IPv6, IPv6ExtHdrFragment, Loopback, Raw,
    fragment, fragment6, wrpcap, wrpcapng)

REQUESTS = read(1) + write(2, 2, 200) + read(3, address=90, quantity=20) + read(4)
REPLIES = read_reply(1, [7]) + write(2, 2, 200) + read_reply(3, [0] * 20) + read_reply(4, [8])


class Talk:
    """One TCP connection, packet by packet."""

    def __init__(self, client=CLIENT, server=GATEWAY, sport=40000, dport=502, ip=IP, start=1000,
                 server_start=5000):
        self.ip = [ip(src=client, dst=server), ip(src=server, dst=client)]
        self.ports = [(sport, dport), (dport, sport)]
        self.start = [start, server_start]

    def packet(self, side, offset, data=b"", flags="PA"):
        sport, dport = self.ports[side]
        sequence = (self.start[side] + 1 + offset) % 2**32
        packet = self.ip[side] / TCP(sport=sport, dport=dport, seq=sequence, flags=flags)
        return packet / Raw(data) if data else packet

    def syn(self):
        return [self.packet(0, -1, flags="S"), self.packet(1, -1, flags="SA")]

    def request(self, offset, data, flags="PA"):
        return self.packet(0, offset, data, flags)

    def reply(self, offset, data, flags="PA"):
        return self.packet(1, offset, data, flags)


def ethernet(packets):
    return [Ether() / packet for packet in packets]


@pytest.fixture
def replay(sluice, tmp_path):
    config = tmp_path / "site.yaml"
    config.write_text(CONFIG)

    def call(packets, *, policy=False, link=None, write_capture=wrpcap):
        path = tmp_path / "made.pcap"
        write_capture(str(path), packets, **({"linktype": link} if link is not None else {}))
        how = [config] if policy else ["--protocol", "modbus-tcp"]
        status, lines, stderr = run(sluice, "replay", *how, path)
        assert all(line["source"] == str(path) for line in lines)
        return status, lines, stderr
    return call


FOUR = [(0, 12, "accept", None), (12, 12, "accept", None), (24, 12, "accept", None),
        (36, 12, "accept", None)]


def pieces(data, size):
    return [(at, data[at:at + size]) for at in range(0, len(data), size)]


def test_a_whole_connection(replay):
    talk = Talk()
    status, lines, stderr = replay(ethernet(
        talk.syn() + [talk.request(0, REQUESTS), talk.reply(0, REPLIES), talk.request(48, b"", "FA")]))
    assert status == 0
    assert verdicts(lines[:4]) == FOUR
    assert [line["direction"] for line in lines] == ["request"] * 4 + ["reply"] * 4
    assert {"src_ip": CLIENT, "src_port": 40000, "dest_ip": GATEWAY, "dest_port": 502}.items() <= \
        lines[0].items()
    assert {"src_ip": GATEWAY, "src_port": 502, "dest_ip": CLIENT, "dest_port": 40000}.items() <= \
        lines[4].items()
    assert "8 messages in 1 connections of 5 packets: 8 accept" in stderr


def test_time_is_of_the_packet_that_completes(replay):
    talk = Talk()
    packets = ethernet(talk.syn() + [talk.request(0, REQUESTS[:5]), talk.request(5, REQUESTS[5:12])])
    for packet, time in zip(packets, [0, 0, 1.5, 86400.25]):
        packet.time = time
    _, lines, _ = replay(packets)
    assert lines[0]["timestamp"] == "1970-01-02T00:00:00.250000+0000"


@pytest.mark.parametrize("size", [1, 5, 12, 13, 48])
def test_any_segmentation(replay, size):
    talk = Talk()
    status, lines, _ = replay(ethernet(
        talk.syn() + [talk.request(at, part) for at, part in pieces(REQUESTS, size)]))
    assert status == 0 and verdicts(lines) == FOUR


@pytest.mark.parametrize("start", [1000, 2**32 - 20, 2**31 - 20])
def test_out_of_order_and_retransmitted(replay, start):
    talk = Talk(start=start)
    parts = [talk.request(at, part) for at, part in pieces(REQUESTS, 7)]
    status, lines, stderr = replay(ethernet(
        talk.syn() + parts[3:5] + parts[1:3] + parts[:1] + parts[:3] + parts[:4:-1]))
    assert status == 0 and verdicts(lines) == FOUR
    assert "different bytes" not in stderr and "not in the capture" not in stderr


def test_first_bytes_win_where_segments_differ(replay):
    talk = Talk()
    evil = read(1, address=77) + write(2, 2, 9999)
    status, lines, stderr = replay(ethernet(
        talk.syn() + [talk.request(12, REQUESTS[12:24]), talk.request(0, REQUESTS[:12]),
                      talk.request(0, evil), talk.request(24, REQUESTS[24:])]))
    assert status == 0 and verdicts(lines) == FOUR
    assert lines[0]["address"] == 0 and lines[1]["value"] == 200
    assert "carry different bytes" in stderr
    assert "overlapping segments with different bytes" in stderr


def test_gap_ends_its_direction_and_is_said(replay):
    talk = Talk()
    status, lines, stderr = replay(ethernet(
        talk.syn() + [talk.request(0, REQUESTS[:15]), talk.request(24, REQUESTS[24:]),
                      talk.reply(0, REPLIES)]))
    assert status == 0
    requests = [line for line in lines if line["direction"] == "request"]
    assert verdicts(requests) == [(0, 12, "accept", None), (12, 3, "incomplete", None)]
    assert len(lines) == 2 + 4
    assert f"{CLIENT}:40000 > {GATEWAY}:502: 9 bytes at offset 15 are not in the capture" in stderr


def test_packets_cut_off_by_the_capture(replay):
    talk = Talk()
    cut = Ether() / talk.request(0, REQUESTS[:24])
    cut.wirelen = len(cut)
    short = Ether(bytes(cut)[:-9])
    short.wirelen = cut.wirelen
    status, lines, stderr = replay(
        ethernet(talk.syn()) + [short] + ethernet([talk.request(24, REQUESTS[24:])]))
    assert status == 0
    assert verdicts(lines) == [(0, 12, "accept", None), (12, 3, "incomplete", None)]
    assert "9 bytes at offset 15 are not in the capture" in stderr


def test_padding_of_short_frames_is_not_data(replay):
    talk = Talk()
    packets = [Ether(bytes(Ether() / packet).ljust(60, b"\xaa")) for packet in
               talk.syn() + [talk.request(0, REQUESTS[:1]), talk.request(1, REQUESTS[1:])]]
    assert verdicts(replay(packets)[1]) == FOUR


def test_capture_starts_inside_the_connection(replay):
    talk = Talk()
    status, lines, _ = replay(ethernet(
        [talk.reply(0, b"", "A"), talk.request(0, REQUESTS[:12]), talk.reply(0, REPLIES[:11]),
         talk.request(12, REQUESTS[12:])]))
    assert status == 0
    assert verdicts([line for line in lines if line["direction"] == "request"]) == FOUR


def test_keep_alive_is_not_data(replay):
    talk = Talk()
    status, lines, stderr = replay(ethernet(
        talk.syn() + [talk.request(0, REQUESTS[:24]), talk.request(23, b"\0", "A"),
                      talk.request(24, REQUESTS[24:])]))
    assert verdicts(lines) == FOUR and "different bytes" not in stderr


def test_reset_ends_both_directions(replay):
    talk = Talk()
    status, lines, _ = replay(ethernet(
        talk.syn() + [talk.request(0, REQUESTS[:17]), talk.reply(0, b"", "R"),
                      talk.request(17, REQUESTS[17:])]))
    assert verdicts(lines) == [(0, 12, "accept", None), (12, 5, "incomplete", None)]


def test_stray_reset_ends_nothing(replay):
    talk = Talk()
    _, lines, _ = replay(ethernet(
        talk.syn() + [talk.request(0, REQUESTS[:17]), talk.reply(10**8, b"", "R"),
                      talk.request(17, REQUESTS[17:])]))
    assert verdicts(lines) == FOUR


def test_ports_used_again_are_a_new_connection(replay):
    first, second = Talk(start=1000), Talk(start=77777)
    _, lines, stderr = replay(ethernet(
        first.syn() + [first.request(0, REQUESTS[:14])] + second.syn() + second.syn()
        + [second.request(0, REQUESTS)]))
    assert verdicts(lines) == [(0, 12, "accept", None), (12, 2, "incomplete", None)] + FOUR
    assert "in 2 connections" in stderr


def plain(packets):
    return packets


LINKS = {
    "ethernet": (None, lambda p: Ether() / p),
    "802.1Q": (None, lambda p: Ether() / Dot1Q(vlan=5) / p),
    "802.1ad": (None, lambda p: Ether() / Dot1AD(vlan=9) / Dot1Q(vlan=5) / p),
    "cooked": (113, lambda p: CookedLinux(proto=0x86DD if IPv6 in p else 0x0800) / p),
    "cooked v2": (276, lambda p: Raw(struct.pack(
        ">HHIHBB8s", 0x86DD if IPv6 in p else 0x0800, 0, 1, 1, 0, 6, bytes(8)) + bytes(p))),
    "raw": (101, lambda p: p),
    "loopback": (0, lambda p: Loopback(type=30 if IPv6 in p else 2) / p),
}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", LINKS)
def test_link_types(replay, name, version):
    talk = Talk() if version == 4 else Talk(client="2001:db8::1", server="2001:db8::2", ip=IPv6)
    link, wrap = LINKS[name]
    status, lines, stderr = replay(
        [wrap(packet) for packet in talk.syn() + [talk.request(0, REQUESTS)]], link=link)
    assert status == 0 and verdicts(lines) == FOUR, stderr
    assert lines[0]["src_ip"] == (CLIENT if version == 4 else "2001:db8::1")


def block(kind, body):
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


@pytest.mark.parametrize("how", ["compressed", "mixed link types"])
def test_captures_that_the_manual_says_are_refused(sluice, root, tmp_path, how):
    """The man page says what to do instead."""
    pcap = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    section = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    mixed = section + b"".join(block(1, struct.pack("<HHI", link, 0, 65535)) for link in (1, 101))
    mixed += b"".join(block(6, struct.pack("<IIIII", i, 0, 0, 4, 4) + bytes(4)) for i in (0, 1))
    path = tmp_path / "capture"
    path.write_bytes(gzip.compress(pcap) if how == "compressed" else mixed)
    result = subprocess.run([sluice, "replay", "--protocol", "modbus-tcp", path],
                            capture_output=True, text=True)
    assert result.returncode == 2 and str(path) in result.stderr, result
    manual = (root / "docs/sluice.1").read_text()
    assert all(word in manual for word in ("gunzip", "editcap", "mergecap"))


def test_unknown_link_type_is_named(replay):
    talk = Talk()
    status, lines, stderr = replay([bytes(talk.request(0, REQUESTS))], link=195)
    assert status == 2 and lines == []
    assert "made.pcap: its link type IEEE802_15_4" in stderr


def test_pcapng(replay):
    talk = Talk()
    status, lines, _ = replay(ethernet(talk.syn() + [talk.request(0, REQUESTS)]),
                              write_capture=wrpcapng)
    assert status == 0 and verdicts(lines) == FOUR


@pytest.mark.parametrize("order", [1, -1])
def test_ipv4_fragments(replay, order):
    talk = Talk()
    fragments = fragment(talk.request(0, REQUESTS), fragsize=16)
    assert len(fragments) > 3
    status, lines, stderr = replay(ethernet(talk.syn() + fragments[::order]))
    assert verdicts(lines) == FOUR and "fragments" not in stderr
    _, lines, stderr = replay(ethernet(talk.syn() + fragments[1:]))
    assert lines == [] and "IP fragments that never made a whole datagram" in stderr


def test_ipv6_fragments(replay):
    talk = Talk(client="2001:db8::1", server="2001:db8::2", ip=IPv6)
    whole = talk.request(0, REQUESTS * 40)
    packet = IPv6(bytes(whole[IPv6].__class__(src="2001:db8::1", dst="2001:db8::2")
                        / IPv6ExtHdrFragment(id=9) / whole[TCP]))
    fragments = fragment6(packet, 1280)
    assert len(fragments) == 2
    status, lines, _ = replay(ethernet(talk.syn() + fragments[::-1]))
    assert status == 0 and len(lines) == 160
    assert {line["verdict"] for line in lines} == {"accept"}


def test_truncated_file_prints_what_was_before(replay, sluice, tmp_path):
    talk = Talk()
    path = tmp_path / "whole.pcap"
    wrpcap(str(path), ethernet(talk.syn() + [talk.request(0, REQUESTS[:24]),
                                             talk.request(24, REQUESTS[24:])]))
    short = tmp_path / "short.pcap"
    short.write_bytes(path.read_bytes()[:-10])
    status, lines, stderr = run(sluice, "replay", "--protocol", "modbus-tcp", short, path)
    assert status == 2
    assert [line["source"] for line in lines] == [str(short)] * 2 + [str(path)] * 4
    assert f"{short}: cannot be read on after packet 3: truncated" in stderr


def test_what_is_no_capture_is_named(sluice, tmp_path):
    text = tmp_path / "text"
    text.write_text("this is not a capture file at all")
    status, lines, stderr = run(
        sluice, "replay", "--protocol", "modbus-tcp", text, tmp_path / "missing", tmp_path)
    assert status == 2 and lines == []
    assert f"{text}: not a capture file" in stderr
    assert f"{tmp_path / 'missing'}: cannot be opened: No such file" in stderr
    assert f"{tmp_path}: not a capture file" in stderr


def test_other_traffic_is_ignored(replay):
    talk, web = Talk(), Talk(sport=50000, dport=80)
    udp = IP(src=CLIENT, dst=GATEWAY) / UDP(sport=9, dport=503) / Raw(REQUESTS)
    status, lines, stderr = replay(ethernet(
        web.syn() + [web.request(0, b"GET / HTTP/1.0\r\n\r\n"), udp]
        + talk.syn() + [talk.request(0, REQUESTS)]))
    assert status == 0 and verdicts(lines) == FOUR
    assert "1 connections of no service skipped" in stderr
    assert "1 UDP datagrams of no service skipped" in stderr


def test_another_port_without_policy(sluice, tmp_path):
    talk = Talk(dport=1502)
    path = tmp_path / "made.pcap"
    wrpcap(str(path), ethernet(talk.syn() + [talk.request(0, REQUESTS)]))
    how = ["--protocol", "modbus-tcp", "--port", "1502"]
    assert verdicts(run(sluice, "replay", *how, path)[1]) == FOUR


def test_not_modbus_on_its_port(replay):
    talk = Talk()
    hello = b"\x16\x03\x01\x00\x85\x01\x00\x00\x81"
    status, lines, stderr = replay(ethernet(
        talk.syn() + [talk.request(0, hello), talk.request(len(hello), REQUESTS)]))
    assert status == 0
    assert len(lines) == 1 and lines[0]["verdict"] == "malformed"
    assert lines[0]["reason"] == "protocol-identifier"
    assert "bytes after lost framing not looked at" in stderr


# --- with a policy -----------------------------------------------------------------------------

def summary(lines):
    return [(line["direction"], line.get("transaction"), line["verdict"], line["reason"])
            for line in lines]


def test_policy_decides_requests_and_their_replies(replay):
    talk = Talk()
    status, lines, _ = replay(ethernet(
        talk.syn() + [talk.request(0, REQUESTS), talk.reply(0, REPLIES)]), policy=True)
    assert status == 0
    assert summary(lines) == [
        ("request", 1, "allow", None), ("request", 2, "allow", None),
        ("request", 3, "deny", "no-rule-for-address"), ("request", 4, "allow", None),
        ("reply", 1, "allow", None), ("reply", 2, "allow", None),
        ("reply", 3, "deny", "reply-unmatched"), ("reply", 4, "allow", None)]
    assert lines[1]["rule"] == "setpoint" and lines[1]["service"] == "boiler"
    assert lines[2]["rule"] is None and "rule" not in lines[4]


def test_replies_that_do_not_fit(replay):
    talk = Talk()
    requests = read(1) + read(2) + read(3) + write(4, 2, 200) + read(5)
    replies = (read_reply(9, [1]) + read_reply(1, [1, 2]) + read_reply(2, [1], unit=2)
               + adu(3, 1, b"\x84\x02") + write(4, 2, 201) + adu(5, 1, b"\x03\x03\x00\x01\x02")
               + read_reply(5, [1]) + read_reply(1, [1]))
    _, lines, _ = replay(ethernet(
        talk.syn() + [talk.request(0, requests), talk.reply(0, replies)]), policy=True)
    assert summary(lines)[5:] == [
        ("reply", 9, "deny", "reply-unmatched"), ("reply", 1, "deny", "reply-shape"),
        ("reply", 2, "deny", "reply-unit"), ("reply", 3, "deny", "reply-function"),
        ("reply", 4, "deny", "reply-echo"), ("reply", 5, "malformed", "byte-count"),
        ("reply", 5, "deny", "reply-unmatched"), ("reply", 1, "deny", "reply-unmatched")]


def test_exception_and_any_order_are_matched(replay):
    talk = Talk()
    replies = read_reply(4, [8]) + adu(2, 1, b"\x86\x04") + read_reply(1, [7])
    _, lines, _ = replay(ethernet(
        talk.syn() + [talk.request(0, REQUESTS), talk.reply(0, replies)]), policy=True)
    assert [line["verdict"] for line in lines[4:]] == ["allow"] * 3


def test_client_of_the_connection_counts(replay):
    talk = Talk(client="192.168.96.20")
    _, lines, _ = replay(ethernet(talk.syn() + [talk.request(0, REQUESTS)]), policy=True)
    assert [line["verdict"] for line in lines] == ["allow", "deny", "deny", "allow"]
    talk = Talk(client="192.168.96.99")
    _, lines, _ = replay(ethernet(talk.syn() + [talk.request(0, REQUESTS)]), policy=True)
    assert {line["verdict"] for line in lines} == {"deny"}


TWO_SERVICES = CONFIG + f"""\
  - name: turbine
    protocol: modbus-tcp
    listen: {GATEWAY}:1502
    device: 192.168.95.3:502
    rules:
      - allow: read
        from: hmi
        unit: 1
        address: 0-9
"""


@pytest.mark.parametrize("server, port, service", [
    (GATEWAY, 502, "boiler"), (DEVICE, 502, "boiler"), (GATEWAY, 1502, "turbine"),
    ("192.168.95.3", 502, "turbine"), ("10.0.0.1", 502, "boiler"), ("10.0.0.1", 1502, "turbine"),
    ("10.0.0.1", 503, None)])
@pytest.mark.parametrize("syn", [True, False])
@pytest.mark.parametrize("reply_first", [True, False])
def test_which_service(sluice, tmp_path, server, port, service, syn, reply_first):
    config, path = tmp_path / "site.yaml", tmp_path / "made.pcap"
    config.write_text(TWO_SERVICES)
    talk = Talk(server=server, dport=port)
    packets = (talk.syn()[reply_first:] if syn else []) + (
        [talk.reply(0, read_reply(1, [7]))] if reply_first else []) + [talk.request(0, read(2))]
    wrpcap(str(path), ethernet(packets))
    status, lines, stderr = run(sluice, "replay", config, path)
    assert status == 0
    if service is None:
        assert lines == [] and "1 connections of no service skipped" in stderr
        return
    assert {line["service"] for line in lines} == {service}
    assert lines[-1]["direction"] == "request"
    assert lines[-1]["src_ip"] == CLIENT


def test_modbus_captures_never_fail(sluice, captures, tmp_path):
    """Every capture there is, whatever is in it."""
    for path in sorted(captures.glob("*/*.pcap*")):
        status, _, stderr = run(sluice, "replay", "--protocol", "modbus-tcp", path)
        assert status == 0, f"{path}: {stderr}"
        status, lines, _ = run(sluice, "replay", "--protocol", "modbus-tcp", "--port", "20000", path)
        assert status == 0, path


@pytest.mark.parametrize("arguments, said", [
    ([], "CONFIG and at least one CAPTURE"),
    (["site.yaml"], "CONFIG and at least one CAPTURE"),
    (["--protocol", "modbus-tcp"], "at least one CAPTURE"),
    (["--protocol", "morse", "x"], "no such protocol: morse"),
    (["--port", "1", "x", "y"], "--port needs --protocol"),
    (["--protocol", "modbus-tcp", "--port", "0", "x"], "from 1 to 65535, not 0"),
    (["--protocol", "modbus-tcp", "--port", "65536", "x"], "from 1 to 65535, not 65536"),
    (["--protocol", "modbus-tcp", "--port", "5x", "x"], "from 1 to 65535, not 5x"),
])
def test_usage_errors(sluice, arguments, said):
    status, lines, stderr = run(sluice, "replay", *arguments)
    assert status == 2 and lines == []
    assert said in stderr

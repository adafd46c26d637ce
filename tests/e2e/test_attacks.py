# SPDX-License-Identifier: BSD-2-Clause
"""Streams cut, shuffled, doubled and forged: the device's wire carries allowed requests only.

The observer is tcpdump on the device's wire, decoded by tshark; the policy it is held to is
written here once more, in Python, for the heating plant's configuration.
"""
import random
import socket
import struct

import pytest
from raw_tcp import RawTcp
from walk import adu, is_ended, read, receive, write

pytestmark = pytest.mark.e2e


def allowed(request):
    function, unit = request["modbus.func_code"][0], request["mbtcp.unit_id"][0]
    if unit != 1:
        return False
    address = request["modbus.reference_num"][0]
    if function in (1, 2, 3, 4):
        quantity = (request["modbus.word_cnt"] or request["modbus.bit_cnt"])[0]
        return address + quantity <= 100
    return function == 6 and address == 2 and 150 <= request["modbus.data"][0] <= 250


def only_allowed(observer):
    requests = observer.requests()
    assert all(allowed(request) for request in requests), requests
    return requests


def test_one_byte_at_a_time(lab, plant, gateway, observer):
    connection = lab.connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in adu(1, read(0, 4)) + adu(2, write(2, 180)) + adu(3, write(3, 1)):
        connection.sendall(bytes([byte]))
    replies = receive(connection, 3, 20)
    assert [reply[7] for reply in sorted(replies)] == [3, 6, 0x86]
    assert len(only_allowed(observer)) == 2


def test_out_of_order(lab, plant, gateway, observer):
    raw = RawTcp(lab)
    message = adu(1, read(0, 2))
    raw.data(message[8:], at=8)
    raw.data(message[4:8], at=4)
    raw.data(message[:4])
    raw.advance(len(message))
    assert len(raw.listen(20, enough=13)) == 13
    assert len(only_allowed(observer)) == 1


@pytest.mark.parametrize("first", ["allowed", "forbidden"])
def test_overlap_with_different_bytes(lab, plant, gateway, observer, first):
    """Whichever copy of a byte the gateway takes, the device sees what was decided on."""
    good, bad = adu(1, write(2, 200)), adu(1, write(3, 999))
    one, two = (good, bad) if first == "allowed" else (bad, good)
    raw = RawTcp(lab)
    raw.data(one[6:], at=6)
    raw.data(two[4:], at=4)
    raw.data(one[:6])
    raw.data(two)
    raw.advance(len(one))
    raw.listen(2, enough=9)
    only_allowed(observer)


def test_retransmission_with_different_bytes(lab, plant, gateway, observer):
    raw = RawTcp(lab)
    raw.data(adu(1, write(2, 200)))
    raw.data(adu(1, write(3, 999)))
    raw.advance(12)
    raw.data(adu(2, read(0, 1)))
    raw.advance(12)
    assert len(raw.listen(20, enough=12 + 11)) == 23
    requests = only_allowed(observer)
    assert [r["modbus.func_code"][0] for r in requests] == [6, 3]


def test_ip_fragments(lab, plant, gateway, observer):
    raw = RawTcp(lab)
    message = adu(1, read(0, 2))
    parts = raw.fragments(message, 24)
    assert len(parts) > 1
    for part in reversed(parts):
        raw.send(part)
    raw.advance(len(message))
    assert len(raw.listen(20, enough=13)) == 13
    assert len(only_allowed(observer)) == 1


def test_tcp_header_cut_by_a_fragment(lab, plant, gateway, observer):
    """RFC 1858's tiny fragments are dropped; the stream goes on when it comes whole."""
    raw = RawTcp(lab)
    message = adu(1, read(0, 2))
    for part in raw.fragments(message, 16):
        raw.send(part)
    assert raw.listen(0.5) == b""
    raw.data(message)
    raw.advance(len(message))
    assert len(raw.listen(20, enough=13)) == 13
    assert len(only_allowed(observer)) == 1


@pytest.mark.parametrize("field", ["tcp_chksum", "ip_chksum"])
def test_bad_checksum(lab, plant, gateway, observer, field):
    raw = RawTcp(lab)
    raw.data(adu(1, read(0, 2)), **{field: 0x1234})
    assert raw.listen(0.5) == b""
    raw.data(adu(2, read(0, 2)))
    raw.advance(12)
    assert raw.listen(20, enough=13)[:2] == b"\0\2"
    assert [r["mbtcp.unit_id"] for r in only_allowed(observer)] == [[1]]


def test_http_on_port_502(lab, plant, gateway, observer):
    connection = lab.connect()
    connection.sendall(b"GET / HTTP/1.1\r\nHost: 192.168.96.2\r\n\r\n")
    assert is_ended(connection)
    assert observer.requests() == []
    assert observer.payload() == {}
    assert gateway.wait_audit(lambda line: line.get("event") == "session-close" and
                              line["reason"] == "protocol-identifier")


def test_framing_lost_after_a_good_request(lab, plant, gateway, observer):
    connection = lab.connect()
    connection.sendall(adu(1, read(0, 1)) + b"\0\2\0\1\0\6" + read(0, 1))
    assert [r[:2] for r in receive(connection, 1, 20)] == [b"\0\1"]
    assert is_ended(connection)
    assert len(only_allowed(observer)) == 1


def test_noise(lab, plant, gateway, observer):
    """Random ADUs with intact framing and every kind of content."""
    generator = random.Random(502)
    connection = lab.connect()
    for transaction in range(400):
        function = generator.choice([1, 2, 3, 4, 5, 6, 15, 16, 22, 23, generator.randrange(256)])
        pdu = bytes([function]) + struct.pack(">H", generator.choice([0, 1, 2, 3, 99, 100, 65535]))
        pdu += generator.randbytes(generator.choice([0, 2, 2, 2, 3, 7, 40]))
        connection.sendall(adu(transaction, pdu, generator.choice([1, 1, 1, 0, 2, 255])))
        receive(connection, 1, 0.3 if function == 8 else 20)
    only_allowed(observer)


def test_transactions_are_the_gateways_own(lab, plant, gateway, observer):
    """A client's identifier comes back to it and never reaches the device unchanged by design:
    equal identifiers of two clients are told apart."""
    one, two = lab.connect(), lab.connect(source="192.168.96.20")
    for connection in (one, two):
        connection.sendall(adu(0x7777, read(0, 1)) + adu(0x7777, read(1, 1)))
    for connection in (one, two):
        replies = receive(connection, 2, 20)
        assert [r[:2] for r in replies] == [b"\x77\x77"] * 2
        assert sorted(r[9:] for r in replies) == [struct.pack(">H", 81), struct.pack(">H", 652)]
    requests = only_allowed(observer)
    assert len(requests) == 4


def test_stranger_is_refused(lab, plant, gateway, observer):
    connection = lab.connect(source="192.168.96.66")
    connection.sendall(adu(1, read(0, 1)))
    assert receive(connection, 1, 20)[0][7:] == b"\x83\x01"
    assert observer.requests() == []

# SPDX-License-Identifier: BSD-2-Clause
"""Sessions that do not surprise a process: devices that are slow, dead, late, wrong or gone, and
clients that leave, each with what the other side sees of it."""
import json
import math
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
from lab import DEVICE_ADDRESS, LISTEN_ADDRESS, until
from odd_device import (BAD_CONTENT, CLOSE, DEAD, GOOD, LATE, LOST, RESET, REVERSED, SLOW, TWICE,
                        VENDOR, WRONG_TRANSACTION, WRONG_UNIT)
from walk import adu, is_ended, read, receive, write

pytestmark = pytest.mark.e2e

RULES = """
    rules:
      - { allow: read }
      - { allow: write, address: 0-9 }
"""


def service(name, port, device_port=502, device=DEVICE_ADDRESS, **keys):
    more = "".join(f"    {key.replace('_', '-')}: {value}\n" for key, value in keys.items())
    return (f"  - name: {name}\n    protocol: modbus-tcp\n    listen: {LISTEN_ADDRESS}:{port}\n"
            f"    device: {device}:{device_port}\n{more}".rstrip() + RULES)


PLAIN, PATIENT, SHARED, SERIAL, FIXED, ABSENT, UNREACHABLE, ONE, POOL, GATED, BRIEF, QUEUED, LEFT = range(
    502, 515)
CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
services:
""" + "".join([
    service("plain", PLAIN, timeout="1500ms"),
    service("patient", PATIENT, timeout="20s"),
    service("shared", SHARED, timeout="7s", queue_timeout="2s", connections="shared",
            max_connections=1, pipeline=1, queue=4),
    service("serial", SERIAL, timeout="5s", unit_0="broadcast", pipeline=1),
    service("fixed", FIXED, device_port=506, timeout="5s", reply_unit="any"),
    service("absent", ABSENT, device_port=5999, timeout="15s"),
    service("unreachable", UNREACHABLE, device="192.168.95.77", timeout="4s"),
    service("one", ONE, timeout="5s", max_connections=1),
    service("pool", POOL, timeout="5s", connections="shared", max_connections=3),
    service("gated", GATED, timeout="1500ms", pipeline=1),
    service("brief", BRIEF, timeout="4s", queue_timeout="200ms", pipeline=1),
    service("queued", QUEUED, timeout="20s", connections="shared", pipeline=1),
    service("left", LEFT, timeout="20s", pipeline=1),
])


class OddDevice:
    def __init__(self, lab, root):
        self.lines = []
        self.process = lab.device.popen(
            [sys.executable, root / "tests/e2e/odd_device.py", DEVICE_ADDRESS, 502, 506],
            stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        assert self.wait(lambda line: "ready" in line)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def wait(self, wanted, timeout=30):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            for line in list(self.lines):
                if wanted(line):
                    return line
            time.sleep(0.01)
        return None

    def count(self, what):
        """How many lines it has printed with this in them."""
        before = len(self.lines)
        self.process.send_signal(signal.SIGUSR1)
        assert self.wait(lambda _: any("mark" in line for line in self.lines[before:]))
        return sum(what in line for line in self.lines)

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def device(lab, root):
    it = OddDevice(lab, root)
    yield it
    it.close()


class Client:
    def __init__(self, lab, port):
        self.socket, self.transaction = lab.connect(port=port), 0
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, pdu, unit=1):
        self.transaction += 1
        self.socket.sendall(adu(self.transaction, pdu, unit))
        return self.transaction

    def take(self, count=1, timeout=20):
        return receive(self.socket, count, timeout)

    def ask(self, pdu, unit=1, timeout=20):
        """(the one reply's bytes after the unit, seconds until it came)."""
        begin = time.monotonic()
        transaction = self.send(pdu, unit)
        replies = self.take(1, timeout)
        assert len(replies) == 1, "no reply"
        assert struct.unpack(">H", replies[0][:2])[0] == transaction
        assert replies[0][6] == unit
        return replies[0][7:], time.monotonic() - begin

    def good(self, register=GOOD, unit=1):
        return self.ask(read(register, 1), unit)[0] == struct.pack(">BBH", 3, 2, register)


TARGET_FAILED, PATH_UNAVAILABLE = b"\x83\x0b", b"\x83\x0a"


def test_slow_but_within_its_time_out(lab, device, gateway):
    client = Client(lab, PATIENT)
    reply, seconds = client.ask(read(SLOW, 1))
    assert reply == b"\x03\x02\x00\x01" and seconds > 4.9


def test_dead_late_and_wrong_cost_their_own_request(lab, device, gateway):
    client = Client(lab, PLAIN)
    for register in (DEAD, LATE, WRONG_UNIT, WRONG_TRANSACTION, BAD_CONTENT):
        assert client.ask(read(register, 1))[0] == TARGET_FAILED, register
        assert client.good(), register
    assert device.wait(lambda line: "late" in line)
    assert client.good(TWICE) and client.good()
    assert device.count("opened") == 1, "the device's connection stays"
    assert device.count("finished") + device.count("reset") == 0


def test_out_of_order(lab, device, gateway):
    client = Client(lab, PLAIN)
    for _ in range(3):
        client.send(read(REVERSED, 1))
    replies = client.take(3)
    assert sorted(struct.unpack(">H", reply[:2])[0] for reply in replies) == [1, 2, 3]
    assert all(reply[7:] == struct.pack(">BBH", 3, 2, REVERSED) for reply in replies)


def test_vendor_exception_passes_as_two_bytes(lab, device, gateway):
    assert Client(lab, PLAIN).ask(read(VENDOR, 1))[0] == b"\x83\xe5"


@pytest.mark.parametrize("how", [LOST, CLOSE, RESET])
def test_a_device_that_closes_or_loses_framing(lab, device, gateway, how):
    client = Client(lab, PLAIN)
    assert client.good()
    assert client.ask(read(how, 1))[0] == TARGET_FAILED
    assert client.good(), "the client's connection stays, the device's is made anew"
    assert device.count("opened") == 2


def test_refused_then_backed_off(lab, device, gateway):
    client = Client(lab, ABSENT)
    began = time.monotonic()
    times = [client.ask(read(GOOD, 1)) for _ in range(20)]
    took = time.monotonic() - began
    assert {reply for reply, _ in times} == {TARGET_FAILED}
    assert max(seconds for _, seconds in times) < 10, "not after the device's time-out"
    time.sleep(0.3)
    tried = [line for line in gateway.audit() if line.get("event") == "device-close"]
    # The next attempts come 0.1, 0.3, 0.7, ... s after the first.
    assert len(tried) <= 1 + math.log2(1 + took / 0.1), "not one attempt for each request"


def test_unreachable(lab, device, gateway):
    client = Client(lab, UNREACHABLE)
    reply, seconds = client.ask(read(GOOD, 1))
    assert reply == TARGET_FAILED
    for _ in range(10):  # the back-off is 0.1, 0.2, ... s: this client may find its end
        reply, seconds = client.ask(read(GOOD, 1))
        assert reply == TARGET_FAILED
        if seconds < 2:
            break
    assert seconds < 2, "during the back-off at once"


def test_a_device_that_restarts(lab, device, gateway, root):
    client = Client(lab, PLAIN)
    assert client.good()
    device.close()
    assert client.ask(read(GOOD, 1))[0] == TARGET_FAILED
    again = OddDevice(lab, root)
    until(lambda: client.ask(read(GOOD, 1))[0] != TARGET_FAILED)
    again.close()


def test_a_write_is_never_repeated(lab, device, gateway):
    client = Client(lab, PLAIN)
    for _ in range(3):
        client.send(write(1, 7), unit=7)  # never answered
        assert client.take()[0][7:] == b"\x86\x0b"
    time.sleep(1.5)
    assert device.count("saw") == 3


def test_no_request_of_our_own(lab, device, gateway):
    client = Client(lab, PLAIN)
    time.sleep(1)
    assert device.count("opened") == 0, "not even a connection before the first request"
    assert client.good()
    time.sleep(2)
    assert device.count("saw") == 1


def test_a_client_that_left_is_not_served(lab, device, gateway):
    client = Client(lab, LEFT)
    client.send(read(DEAD, 1))
    client.send(write(1, 7))  # waits behind it
    assert device.wait(lambda line: "saw" in line)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()
    assert device.wait(lambda line: "finished" in line or "reset" in line), \
        "its loss is the device's too"
    time.sleep(1)
    assert device.count("saw") == 1


def test_a_client_that_closes_is_not_served_later(lab, device, gateway):
    """Its write waits behind another client's read, on one connection; it closes as all clients do."""
    other, client = Client(lab, QUEUED), Client(lab, QUEUED)
    other.send(read(SLOW, 1))
    assert device.wait(lambda line: "saw" in line)
    client.send(write(1, 7))
    client.socket.close()
    dropped = gateway.wait_audit(lambda line: line["event"] == "request-failed")
    assert dropped and dropped["reason"] == "client-left"
    assert len(other.take(1)) == 1
    assert other.good()
    assert device.count("saw") == 2


def test_a_request_whose_deadline_passed_is_not_sent(lab, device, gateway):
    """The write's place is free after 4 s, and it may wait 0.2: the machine may be slow by the rest."""
    client = Client(lab, BRIEF)
    client.send(read(DEAD, 1))
    client.send(write(1, 7))
    assert [reply[7:] for reply in client.take(2)] == [b"\x86\x0a", b"\x83\x0b"]
    time.sleep(0.3)
    assert device.count("saw") == 1


def test_a_client_with_a_backlog_is_not_slowed(lab, device, gateway):
    """Its window never falls below a segment for want of more than the end of a message: or Linux
    waits a fifth of a second for each window, 20 s in all."""
    client = Client(lab, PLAIN)
    values = struct.pack(">BHHB", 16, 0, 10, 20) + bytes(20)
    long = struct.pack(">BHHB", 16, 0, 123, 246) + bytes(246)  # refused: 0-9 may be written
    begin = time.monotonic()
    client.socket.sendall(b"".join(adu(i, long if i % 4 else values) for i in range(240)))
    assert len(client.take(240, 60)) == 240
    assert time.monotonic() - begin < 12


def test_half_closed_clients_still_get_their_replies(lab, device, gateway):
    client = Client(lab, PATIENT)
    client.send(read(LATE, 1))
    client.send(read(LATE, 1))
    until(lambda: device.count("saw") == 2)  # what it does not have soon after the end is not sent
    client.socket.shutdown(socket.SHUT_WR)
    assert len(client.take(2)) == 2
    assert client.socket.recv(1) == b""


def test_an_idle_client_stays(lab, device, gateway):
    client = Client(lab, PLAIN)
    assert client.good()
    time.sleep(3)
    assert client.good() and device.count("opened") == 1


def test_a_dead_unit_does_not_block_the_others(lab, device, gateway):
    """pipeline: 1. The first time-out is everybody's, none after it is."""
    client = Client(lab, GATED)
    assert client.ask(read(GOOD, 1), unit=7)[0] == TARGET_FAILED
    for _ in range(3):
        client.send(read(GOOD, 1), unit=7)
        for _ in range(8):  # while the dead one's is under way
            client.send(read(GOOD, 1), unit=3)
            assert client.take()[0][6] == 3
        reply = client.take()[0]
        assert reply[6] == 7 and reply[7:] == TARGET_FAILED


def test_shared_one_connection_for_all_and_closed_after_the_last(lab, device, gateway):
    clients = [Client(lab, SHARED) for _ in range(4)]
    assert all(client.good() for client in clients for _ in range(5))
    assert device.count("opened") == 1
    for client in clients[1:]:
        client.socket.close()
    time.sleep(0.3)
    assert device.count("finished") == 0 and clients[0].good()
    clients[0].socket.close()
    assert device.wait(lambda line: "finished" in line)


def test_full_queue_and_queue_timeout_answer_0a(lab, device, gateway):
    clients = [Client(lab, SHARED) for _ in range(8)]
    clients[0].send(read(DEAD, 1))
    assert device.wait(lambda line: "saw" in line)
    begin = time.monotonic()
    for client in clients[1:]:
        client.send(read(GOOD, 1))
    replies = [client.take(1)[0][7:] for client in clients[1:]]
    assert replies == [PATH_UNAVAILABLE] * 7
    assert 1.9 < time.monotonic() - begin, "the last of them after queue-timeout"
    assert clients[0].take(1)[0][7:] == TARGET_FAILED
    assert gateway.wait_audit(lambda line: line.get("reason") == "device-timeout")
    lines = [line["reason"] for line in gateway.audit() if line.get("event") == "request-failed"]
    assert lines.count("capacity") == 3 and lines.count("queue-timeout") == 4


def test_a_pool_of_connections(lab, device, gateway):
    clients = [Client(lab, POOL) for _ in range(9)]
    for _ in range(20):
        for client in clients:
            client.send(read(GOOD, 1))
        assert all(len(client.take()) == 1 for client in clients)
    assert device.count("opened") == 3


def test_max_connections_per_client_answers_0a(lab, device, gateway):
    first, second = Client(lab, ONE), Client(lab, ONE)
    assert first.good()
    assert second.ask(read(GOOD, 1))[0] == PATH_UNAVAILABLE
    first.socket.close()
    assert device.wait(lambda line: "finished" in line)
    until(lambda: second.ask(read(GOOD, 1))[0] != PATH_UNAVAILABLE)
    assert second.good()


def test_broadcast_gets_neither_time_out_nor_refusal(lab, device, gateway):
    client = Client(lab, SERIAL)
    client.send(write(1, 7), unit=0)
    client.send(write(99, 7), unit=0)  # denied
    client.send(b"\x06\x00", unit=0)  # malformed
    assert client.good(), "and it does not hold up the next one (pipeline: 1)"
    assert client.take(1, timeout=1.0) == []
    assert sum(line.get("unit") == 0 for line in device.lines) == 1
    assert gateway.wait_audit(lambda line: line.get("verdict") == "malformed")
    verdicts = [line.get("verdict") for line in gateway.audit() if line.get("event") == "message"]
    assert verdicts[:3] == ["allow", "deny", "malformed"]


def test_listen_only_is_not_answered(lab, device, gateway):
    client = Client(lab, PLAIN)
    client.send(b"\x08\x00\x04\x00\x00")  # no rule names it
    assert client.good() and client.take(1, timeout=0.7) == []


def test_a_device_with_a_fixed_unit(lab, device, gateway):
    client = Client(lab, FIXED)
    assert client.good(unit=1) and client.good(unit=17)


def test_bad_content_in_intact_framing_and_lost_framing(lab, device, gateway):
    client = Client(lab, PLAIN)
    assert client.ask(read(0, 0))[0] == b"\x83\x03"
    assert client.ask(b"\x5a\x00")[0] == b"\xda\x01"
    assert client.good()
    client.socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert is_ended(client.socket)
    assert device.count("saw") == 1


def test_a_client_that_resets_costs_the_device_its_connection_at_once(lab, device, gateway):
    """Watchdogs in devices still see it: with connections per client, and idle ones too."""
    client, other = Client(lab, PLAIN), Client(lab, PLAIN)
    assert client.good() and other.good() and device.count("opened") == 2
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()
    assert device.wait(lambda line: "finished" in line or "reset" in line)
    assert other.good(), "and nobody else theirs"
    assert device.count("finished") + device.count("reset") == 1


def test_a_write_on_its_way_when_the_cable_is_cut_comes_once_or_never(lab, device, gateway):
    """The device's cable is cut under a write: it fails, and no retransmission brings it later."""
    client = Client(lab, PLAIN)
    assert client.good()
    saw = device.count("saw")
    lab.device.ip("link", "set", "dev0", "down")
    try:
        reply, seconds = client.ask(write(1, 7))
    finally:
        lab.device.ip("link", "set", "dev0", "up")
    assert reply == b"\x86\x0b" and seconds > 1.4
    time.sleep(2.5)  # longer than TCP's first retransmissions
    assert device.count("saw") == saw
    until(lambda: client.ask(read(GOOD, 1))[0] != TARGET_FAILED)  # back-off
    assert client.good()


def test_slow_answers_to_several_clients_at_once(lab, device, gateway):
    """Five seconds each, side by side: no client waits for another's reply."""
    clients = [Client(lab, PATIENT) for _ in range(4)]
    begin = time.monotonic()
    for client in clients:
        client.send(read(SLOW, 1))
    assert all(client.take()[0][7:] == b"\x03\x02\x00\x01" for client in clients)
    assert time.monotonic() - begin < 10

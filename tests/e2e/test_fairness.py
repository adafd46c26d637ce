# SPDX-License-Identifier: BSD-2-Clause
"""No client can take what the others need: connections, reply slots."""
import select
import socket
import struct
import threading
import time

import pytest
from lab import DEVICE_ADDRESS, HISTORIAN_ADDRESS, STRANGER_ADDRESS
from walk import adu, read, receive

pytestmark = pytest.mark.e2e

CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10, historian: 192.168.96.20 }
services:
  - name: plant
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 60s
    rules: [{ allow: read, from: [hmi, historian], unit: 1, address: 0-99 }]
"""
HELD = 1  # the device answers a read of this register when it is told to


def serve(connection, answers):
    pending = b""
    while True:
        try:
            chunk = connection.recv(4096)
        except OSError:
            return
        if not chunk:
            return
        pending += chunk
        while len(pending) >= 12:
            request, pending = pending[:12], pending[12:]
            if struct.unpack(">H", request[8:10])[0] == HELD:
                answers.wait()
            try:
                connection.sendall(request[:4] + b"\0\5\1\3\2\0\7")
            except OSError:
                return


@pytest.fixture
def device(lab):
    """Set it, and held reads are answered."""
    answers = threading.Event()
    with lab.device.inside():
        listener = socket.create_server((DEVICE_ADDRESS, 502), backlog=256)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[connection, answers], daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    yield answers
    answers.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def round_trip(connection, transaction):
    start = time.monotonic()
    connection.sendall(adu(transaction, read(0, 1)))
    assert [r[7:] for r in receive(connection, 1, 20)] == [b"\3\2\0\7"]
    return time.monotonic() - start


def quick(connection, middle, worst):
    """50 requests come back in such times; where something else kept the machine busy meanwhile, the
    next 50 or those after do."""
    for _ in range(3):
        times = sorted(round_trip(connection, n) for n in range(50))
        if times[25] < middle and times[-1] < worst:
            return
    raise AssertionError((times[25], times[-1]))


def test_a_stranger_cannot_take_all_connections(lab, device, gateway):
    held = []
    for _ in range(600):
        try:
            held.append(lab.connect(source=STRANGER_ADDRESS))
        except OSError:
            break
    round_trip(lab.connect(), 1)
    assert gateway.wait_audit(lambda line: line.get("event") == "dropped" and
                              line["reason"] == "quota" and line["src_ip"] == STRANGER_ADDRESS)


def test_one_clients_held_requests_delay_nobody_else(lab, device, gateway):
    connection = lab.connect()
    round_trip(connection, 1)
    flood = [lab.connect(source=HISTORIAN_ADDRESS) for _ in range(30)]
    for flooding in flood:
        flooding.sendall(b"".join(adu(n, read(HELD, 1)) for n in range(16)))
    for n in range(50):
        round_trip(connection, n)
    assert gateway.wait_audit(lambda line: line.get("event") == "waited" and line["reason"] == "quota" and
                              line["src_ip"] == HISTORIAN_ADDRESS)
    for n in range(50):
        round_trip(connection, n)
    assert select.select(flood, [], [], 0)[0] == []
    device.set()  # and the client that waits for its own gets an answer to each
    for flooding in flood:
        assert len(receive(flooding, 16, 60)) == 16


class Other:
    """The historian, sending all that is taken on so many connections; `reads` what comes back."""

    def __init__(self, lab, connections, reads):
        self.sockets = [lab.connect(source=HISTORIAN_ADDRESS) for _ in range(connections)]
        self.reads, self.done, self.sent = reads, False, 0
        for connection in self.sockets:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # not what the kernel likes
            connection.setblocking(False)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        requests = b"".join(adu(n, read(0, 1)) for n in range(40))
        while not self.done:
            for connection in self.sockets:
                try:
                    self.sent += connection.send(requests)
                except OSError:
                    pass
                try:
                    while self.reads and connection.recv(65536):
                        pass
                except OSError:
                    pass
            time.sleep(0.001)

    def stop(self):
        self.done = True
        self.thread.join()
        for connection in self.sockets:
            connection.close()


@pytest.mark.parametrize("connections, reads", [(1, False), (100, False), (16, True)],
                         ids=["never reads", "100 never read", "floods"])
def test_one_client_that_misbehaves_delays_nobody_else(lab, device, gateway, connections, reads):
    connection = lab.connect()
    round_trip(connection, 0)
    other = Other(lab, connections, reads)
    try:
        time.sleep(0.5)
        quick(connection, 0.2, 1)
    finally:
        other.stop()
    round_trip(lab.connect(), 1)
    # a client that never reads is not read from either: what it can make others hold is bounded
    assert reads or other.sent < connections * 400000
    assert gateway.process.poll() is None

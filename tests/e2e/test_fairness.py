# SPDX-License-Identifier: BSD-2-Clause
"""No client can take what the others need: connections, reply slots."""
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
    timeout: 3s
    rules: [{ allow: read, from: [hmi, historian], unit: 1, address: 0-99 }]
"""
SILENT = 1  # the device never answers a read of this register


def serve(connection):
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
            if struct.unpack(">H", request[8:10])[0] != SILENT:
                connection.sendall(request[:4] + b"\0\5\1\3\2\0\7")


@pytest.fixture
def device(lab):
    with lab.device.inside():
        listener = socket.create_server((DEVICE_ADDRESS, 502), backlog=256)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=[connection], daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    yield
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def round_trip(connection, transaction):
    start = time.monotonic()
    connection.sendall(adu(transaction, read(0, 1)))
    assert [r[7:] for r in receive(connection, 1, 5)] == [b"\3\2\0\7"]
    return time.monotonic() - start


def test_a_stranger_cannot_take_all_connections(lab, device, gateway):
    held = []
    for _ in range(600):
        try:
            held.append(lab.connect(source=STRANGER_ADDRESS, timeout=2))
        except OSError:
            break
    assert round_trip(lab.connect(), 1) < 2
    assert gateway.wait_audit(lambda line: line.get("event") == "dropped" and
                              line["reason"] == "quota" and line["src_ip"] == STRANGER_ADDRESS)


def test_one_clients_silent_requests_delay_nobody_else(lab, device, gateway):
    connection = lab.connect()
    round_trip(connection, 1)
    flood = [lab.connect(source=HISTORIAN_ADDRESS) for _ in range(30)]
    for flooding in flood:
        flooding.sendall(b"".join(adu(n, read(SILENT, 1)) for n in range(16)))
    time.sleep(0.2)
    assert max(round_trip(connection, 2 + n) for n in range(20)) < 0.5
    # and the client that waits for its own gets an answer to each, in its turn
    assert len(receive(flood[0], 16, 20)) == 16

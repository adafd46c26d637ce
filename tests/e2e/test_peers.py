# SPDX-License-Identifier: BSD-2-Clause
"""Clients and devices that nobody here wrote: libmodbus, pymodbus, mbpoll."""
import concurrent.futures
import subprocess

import pytest
from pymodbus.client import ModbusTcpClient

from lab import CLIENT_ADDRESS, DEVICE_ADDRESS, LISTEN_ADDRESS

pytestmark = pytest.mark.e2e

CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
  sessions: 512
hosts: { hmi: 192.168.96.10 }
services:
  - name: plant
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 10s
    rules:
      - { allow: read, from: hmi, unit: 1, address: 0-99 }
      - { allow: write, from: hmi, unit: 1, address: 0-59 }
      - { allow: report-server-id, from: hmi, unit: 1 }
"""


def peer(root):
    return root / "build/tests/e2e/libmodbus_peer"


def test_libmodbus_client_and_device(lab, libmodbus_device, gateway, root):
    result = lab.client.run([peer(root), "client", LISTEN_ADDRESS, 502])
    assert result.stdout.splitlines() == [
        f"{call} ok" for call in
        ["read-coils", "read-discrete-inputs", "read-holding-registers", "read-input-registers",
         "write-single-coil", "write-single-register", "write-multiple-coils",
         "write-multiple-registers", "mask-write-register", "read-write-multiple-registers",
         "report-server-id"]] + ["read-beyond Illegal data address"]


def test_pymodbus_client(lab, libmodbus_device, gateway):
    with lab.client.inside():
        client = ModbusTcpClient(LISTEN_ADDRESS, source_address=(CLIENT_ADDRESS, 0), timeout=20)
        assert client.connect()
    assert client.read_holding_registers(0, count=100, device_id=1).registers == list(range(100))
    assert client.read_input_registers(10, count=5, device_id=1).registers == list(range(10, 15))
    assert client.read_coils(0, count=9, device_id=1).bits[:9] == [i % 3 == 0 for i in range(9)]
    assert client.read_discrete_inputs(0, count=3, device_id=1).bits[:3] == [True, False, False]
    assert not client.write_coil(1, True, device_id=1).isError()
    assert not client.write_coils(0, [True] * 11, device_id=1).isError()
    assert not client.write_register(2, 200, device_id=1).isError()
    assert not client.write_registers(10, [7, 8, 9], device_id=1).isError()
    assert client.readwrite_registers(read_address=10, read_count=3, write_address=11,
                                      values=[99], device_id=1).registers == [7, 99, 9]
    assert not client.mask_write_register(address=10, and_mask=0, or_mask=3, device_id=1).isError()
    assert client.read_holding_registers(10, count=1, device_id=1).registers == [3]
    denied = client.write_register(60, 1, device_id=1)
    assert denied.isError() and denied.exception_code == 2
    denied = client.read_holding_registers(0, count=1, device_id=2)
    assert denied.isError() and denied.exception_code == 1
    client.close()


def test_pymodbus_device(lab, plant, gateway):
    with lab.client.inside():
        client = ModbusTcpClient(LISTEN_ADDRESS, source_address=(CLIENT_ADDRESS, 0), timeout=20)
        assert client.connect()
    assert client.read_holding_registers(0, count=3, device_id=1).registers == [652, 81, 200]
    assert not client.write_registers(4, [1, 2], device_id=1).isError()
    assert [line["function"] for line in plant.seen()] == [3, 16]
    client.close()


def test_mbpoll(lab, libmodbus_device, gateway):
    result = lab.client.run(["mbpoll", "-1", "-m", "tcp", "-a", "1", "-r", "1", "-c", "10", "-o", "10",
                             LISTEN_ADDRESS])
    assert result.returncode == 0, result.stdout + result.stderr
    assert [int(line.split()[1]) for line in result.stdout.splitlines()
            if line.startswith("[")] == list(range(10))


def test_64_connections_100_requests_each(lab, libmodbus_device, gateway, root):
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        results = list(pool.map(
            lambda _: lab.client.run([peer(root), "flood", LISTEN_ADDRESS, 502, 100], timeout=300),
            range(64)))
    assert [r.stdout for r in results if r.returncode] == []


def test_the_device_is_addressed_only_by_the_gateway(lab, libmodbus_device, gateway, observer):
    """What a client sends to the device's own address from outside goes nowhere."""
    lab.client.ip("route", "add", "192.168.95.0/24", "via", LISTEN_ADDRESS)
    with pytest.raises(OSError):
        lab.connect(DEVICE_ADDRESS, timeout=1.5)
    with pytest.raises(OSError):
        lab.connect("192.168.95.1", timeout=1.5)
    assert observer.requests() == []

# SPDX-License-Identifier: BSD-2-Clause
"""Modbus over UDP: pymodbus's client and server through the gateway, both transports, both modes."""
import socket
import struct
import subprocess
import sys
import time

import pytest
from pymodbus.client import ModbusUdpClient

import lab as lab_module
from capture import Capture
from lab import CLIENT_ADDRESS, DEVICE_ADDRESS, LISTEN_ADDRESS
from walk import adu, read, receive, write

pytestmark = pytest.mark.e2e

CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: plant
    protocol: modbus-tcp
    transport: udp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    pipeline: 1  # pymodbus's server loses a datagram that comes before the last is answered
    timeout: 5s
    rules:
      - { allow: read, from: hmi, unit: 1, address: 0-99 }
      - { allow: write, from: hmi, unit: 1, address: 0-59 }
  - name: by-tcp
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    device-transport: udp
    timeout: 5s
    rules:
      - { allow: read, from: hmi, unit: 1, address: 0-99 }
  - name: to-tcp
    protocol: modbus-tcp
    transport: udp
    device-transport: tcp
    listen: 192.168.96.2:1502
    device: 192.168.95.2:502
    timeout: 5s
    rules:
      - { allow: read, from: hmi, unit: 1, address: 0-99 }
"""

ONE_WAY = """
gateway:
  mode: one-way
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: echoes
    protocol: modbus-tcp
    transport: udp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    one-way-reply: echo
    rules: [{ allow: write, from: hmi, unit: 1, address: 0-59 }]
  - name: silent
    protocol: modbus-tcp
    transport: udp
    device-transport: tcp
    listen: 192.168.96.2:1502
    device: 192.168.95.2:502
    rules: [{ allow: write, from: hmi, unit: 1, address: 0-59 }]
  - name: door # the lab waits for a connection
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
"""

SERVER = """
import asyncio, sys
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import StartAsyncTcpServer, StartAsyncUdpServer

async def main(address):
    block = ModbusSequentialDataBlock(1, list(range(200)))
    context = ModbusServerContext(ModbusDeviceContext(hr=block), single=True)
    await asyncio.gather(StartAsyncUdpServer(context, address=(address, 502)),
                         StartAsyncTcpServer(context, address=(address, 502)))

asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def server(lab):
    """pymodbus as a device that has its registers over UDP and over TCP."""
    process = lab.device.popen([sys.executable, "-W", "ignore", "-c", SERVER, DEVICE_ADDRESS])
    lab_module.until(lambda: lab.device.run(["ss", "-Hlutn"]).stdout.count(f"{DEVICE_ADDRESS}:502 ") == 2,
                     "the device does not listen", 60)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def udp_gateway(request, lab, tmp_path, sluice):
    config = tmp_path / "sluice.yaml"
    config.write_text(request.param)
    with lab_module.Gateway(lab, sluice, config, tmp_path / "audit.json") as gateway:
        yield gateway


def client_of(lab, port=502):
    with lab.client.inside():
        client = ModbusUdpClient(LISTEN_ADDRESS, port=port, source_address=(CLIENT_ADDRESS, 0),
                                 timeout=20, retries=0)
        assert client.connect()
    return client


def udp(lab, port=502, source=CLIENT_ADDRESS):
    with lab.client.inside():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind((source, 0))
    sender.connect((LISTEN_ADDRESS, port))
    sender.settimeout(20)
    return sender


def transports(lab, path, *, of):
    """Protocols and payloads of what `of` was sent on port 502 by a capture, in order."""
    result = subprocess.run(
        ["tshark", "-r", path, "-Y", f"ip.dst == {of} && (udp.dstport == 502 || (tcp.dstport == 502"
         " && tcp.len > 0))", "-T", "fields", "-e", "ip.proto", "-e", "udp.payload", "-e",
         "tcp.payload"], capture_output=True, text=True, check=True)
    return [(int(line.split("\t")[0]), bytes.fromhex("".join(line.split("\t")[1:])))
            for line in result.stdout.splitlines()]


@pytest.fixture
def wire(lab, tmp_path):
    """tcpdump of all on the device's wire; call it for what the device was sent."""
    path = tmp_path / "wire.pcap"
    capture = Capture(lab.device, "dev0", path, "ip")

    def seen():
        capture.end()
        return transports(lab, path, of=DEVICE_ADDRESS)
    yield seen
    capture.kill()


def test_pymodbus_client_and_server(lab, server, gateway):
    client = client_of(lab)
    assert client.read_holding_registers(0, count=100, device_id=1).registers == list(range(100))
    assert not client.write_register(2, 777, device_id=1).isError()
    assert not client.write_registers(10, [7, 8, 9], device_id=1).isError()
    assert client.read_holding_registers(2, count=1, device_id=1).registers == [777]
    denied = client.write_register(60, 1, device_id=1)
    assert denied.isError() and denied.exception_code == 2
    client.close()
    opened = gateway.wait_audit(lambda line: line.get("event") == "session-open" and
                                line["service"] == "plant")
    assert opened and opened["proto"] == "UDP"


@pytest.mark.parametrize("udp_gateway", [CONFIG], indirect=True, ids=["two-way"])
def test_each_side_has_its_transport(lab, server, udp_gateway, wire):
    client = client_of(lab)
    assert client.read_holding_registers(5, count=1, device_id=1).registers == [5]
    client.close()
    connection = lab.connect()
    connection.sendall(adu(1, read(6, 1)))
    assert receive(connection, 1, 20) == [adu(1, b"\x03\x02\x00\x06")]
    connection.close()
    client = client_of(lab, 1502)
    assert client.read_holding_registers(7, count=1, device_id=1).registers == [7]
    client.close()
    assert [(protocol, struct.unpack(">H", payload[8:10])[0]) for protocol, payload in wire()] == \
        [(17, 5), (17, 6), (6, 7)]


@pytest.mark.parametrize("udp_gateway", [CONFIG], indirect=True, ids=["two-way"])
def test_datagrams_good_and_bad(lab, server, udp_gateway, wire):
    """Two messages in one datagram; what is not whole, not Modbus or not allowed; a stranger."""
    sender = udp(lab)
    sender.send(adu(1, read(0, 1)) + adu(2, read(1, 1)))
    assert [sender.recv(300), sender.recv(300)] == \
        [adu(1, b"\x03\x02\x00\x00"), adu(2, b"\x03\x02\x00\x01")]
    sender.send(adu(3, read(0, 1))[:-1])
    sender.send(adu(4, read(0, 1)) + b"\x00")
    sender.send(b"\x00" * 1400)
    sender.send(adu(5, read(0, 1)).replace(b"\x00\x05\x00\x00", b"\x00\x05\x00\x01"))
    sender.send(adu(6, read(100, 1)))
    assert sender.recv(300) == adu(6, b"\x83\x02")
    sender.send(adu(7, read(0, 0)))  # malformed
    assert sender.recv(300) == adu(7, b"\x83\x03")
    lab.client.ip("address", "add", "192.168.96.11/24", "dev", "cl0")
    stranger = udp(lab, source="192.168.96.11")
    stranger.send(adu(8, read(0, 1)))
    assert stranger.recv(300) == adu(8, b"\x83\x01")
    assert udp_gateway.wait_audit(lambda line: line.get("event") == "dropped" and
                                  line["proto"] == "UDP")
    assert [payload[7:] for _, payload in wire()] == [read(0, 1), read(1, 1)]


@pytest.mark.parametrize("udp_gateway", [CONFIG], indirect=True, ids=["two-way"])
def test_a_silent_device_is_asked_once(lab, udp_gateway, wire):
    """Nobody answers at the device's port: a reply for the client in time, and no second try."""
    with lab.device.inside():
        deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind((DEVICE_ADDRESS, 502))
    sender = udp(lab)
    sender.send(adu(1, read(0, 1)))
    assert sender.recv(300) == adu(1, b"\x83\x0b")
    time.sleep(1.5)
    assert len(wire()) == 1


@pytest.mark.parametrize("udp_gateway", [ONE_WAY], indirect=True, ids=["one-way"])
def test_one_way(lab, server, udp_gateway, wire):
    """Writes are delivered over either transport; nothing comes back but the echo configured."""
    sender, silent = udp(lab), udp(lab, 1502)
    sender.send(adu(1, write(2, 200)))
    assert sender.recv(300) == adu(1, write(2, 200))
    sender.send(adu(2, write(60, 200)))  # denied; the echo does not say
    assert sender.recv(300) == adu(2, write(60, 200))
    sender.send(adu(3, read(2, 1)))
    silent.send(adu(4, write(3, 300)))
    silent.send(adu(5, write(99, 1)))
    for peer in (sender, silent):
        peer.settimeout(0.7)
        with pytest.raises(TimeoutError):
            peer.recv(300)
    assert udp_gateway.wait_audit(lambda line: line.get("event") == "counters" and
                                  line["component"] == "int_frontend" and line["count"] == 2)
    assert [(protocol, payload[7:]) for protocol, payload in wire()] == \
        [(17, write(2, 200)), (6, write(3, 300))]


def test_check_says_the_transport(tmp_path, sluice):
    config = tmp_path / "sluice.yaml"
    config.write_text(CONFIG)
    result = subprocess.run([sluice, "check", config], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "clients at 192.168.96.2:502 (UDP), device at 192.168.95.2:502 (UDP)" in result.stdout
    assert "clients at 192.168.96.2:502, device at 192.168.95.2:502 (UDP)" in result.stdout
    config.write_text(CONFIG.replace("device-transport: udp", "transport: sctp"))
    result = subprocess.run([sluice, "check", config], capture_output=True, text=True)
    assert "found 'sctp', expected transport: tcp or udp" in result.stderr
    config.write_text(CONFIG.replace(":1502", ":502"))
    result = subprocess.run([sluice, "check", config], capture_output=True, text=True)
    assert "expected an address and port of its own: service 'plant'" in result.stderr

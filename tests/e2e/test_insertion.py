# SPDX-License-Identifier: BSD-2-Clause
"""The gateway put into a plant's cable: nobody gets another address.

Client and device are on one subnet; the gateway answers for the device's address on the client's
side and, on the device's side, has the address of the client that the device knows.
"""
import array
import contextlib
import fcntl
import socket
import struct
import subprocess
import threading
import time

import pytest
from capture import Capture
from lab import Gateway, Lab
from scapy.layers.inet import ICMP, IP
from walk import Plant, adu, read, receive

pytestmark = pytest.mark.e2e

HMI, DEVICE = "192.168.95.10", "192.168.95.2"


class OneSubnet(Lab):
    """The device's address is as it was; the client has one in the same network."""

    def __init__(self):
        super().__init__(client_addresses=(HMI,))

    def connect(self, address=DEVICE, port=502, source=HMI, timeout=20):
        return super().connect(address, port, source, timeout)


@pytest.fixture
def lab(lab):  # the outer one skips where there are no namespaces
    with OneSubnet() as network:
        yield network


def config(tmp_path, external="", internal="", listen=DEVICE, device=DEVICE):
    path = tmp_path / "sluice.yaml"
    path.write_text(f"""
gateway:
  external: {{ nic: ext0, address: {DEVICE}/24{external} }}
  internal: {{ nic: int0, address: {HMI}/24{internal} }}
hosts: {{ hmi: {HMI}, far: 10.1.0.10 }}
services:
  - name: skid
    protocol: modbus-tcp
    listen: {listen}:502
    device: {device}:502
    timeout: 10s
    rules: [{{ allow: read, from: [hmi, far] }}]
""")
    return path


@pytest.fixture
def plant(lab, root):
    it = Plant(lab.device, root, DEVICE)
    yield it
    it.close()


def answered(lab, **options):
    with lab.connect(**options) as connection:
        connection.sendall(adu(1, read(0, 2)))
        replies = receive(connection, 1, 20)
    return len(replies) == 1 and replies[0][7] == 3


@pytest.mark.parametrize("mode", [[], ["--fused"]])
def test_the_devices_address_unchanged(lab, plant, root, sluice, tmp_path, mode):
    with Gateway(lab, sluice, config(tmp_path), tmp_path / "audit.json", *mode) as gateway:
        assert answered(lab)
        assert gateway.wait_audit(lambda line: line.get("dest_ip") == DEVICE and
                                  line.get("src_ip") == HMI and line.get("verdict") == "allow")
    assert plant.seen()


def test_gratuitous_arp_at_start_and_after_restart(lab, plant, sluice, tmp_path):
    wire = Capture(lab.client, "cl0", tmp_path / "arp.pcap",
                   f"arp src host {DEVICE} and arp dst host {DEVICE}")
    with Gateway(lab, sluice, config(tmp_path), tmp_path / "audit.json") as gateway:
        started = gateway.wait_audit(lambda line: line.get("event") == "started")
        pid = next(p["pid"] for p in started["processes"] if p["name"] == "parser_norm_request" or
                   "parser" in p["name"])
        subprocess.run(["kill", "-9", str(pid)], check=True)
        assert gateway.wait_audit(lambda line: line.get("event") == "restarted")
        assert answered(lab)  # so it has begun
    wire.end()
    announced = subprocess.run(["tshark", "-r", wire.path, "-Y", "arp", "-T", "fields", "-e", "eth.dst",
                                "-e", "arp.opcode"], capture_output=True, text=True, check=True).stdout
    assert announced.splitlines() == ["ff:ff:ff:ff:ff:ff\t1"] * 2


def ping(namespace, address, seconds=1):
    """One ICMP echo request a second; True when a reply comes."""
    with namespace.inside():
        echo = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with echo:
        echo.settimeout(1)
        until, asked = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            if time.monotonic() >= until - seconds + asked:
                asked += 1
                echo.sendto(bytes(ICMP(id=77, seq=asked) / b"insertion"), (address, 0))
            try:
                packet = IP(echo.recv(2048))
            except TimeoutError:
                continue
            if packet.src == address and ICMP in packet and packet[ICMP].type == 0:
                return True
    return False


def test_ping_on_or_off_by_side(lab, plant, sluice, tmp_path):
    with Gateway(lab, sluice, config(tmp_path, external=", ping: off"), tmp_path / "a") as _:
        assert answered(lab)
        assert not ping(lab.client, DEVICE)
        assert ping(lab.device, HMI, 30)
    with Gateway(lab, sluice, config(tmp_path, internal=", ping: off"), tmp_path / "b") as _:
        assert ping(lab.client, DEVICE, 30)
        assert not ping(lab.device, HMI)


class Vlan:
    """A station with an address in a VLAN of the wire `interface`, where kernels may lack VLAN
    interfaces: another veth pair, whose far end is bridged to the wire by hand, tag on, tag off."""

    PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, SIOCETHTOOL, ETHTOOL_STXCSUM = 8, 23, 0x8946, 0x17

    def __init__(self, namespace, interface, number, address):
        self.namespace, self.number, self.wrong, self.done = namespace, number, 0, False
        near, far = f"v{number}", f"w{number}"
        namespace.ip("address", "flush", "dev", interface)
        namespace.ip("link", "set", interface, "promisc", "on")
        namespace.ip("link", "add", near, "type", "veth", "peer", "name", far)
        for one in (near, far):
            namespace.ip("link", "set", one, "up")
        namespace.ip("address", "add", f"{address}/24", "dev", near)
        with namespace.inside():
            self.inner, self.wire = self._open(far), self._open(interface)
            self._complete_checksums(near)
        self.threads = [threading.Thread(target=target, daemon=True) for target in (self._out, self._in)]
        for thread in self.threads:
            thread.start()

    def _open(self, interface):
        it = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        it.setsockopt(263, self.PACKET_AUXDATA, 1)
        it.setsockopt(263, self.PACKET_IGNORE_OUTGOING, 1)
        it.bind((interface, 0))
        it.settimeout(0.2)
        return it

    def _complete_checksums(self, interface):
        value = array.array("I", [self.ETHTOOL_STXCSUM, 0])
        request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, self.SIOCETHTOOL, request)

    def _take(self, source):
        """(frame without tag, VLAN or None)"""
        while not self.done:
            try:
                frame, auxiliary, _, _ = source.recvmsg(2048, 256)
            except TimeoutError:
                continue
            status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", auxiliary[0][2][:20])
            yield frame, tci & 0xfff if status & 0x10 else None

    def _out(self):
        for frame, _ in self._take(self.inner):
            self.wire.send(frame[:12] + struct.pack(">HH", 0x8100, self.number) + frame[12:])

    def _in(self):
        for frame, vlan in self._take(self.wire):
            if vlan == self.number:
                self.inner.send(frame)
            else:
                self.wrong += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done = True
        for thread in self.threads:
            thread.join()
        self.inner.close()
        self.wire.close()
        self.namespace.ip("link", "del", f"v{self.number}")


@pytest.mark.parametrize("mode", [[], ["--fused"]])
def test_a_vlan_on_each_side(lab, root, sluice, tmp_path, mode):
    sides = dict(external=", vlan: 7", internal=", vlan: 4094")
    with Vlan(lab.device, "dev0", 4094, DEVICE) as device, \
            contextlib.closing(Plant(lab.device, root, DEVICE)), contextlib.ExitStack() as at_start:
        client = at_start.enter_context(Vlan(lab.client, "cl0", 7, HMI))
        with Gateway(lab, sluice, config(tmp_path, **sides), tmp_path / "audit.json", *mode):
            assert answered(lab)
            assert ping(lab.client, DEVICE, 30)
            assert client.wrong == 0 and device.wrong == 0, "nothing is sent but with the tag"
            at_start.close()
            lab.client.ip("address", "add", f"{HMI}/24", "dev", "cl0")
            assert not ping(lab.client, DEVICE), "the same client without a tag"
            with Vlan(lab.client, "cl0", 8, HMI):
                assert not ping(lab.client, DEVICE), "and with another"
            with Vlan(lab.client, "cl0", 7, HMI):
                assert answered(lab)


def test_tagged_frames_without_a_vlan_are_nobodys(lab, plant, sluice, tmp_path):
    with Gateway(lab, sluice, config(tmp_path), tmp_path / "audit.json"):
        assert answered(lab)
        with Vlan(lab.client, "cl0", 7, HMI):
            assert not ping(lab.client, DEVICE)


def test_static_routes_on_both_sides(lab, sluice, root, tmp_path):
    """Client 10.1.0.10 and device 10.2.0.2, each behind a router of its side."""
    for namespace, address in ((lab.client, "10.1.0.10"), (lab.device, "10.2.0.2")):
        namespace.ip("address", "add", f"{address}/32", "dev", "lo")
    plant = Plant(lab.device, root, "10.2.0.2")
    path = config(tmp_path, device="10.2.0.2",
                  external=f", routes: [{{ to: 10.0.0.0/8, via: 192.168.95.99 }}, "
                           f"{{ to: 10.1.0.0/16, via: {HMI} }}]",
                  internal=f", routes: [{{ to: 10.2.0.0/16, via: {DEVICE} }}]")
    with Gateway(lab, sluice, path, tmp_path / "audit.json"):
        assert answered(lab, source="10.1.0.10")
    plant.close()


def test_several_services_and_addresses_on_one_interface(lab, plant, sluice, tmp_path):
    path = config(tmp_path)
    text = path.read_text()
    entry = text[text.index("  - name"):]
    for number in (3, 4):
        text += entry.replace("skid", f"skid{number}").replace(
            f"listen: {DEVICE}:502", f"listen: 192.168.95.{number}:502")
    text += entry.replace("skid", "skid5").replace(f"listen: {DEVICE}:502",
                                                   f"listen: {DEVICE}:1502")
    path.write_text(text)
    with Gateway(lab, sluice, path, tmp_path / "audit.json"):
        assert all(answered(lab, address=f"192.168.95.{n}") for n in (2, 3, 4))
        assert answered(lab, port=1502)


def test_a_default_route_on_both_sides(lab, sluice, root, tmp_path):
    """Client 10.1.0.10 and device 10.2.0.2 behind the `gateway` of their side."""
    for namespace, address in ((lab.client, "10.1.0.10"), (lab.device, "10.2.0.2")):
        namespace.ip("address", "add", f"{address}/32", "dev", "lo")
    plant = Plant(lab.device, root, "10.2.0.2")
    path = config(tmp_path, device="10.2.0.2", external=f", gateway: {HMI}",
                  internal=f", gateway: {DEVICE}")
    with Gateway(lab, sluice, path, tmp_path / "audit.json"):
        assert answered(lab, source="10.1.0.10")
    plant.close()

# SPDX-License-Identifier: BSD-2-Clause
"""Runs in a network namespace of its own (unshare -Urn): a veth, the NIC driver with a reflecting
frontend on one end, checks from the other. Prints "ok NAME" for each; any failure is an exception.

usage: nic_peer.py NIC_REFLECTOR isolated|merged|fused DIRECTORY"""
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time

reflector, grouping, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
audit = directory / "audit.json"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def events(name):
    lines = audit.read_text().split("\n")[:-1] if audit.exists() else []  # whole ones
    return [e for e in map(json.loads, lines) if e.get("event") == name]


def wait_events(name, count):
    end = time.monotonic() + 30
    while len(events(name)) < count:
        assert time.monotonic() < end, f"no {count} x {name}"
        time.sleep(0.02)


ip("link", "add", "ext0", "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", "peer0")
for nic in ("ext0", "peer0"):
    pathlib.Path(f"/proc/sys/net/ipv6/conf/{nic}/disable_ipv6").write_text("1")
    ip("link", "set", nic, "up")
OURS, PEER = bytes.fromhex("020000000001"), None
peer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
peer.bind(("peer0", 0))
PEER = peer.getsockname()[4]
gateway = subprocess.Popen([reflector, "ext0", grouping, str(audit)])
wait_events("started", 1)


def frame(number, target=OURS, length=60):
    head = target + PEER + struct.pack("!HI", 0x88B5, number)
    return head + bytes(length - len(head))


def replies(seconds=20.0, enough=1):
    """Numbers in the frames that come back."""
    numbers, end = [], time.monotonic() + seconds
    while len(numbers) < enough:
        left = end - time.monotonic()
        if left <= 0:
            break
        peer.settimeout(left)
        try:
            data = peer.recv(65536)
        except TimeoutError:
            break
        if data[6:12] != PEER and data[12:14] == b"\x88\xb5":
            assert data[:6] == PEER
            numbers.append(struct.unpack("!I", data[14:18])[0])
    return numbers


peer.send(frame(1))
assert replies() == [1]
print("ok one frame comes back")

peer.send(frame(2, target=bytes.fromhex("020000000099")))
peer.send(frame(3, target=bytes.fromhex("01005e000001")))
peer.send(frame(4, target=b"\xff" * 6))
assert replies() == [4]  # in order, so that the others would have come before
assert replies(seconds=0.3) == []
print("ok only our address and broadcast pass")

peer.send(frame(5, length=1514))
assert replies() == [5]
print("ok the longest frame passes")

ip("link", "set", "peer0", "mtu", "3000")
ip("link", "set", "ext0", "mtu", "3000")
peer.send(frame(6, length=1515))
peer.send(frame(7, length=3000))
peer.send(frame(8))
assert replies() == [8]
assert replies(seconds=0.3) == []
print("ok a frame too long is dropped")

# At most 192 under way: above the 128 buffers of a queue, within the 256 frames of the ring.
sent = got = 0
while got < 20000:
    while sent < 20000 and sent - got < 192:
        peer.send(frame(1000 + sent))
        sent += 1
    batch = replies(enough=min(64, sent - got))
    assert batch == list(range(1000 + got, 1000 + got + len(batch))), "lost or out of order"
    assert batch, f"stuck after {got} of {sent}"
    got += len(batch)
print("ok 20000 frames, none lost, in order")

# The kernel leaves the checksum of its own UDP over veth to the hardware that is not there.
ip("address", "add", "192.0.2.1/24", "dev", "peer0")
ip("neigh", "add", "192.0.2.2", "lladdr", OURS.hex(":"), "dev", "peer0")
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("192.0.2.1", 4000))
udp.sendto(b"odd length payload.", ("192.0.2.2", 4001))
end, checked = time.monotonic() + 20, False
peer.settimeout(20)
while not checked and time.monotonic() < end:
    data = peer.recv(65536)
    if data[:6] == PEER and data[12:14] == b"\x08\x00" and data[23] == 17:
        segment = data[34:14 + struct.unpack("!H", data[16:18])[0]]
        words = data[26:34] + struct.pack("!HH", 17, len(segment)) + segment + b"\0" * (len(segment) % 2)
        total = sum(struct.unpack(f"!{len(words) // 2}H", words))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        assert total == 0xFFFF, f"checksum not complete: {total:#x}"
        checked = True
assert checked, "no datagram came back"
print("ok a partial checksum is completed")

ip("link", "set", "ext0", "down")
wait_events("component-died", 1)
death = events("component-died")[0]
assert death["fault"] == "network interface is down or gone", death
wait_events("restart-failed", 1)
assert "ext0' is down" in events("restart-failed")[0]["error"]
ip("link", "set", "ext0", "up")
wait_events("restarted", 1)
end, back = time.monotonic() + 30, []
while not back and time.monotonic() < end:  # the wire may be up a little later
    peer.send(frame(9))
    back = replies(seconds=1)
assert back == [9]
print("ok an interface that goes down and comes back")

gateway.terminate()
assert gateway.wait(30) == 0

for name, text in (("nosuch", "interface 'nosuch' not found; existing: lo, peer0, ext0"),
                   ("lo", "not Ethernet")):
    result = subprocess.run([reflector, name, grouping, "/dev/null"], capture_output=True, text=True)
    assert result.returncode == 1 and text in result.stderr, result.stderr
bare = subprocess.run(["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", reflector, "ext0",
                       grouping, "/dev/null"], capture_output=True, text=True)
assert bare.returncode == 1 and "CAP_NET_RAW" in bare.stderr, bare.stderr
print("ok mistakes are told")

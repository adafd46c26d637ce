# SPDX-License-Identifier: BSD-2-Clause
"""One-way mode: writes reach the device, and nothing that the device does reaches the client."""
import contextlib
import signal
import socket
import struct
import subprocess
import threading
import time

import lab as lab_module
import pytest
from capture import Capture
from walk import Plant, adu, read, receive, write

pytestmark = pytest.mark.e2e

CONFIG = """
gateway:
  mode: one-way
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts:
  hmi: 192.168.96.10
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 5s
    pipeline: 1  # pymodbus loses one that comes before the last is answered
    one-way-reply: echo
    rules:
      - { allow: write-single-register, from: hmi, unit: 1, address: 2, value: 150-250 }
  - name: silent
    protocol: modbus-tcp
    listen: 192.168.96.2:1502
    device: 192.168.95.2:502
    timeout: 5s
    pipeline: 1  # pymodbus loses one that comes before the last is answered
    rules:
      - { allow: write, from: hmi, unit: 1, address: 0-9 }
"""


HASTY = CONFIG.replace("timeout: 5s", "timeout: 1s")


def delivered(line):
    """How many requests were written to devices, where the line says it."""
    if line.get("event") == "counters" and line["component"] == "int_frontend":
        return line["count"]


def values(observer):
    """(address, value) of every write of a single register on the device's wire."""
    return [(r["modbus.reference_num"][0], r["modbus.data"][0]) for r in observer.requests()]


def test_allowed_arrives_denied_does_not(lab, plant, gateway, observer):
    connection = lab.connect()
    connection.sendall(adu(1, write(2, 200)) + adu(2, write(2, 900)) + adu(3, write(3, 200)) +
                       adu(4, read(0, 1)) + adu(5, write(2, 180)))
    # The echo is made of the request alone: of denied writes too. A read has none.
    assert receive(connection, 4, 20) == [adu(1, write(2, 200)), adu(2, write(2, 900)),
                                          adu(3, write(3, 200)), adu(5, write(2, 180))]
    assert receive(connection, 1, 0.3) == []
    assert gateway.wait_audit(lambda line: delivered(line) == 2)

    def verdicts():
        return [(line["verdict"], line["reason"]) for line in gateway.audit()
                if line.get("event") == "message"]
    lab_module.until(lambda: len(verdicts()) >= 5, verdicts)
    assert verdicts() == [("allow", None), ("deny", "no-rule-for-value"),
                          ("deny", "no-rule-for-address"), ("deny", "no-rule-for-function"),
                          ("allow", None)]
    assert values(observer) == [(2, 200), (2, 180)]


def test_without_echo_nothing_is_said(lab, plant, gateway, observer):
    connection = lab.connect(port=1502)
    connection.sendall(adu(1, write(1, 77)) + adu(2, read(0, 1)))
    assert receive(connection, 1, 0.7) == []
    assert gateway.wait_audit(lambda line: delivered(line) == 1)
    assert values(observer) == [(1, 77)]


def test_a_session_that_ends_ends_at_the_device(lab, plant, gateway):
    for number in range(3):
        connection = lab.connect()
        connection.sendall(adu(number, write(2, 200)))
        assert receive(connection, 1, 20) == [adu(number, write(2, 200))]
        connection.close()
    assert gateway.wait_audit(lambda line: delivered(line) == 3)
    lab_module.until(lambda: [line["event"] for line in gateway.audit()].count("device-close") == 3)


class Device:
    """What may stand at the device's address, each as different from the others as can be."""

    def __init__(self, lab, root, kind):
        self.kind, self.stop, self.threads = kind, False, []
        self.plant = self.listener = None
        if kind in ("answers", "dies"):
            self.plant = Plant(lab.device, root)
        elif kind == "absent":
            lab.device.ip("link", "set", "dev0", "down")
        elif kind != "refuses":
            with lab.device.inside():
                self.listener = socket.create_server((lab_module.DEVICE_ADDRESS, 502))
            self.listener.settimeout(0.1)
            self.threads.append(threading.Thread(target=self._serve, daemon=True))
            self.threads[-1].start()

    def _serve(self):
        held = []
        while not self.stop:
            try:
                connection = self.listener.accept()[0]
            except TimeoutError:
                continue
            if self.kind == "closes":
                connection.close()
            elif self.kind == "resets":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            elif self.kind == "babbles":
                with contextlib.suppress(OSError):  # the gateway has enough of it
                    connection.sendall(b"\xff" * 3000)
            held.append(connection)

    def halfway(self):
        if self.kind == "dies":
            self.plant.signal(signal.SIGKILL)

    def close(self, lab):
        self.stop = True
        for thread in self.threads:
            thread.join()
        if self.listener:
            self.listener.close()
        if self.plant:
            self.plant.close()
        if self.kind == "absent":
            lab.device.ip("link", "set", "dev0", "up")


def client_sees(lab, device, path):
    """Every frame from the gateway to the client of one fixed conversation, without what TCP
    chooses at random: relative sequence numbers, no ports, no IP identification."""
    capture = Capture(lab.client, "cl0", path)
    connection = lab.connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number in range(8):
        if number == 4:
            device.halfway()
        connection.sendall(adu(number, write(2, 150 + number)))
        assert receive(connection, 1, 20) == [adu(number, write(2, 150 + number))]
        time.sleep(0.1)
    time.sleep(1.3)  # the device's time-out passes
    connection.sendall(adu(99, write(3, 1)))
    assert receive(connection, 1, 20) == [adu(99, write(3, 1))]
    connection.close()
    capture.end()
    fields = ["frame.len", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.window_size_value",
              "tcp.options.mss_val", "ip.ttl", "tcp.payload"]
    command = ["tshark", "-r", path, "-Y", f"ip.src == {lab_module.LISTEN_ADDRESS}", "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    frames = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    while frames and not frames[-1].split("\t")[-1]:
        frames.pop()  # a busy machine may acknowledge the client's end and end in one frame or two
    return frames


def common_sight(look, kinds, rounds=8):
    """look(kind) -> frames. What was seen of each kind at least once. A busy machine may acknowledge
    a request in a frame of its own before the echo is ready: then those that lack what most have
    shown are looked at again."""
    seen = {kind: set() for kind in kinds}
    lacking = kinds
    for _ in range(rounds):
        for kind in lacking:
            seen[kind].add(tuple(look(kind)))
        common = max(set().union(*seen.values()),
                     key=lambda sight: sum(sight in sights for sights in seen.values()))
        lacking = [kind for kind in kinds if common not in seen[kind]]
        if not lacking:
            return common
    raise AssertionError("\n".join(f"{kind}: {sorted(sights)}" for kind, sights in seen.items()))


def test_the_client_cannot_tell_what_the_device_does(lab, root, tmp_path, sluice):
    config = tmp_path / "sluice.yaml"
    config.write_text(HASTY)

    def look(kind):
        device = Device(lab, root, kind)
        try:
            with lab_module.Gateway(lab, sluice, config, tmp_path / f"{kind}.json") as gateway:
                frames = client_sees(lab, device, tmp_path / f"{kind}.pcap")
                assert not any(line.get("event") == "component-died" for line in gateway.audit())
        finally:
            device.close(lab)
        return frames
    assert len(common_sight(look, ("answers", "refuses", "closes", "resets", "silent", "babbles", "dies",
                                   "absent"))) >= 10


SLOW_LOOKS = CONFIG.replace("mode: one-way", "mode: one-way\n  outstanding: 32\n  one-way-poll: 100ms\n"
                                             "  audit: { lines: each }")


@pytest.mark.parametrize("mode", [[], ["--fused"]], ids=["isolated", "fused"])
def test_loss_under_overload_is_counted(lab, plant, observer, tmp_path, sluice, mode):
    """sent = denied + malformed + delivered + lost, lost being the ring's, for want of room and
    not sent in time; and what was delivered is what the device's wire carried."""
    config = tmp_path / "sluice.yaml"
    config.write_text(SLOW_LOOKS)
    with lab_module.Gateway(lab, sluice, config, tmp_path / "audit.json", *mode) as gateway:
        clients = [lab.connect(port=1502) for _ in range(4)]
        clients[0].sendall(adu(0, write(0, 1)))
        assert gateway.wait_audit(lambda line: delivered(line) == 1)  # and what was in the ring before
        for number in range(3):
            for client in clients:  # 192 that are allowed, for a ring of 32
                client.sendall(b"".join(
                    adu(n, write(10, 1) if n % 10 == 0 else write(0, n) if n % 10 != 1 else b"\x06\0\0")
                    for n in range(60)))
            limit = time.monotonic() + 30
            while True:  # the next ones when it is said what became of these
                lines = gateway.audit()
                verdicts = [line["verdict"] for line in lines if line.get("event") == "message"]
                counts = {verdict: verdicts.count(verdict) for verdict in ("allow", "deny", "malformed")}
                arrived = max((delivered(line) or 0 for line in lines), default=0)
                lost = sum(line["count"] for line in lines if line.get("event") == "dropped")
                failed = len([line for line in lines if line.get("event") == "request-failed"])
                if len(verdicts) >= 1 + 240 * (number + 1) and counts["allow"] <= arrived + lost + failed:
                    break
                assert time.monotonic() < limit, (counts, arrived, lost, failed)
                time.sleep(0.1)
        for client in clients:  # all of it was taken
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
    print(counts, {"delivered": arrived, "lost": lost, "failed": failed})
    assert not [line for line in lines if line.get("event") == "audit-lost"]
    assert counts == {"allow": 577, "deny": 72, "malformed": 72}
    assert counts["allow"] == arrived + lost + failed
    assert lost > 0 and arrived > 0
    assert len(observer.requests()) == arrived


def test_check_refuses_what_needs_a_reply(tmp_path, sluice):
    config = tmp_path / "sluice.yaml"
    config.write_text(CONFIG.replace("allow: write,", "allow: [write, read, 23, diagnostics],"))
    result = subprocess.run([sluice, "check", config], capture_output=True, text=True)
    line = next(number for number, text in enumerate(config.read_text().splitlines(), 1)
                if "diagnostics" in text)
    assert result.returncode == 1
    for word in ("'read'", "'23'", "'diagnostics'"):
        assert f"{config}:{line}:18: found {word} allowed in one-way mode" in result.stderr
    assert "'write'" not in result.stderr


def test_a_slow_look_at_the_ring_loses_what_it_has_no_room_for(lab, plant, tmp_path, sluice):
    """32 slots, looked at every 0.1 to 0.8 s: of 400 requests at once some are overwritten, and counted."""
    config = tmp_path / "sluice.yaml"
    config.write_text(SLOW_LOOKS)
    with lab_module.Gateway(lab, sluice, config, tmp_path / "audit.json") as gateway:
        connection = lab.connect(port=1502, timeout=60)
        connection.sendall(b"".join(adu(number, write(0, 1)) for number in range(400)))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
        limit = time.monotonic() + 30
        while True:
            lines = gateway.audit()
            lost = {reason: sum(line["count"] for line in lines if line.get("event") == "dropped" and
                                line["reason"] == reason) for reason in ("one-way-lost", "capacity")}
            became = sum(lost.values()) + max((delivered(line) or 0 for line in lines), default=0)
            if became >= 400 - 1:  # the session's end has a slot too, and may be what was lost
                break
            assert time.monotonic() < limit, lost
            time.sleep(0.1)
    assert lost["one-way-lost"] > 0, lost

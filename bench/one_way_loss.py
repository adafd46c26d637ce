# SPDX-License-Identifier: BSD-2-Clause
"""Where losses begin in one-way mode: the table of docs/bench.md, "One-way mode: where losses begin".

    make bench-one-way          as root, or in `unshare -Urn`

Clients write at a steady rate, or at once after a pause, to a device that answers at once; client and
device on one CPU, the gateway on another. For each row the highest rate and the largest burst of which
nothing was lost, and the lowest of which something was, and where: `ring` (one-way-lost), `hand` (capacity:
beyond `quota` or `outstanding` in hand at the internal side), `late` (not sent within `timeout`).
"""
import datetime
import itertools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import lab as lab_module
import walk

CONFIG = """
gateway:
  mode: one-way
  external: {{ nic: ext0, address: 192.168.96.2/24 }}
  internal: {{ nic: int0, address: 192.168.95.1/24 }}
  outstanding: {outstanding}
  client-outstanding: {outstanding}
  quota: {quota}
  one-way-poll: {poll}
  audit: {{ lines: each }}
services:
  - name: bench
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 2s
    pipeline: 16
    rules:
      - {{ allow: write, unit: 1, address: 0-200 }}
"""
RATES = [500, 1000, 2000, 4000, 8000, 16000, 32000]
BURSTS = [8, 16, 32, 56, 112, 224, 448, 896]
WINDOW = 536  # of a client's connection, bytes (src/net/limits.h)
SECONDS, ROUNDS = 0.7, 2
MESSAGES = {"12 bytes": walk.write(2, 200),
            "259 bytes": bytes([16, 0, 0, 0, 123, 246]) + bytes(246)}
REASONS = {"one-way-lost": "ring", "capacity": "hand"}

# size, clients, outstanding (slots), quota, poll, fused
ROWS = [(size, clients, outstanding, quota, poll, fused)
        for fused in (False, True)
        for size, clients, outstanding, quota, poll in (
            ("12 bytes", 1, 192, 16, "0.25ms"), ("12 bytes", 16, 192, 16, "0.25ms"),
            ("259 bytes", 16, 192, 16, "0.25ms"), ("12 bytes", 16, 256, 256, "0.25ms"),
            ("12 bytes", 16, 256, 256, "2ms"), ("12 bytes", 16, 256, 256, "10ms"),
            ("12 bytes", 16, 32, 32, "0.25ms"), ("12 bytes", 16, 32, 32, "2ms"))]


class Gateway:
    def __init__(self, row, scratch):
        self.size, clients, outstanding, quota, poll, fused = row
        self.cpus = sorted(os.sched_getaffinity(0))
        self.lab = lab_module.Lab().__enter__()
        self.device = self.lab.device.popen(
            ["taskset", "-c", self.cpus[0], ROOT / "build/bench/device", lab_module.DEVICE_ADDRESS,
             502], stdout=subprocess.PIPE)
        self.device.stdout.readline()
        config = scratch / "sluice.yaml"
        config.write_text(CONFIG.format(outstanding=outstanding, quota=quota, poll=poll))
        self.audit = scratch / "audit.json"
        self.audit.write_text("")
        self.gateway = lab_module.Gateway(self.lab, ROOT / "build/sluice", config, self.audit,
                                          "--cpu", str(self.cpus[-1]),
                                          *(["--fused"] if fused else []))
        self.gateway.__enter__()
        self.sockets = [self.lab.connect() for _ in range(clients)]
        for connection in self.sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
            connection.settimeout(60)
        self.message = walk.adu(1, MESSAGES[self.size])
        self.told = {"delivered": 0, "ring": 0, "hand": 0, "late": 0}
        self.read = 0

    def close(self):
        for connection in self.sockets:
            connection.close()
        self.gateway.__exit__()
        self.device.kill()
        self.device.wait()
        self.lab.__exit__()

    def look(self):
        """What the internal side has said so far."""
        with open(self.audit, "rb") as lines:
            lines.seek(self.read)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self.read += len(line)
                if b'"int_frontend"' not in line:
                    continue
                line = json.loads(line)
                if line["event"] == "counters":
                    self.told["delivered"] = line["count"]
                elif line["event"] == "dropped":
                    self.told[REASONS[line["reason"]]] += line["count"]
                elif line["event"] == "request-failed":
                    self.told["late"] += line.get("count", 1)
        return dict(self.told)

    def attempt(self, send):
        """What became of what `send` sends, when all of it is accounted for."""
        before = self.look()
        sent = send()
        limit = time.monotonic() + 120  # a client with a backlog sends it slowly: docs/caveats.md
        while True:
            time.sleep(0.1)
            became = {key: count - before[key] for key, count in self.look().items()}
            if sum(became.values()) >= sent:
                return sent, became
            if time.monotonic() > limit:
                raise SystemExit(f"{sent} sent, only {became} accounted for")

    def steady(self, rate):
        """Sends at `rate` for a while; a connection that is not taken from holds up the others."""
        turn, sent, began = itertools.cycle(self.sockets), 0, time.monotonic()
        while (now := time.monotonic() - began) < SECONDS:
            due = int(now * rate) - sent
            share = max(1, -(-due // len(self.sockets)))
            while due > 0 and time.monotonic() - began < SECONDS:
                next(turn).sendall(self.message * min(share, due))
                sent += min(share, due)
                due -= min(share, due)
            time.sleep(0.0005)
        self.made = sent / (time.monotonic() - began)
        return sent

    def burst(self, size):
        time.sleep(0.05)  # the internal side is at rest
        each = -(-size // len(self.sockets))
        sent = 0
        for connection in self.sockets:
            connection.sendall(self.message * min(each, size - sent))
            sent += min(each, size - sent)
            if sent == size:
                return sent


def search(gateway, sizes, send):
    """(the largest of which nothing was lost, the first of which something was, where)."""
    good = 0
    for size in sizes:
        if send == gateway.burst and size * len(gateway.message) > WINDOW * len(gateway.sockets):
            return good, None, []  # TCP holds the clients back
        lost = {}
        for _ in range(ROUNDS):
            sent, became = gateway.attempt(lambda: send(size))
            for where in ("ring", "hand", "late"):
                lost[where] = lost.get(where, 0) + became[where]
        if any(lost.values()):
            return good, size, [where for where in lost if lost[where]]
        if send == gateway.steady and gateway.made < 0.9 * size:
            return int(gateway.made), None, []  # the external side takes no more than this
        good = size
    return good, None, []


def cell(found):
    good, bad, where = found
    return f"{good} | " + (f"{bad} ({', '.join(where)})" if bad else "-")


def main():
    lab_module.enter()
    print(f"On {datetime.date.today()}, load average {os.getloadavg()[0]:.1f} at the start, "
          f"{ROUNDS} rounds of {SECONDS} s.\n")
    print("| mode | message | clients | slots | `quota` | `one-way-poll` | steady, a second: none lost at "
          "| lost at | at once: none lost of | lost of |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in ROWS:
        size, clients, outstanding, quota, poll, fused = row
        with tempfile.TemporaryDirectory() as scratch:
            gateway = Gateway(row, pathlib.Path(scratch))
            try:
                bursts = search(gateway, BURSTS, gateway.burst)
                rates = search(gateway, RATES, gateway.steady)
            finally:
                gateway.close()
        slots = 1 << (outstanding - 1).bit_length()
        print(f"| {'fused' if fused else 'isolated'} | {size} | {clients} | {slots} | {quota} | {poll} "
              f"| {cell(rates)} | {cell(bursts)} |", flush=True)


if __name__ == "__main__":
    main()

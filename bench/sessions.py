# SPDX-License-Identifier: BSD-2-Clause
"""One and 1000 rules with 1, 100 and 1000 sessions; and what one client's misbehaviour costs another.

    python bench/sessions.py [ROUNDS [SECONDS]]      as root, or in `unshare -Urn`

The tables of docs/bench.md, "Rules and sessions" and "Fairness".
"""
import datetime
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import roundtrip
from roundtrip import ROOT, lab_module
from walk import adu, read

HISTORIAN = lab_module.HISTORIAN_ADDRESS
CONFIG = """
gateway:
  external: {{ nic: ext0, address: 192.168.96.2/24 }}
  internal: {{ nic: int0, address: 192.168.95.1/24 }}
  sessions: 1024
  client-sessions: 1024
  outstanding: 256
  client-outstanding: {client_outstanding}
  audit: {{ lines: summary }}
services:
  - name: bench
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 5s
    rules:
"""


def rules(count):
    return "".join(f"      - {{ allow: read, unit: 1, address: {10 * i}-{10 * i + 5} }}\n"
                   for i in range(count))


class Gateway(roundtrip.Contender):
    """A gateway with so many rules; it alone on its CPU where there are two."""

    def __init__(self, scratch, rule_count, fused=False, client_outstanding=128):
        cpus = sorted(os.sched_getaffinity(0))
        self.rule_count, self.fused, self.client_outstanding = rule_count, fused, client_outstanding
        self.before = []  # in front of the command of whoever measures
        super().__init__(f"rules-{rule_count}-{fused}-{client_outstanding}", scratch, str(cpus[0]),
                         str(cpus[-1]))

    def start(self):
        config = self.scratch / "sluice.yaml"
        config.write_text(CONFIG.format(client_outstanding=self.client_outstanding) +
                          rules(self.rule_count))
        self.gateway = lab_module.Gateway(
            self.lab, ROOT / "build/sluice", config, self.scratch / "audit.json",
            "--cpu", self.gateway_cpu, *(["--fused"] if self.fused else []))
        self.gateway.__enter__()

    def load(self, connections, seconds, *more):
        """The load program's measurements, as a dictionary."""
        return self.measure_with([connections, seconds, *more], seconds)

    def measure_with(self, arguments, seconds):
        for _ in range(5):  # the sessions of the load before may not be gone yet
            result = self.lab.client.run(
                [*self.before, "taskset", "-c", self.client_cpu, ROOT / "build/bench/load",
                 self.address, 502, *arguments], timeout=seconds + 120)
            if result.stdout:
                return json.loads(result.stdout)
            time.sleep(3)
        raise RuntimeError(result.stderr)

    def measure_first(self):
        """Who measures, and the device, run before whoever else uses their CPU: what they wait for
        is the gateway. False where this may not be asked for."""
        if subprocess.run(["chrt", "-f", "20", "true"], stderr=subprocess.DEVNULL).returncode != 0:
            return False
        self.before = ["chrt", "-f", "20"]
        return subprocess.run(["chrt", "-f", "-p", "20", str(self.device.pid)]).returncode == 0

    def popen_load(self, *arguments):
        return self.popen(self.lab.client, [ROOT / "build/bench/load", self.address, 502,
                                            *arguments], self.client_cpu,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.gateway.__exit__()
        super().close()


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def sessions(scratch, rounds, seconds):
    print("| rules | sessions | used | p50 µs | p99 µs | requests/s | errors |\n"
          "|---|---|---|---|---|---|---|")
    gateways = [Gateway(scratch, count) for count in (1, 1000)]
    cases = [(1, 0), (1, 99), (1, 999), (100, 0), (1000, 0)]
    samples = {}
    for _ in range(rounds):
        for gateway in gateways:
            for used, idle in cases:
                samples.setdefault((gateway.rule_count, used, idle), []).append(
                    gateway.load(used, seconds, idle))
                time.sleep(0.5)  # until the connections are gone
    for (count, used, idle), rows in samples.items():
        print(f"| {count} | {used + idle} | {'all' if idle == 0 else used} | "
              f"{median(rows, 'p50'):.0f} | {median(rows, 'p99'):.0f} | "
              f"{median(rows, 'per_second'):.0f} | {sum(row['errors'] for row in rows)} |", flush=True)
    for gateway in gateways:
        gateway.close()


class NeverReads:
    """Sends requests for as long as they are taken, and reads no reply."""

    def __init__(self, gateway, count=1):
        self.sockets = [gateway.lab.connect(source=HISTORIAN) for _ in range(count)]
        self.done, self.cpu = False, int(gateway.client_cpu)
        self.thread = threading.Thread(target=self._start)
        self.thread.start()

    def _start(self):
        os.sched_setaffinity(0, {self.cpu})
        self._run()

    def _run(self):
        for connection in self.sockets:
            connection.setblocking(False)
        while not self.done:
            for connection in self.sockets:
                try:
                    connection.send(adu(1, read(0, 5)) * 50)
                except BlockingIOError:
                    pass
                except OSError:
                    pass
            time.sleep(0.002)

    def stop(self):
        self.done = True
        self.thread.join()
        for connection in self.sockets:
            connection.close()


class Flood(NeverReads):
    """Sends as fast as it can and reads all that comes back."""

    def _run(self):
        for connection in self.sockets:
            connection.setblocking(False)
        while not self.done:
            for connection in self.sockets:
                try:
                    connection.send(adu(1, read(0, 5)) * 50)
                except OSError:
                    pass
                try:
                    connection.recv(65536)
                except OSError:
                    pass


class Process:
    """500 connections, a request outstanding on each."""

    def __init__(self, gateway):
        self.process = gateway.popen_load(500, 600, 0, HISTORIAN)
        time.sleep(1.5)

    def stop(self):
        self.process.terminate()
        self.process.wait()


CASES = {"is quiet": None, "never reads": NeverReads, "floods on one connection": Flood,
         "floods on 16": lambda gateway: Flood(gateway, 16), "has 500 connections at work": Process}


def fairness(scratch, rounds, seconds):
    # The second: where one client may have fewer of all requests under way.
    gateways = [Gateway(scratch, 10), Gateway(scratch, 10, client_outstanding=16)]
    if not all([gateway.measure_first() for gateway in gateways]):
        print("No real-time priority here (chrt -f): times have waits for the others' CPU in them.\n")
    print("| another client | `client-outstanding` | p50 µs | p99 µs | p99 to its quiet value | errors |\n"
          "|---|---|---|---|---|---|")
    samples = {}
    for _ in range(rounds):
        for gateway in gateways:
            for name, make in CASES.items():
                other = make(gateway) if make else None
                time.sleep(0.3)
                samples.setdefault((name, gateway.client_outstanding), []).append(
                    gateway.load(1, seconds, 0, lab_module.CLIENT_ADDRESS, 5000))
                if other:
                    other.stop()
                time.sleep(1)
    quiet = {which: median(rows, "p99") for (name, which), rows in samples.items()
             if name == "is quiet"}
    for (name, which), rows in samples.items():
        print(f"| {name} | {which} | {median(rows, 'p50'):.0f} | {median(rows, 'p99'):.0f} | "
              f"{median(rows, 'p99') / quiet[which]:.1f} | {sum(row['errors'] for row in rows)} |",
              flush=True)
    for gateway in gateways:
        gateway.close()


def main():
    lab_module.enter()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    print(f"{datetime.date.today()}, {rounds} rounds of {seconds:g} s, medians; load of the machine "
          f"meanwhile {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs\n")
    with tempfile.TemporaryDirectory() as scratch:
        sessions(pathlib.Path(scratch), rounds, seconds)
        print()
        fairness(pathlib.Path(scratch), rounds, seconds)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-2-Clause
"""Round trips and throughput, side by side in one run: every contender has a lab of its own, and
the rounds go through all of them in turn, so that what the machine does meanwhile hits all alike.

Placement is part of the result: `one` puts client, gateway and device on one CPU, `other` the
gateway on a second one.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import lab as lab_module

CONFIG = """
gateway:
  external: {{ nic: ext0, address: 192.168.96.2/24 }}
  internal: {{ nic: int0, address: 192.168.95.1/24 }}
  merge-drivers: {merge}
services:
  - name: bench
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    rules: [{{ allow: read, unit: 1, address: 0-99 }}]
"""
HAPROXY = """
global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen bench
  bind 192.168.96.2:502
  server device 192.168.95.2:502
"""


class Contender:
    """One way from client to device, with its lab; `place` is the CPU of what stands between."""

    def __init__(self, name, scratch, client_cpu, gateway_cpu):
        self.name, self.client_cpu, self.gateway_cpu = name, client_cpu, gateway_cpu
        self.scratch = scratch / f"{name}-{gateway_cpu}"
        self.scratch.mkdir()
        self.lab = lab_module.Lab()
        self.lab.__enter__()
        self.processes = []
        self.address = lab_module.LISTEN_ADDRESS
        self.start()
        self.device = self.popen(self.lab.device, [ROOT / "build/bench/device",
                                                   lab_module.DEVICE_ADDRESS, 502], client_cpu,
                                 stdout=subprocess.PIPE, text=True)
        self.device.stdout.readline()

    def popen(self, namespace, command, cpu, **options):
        process = namespace.popen(["taskset", "-c", cpu, *command], **options)
        self.processes.append(process)
        return process

    def start(self):
        raise NotImplementedError

    def measure(self, connections, seconds):
        result = self.lab.client.run(["taskset", "-c", self.client_cpu, ROOT / "build/bench/load",
                                      self.address, 502, connections, seconds],
                                     timeout=seconds + 60)
        if not result.stdout:
            raise RuntimeError(f"{self.name}: {result.stderr}")
        return json.loads(result.stdout)

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        self.lab.__exit__()


class Bare(Contender):
    """The two cables bridged: what the wire itself costs."""

    def start(self):
        gateway = self.lab.gateway
        gateway.ip("link", "add", "br0", "type", "bridge")
        gateway.ip("link", "set", "ext0", "master", "br0")
        gateway.ip("link", "set", "int0", "master", "br0")
        gateway.ip("link", "set", "br0", "up")
        self.lab.client.ip("route", "add", "192.168.95.0/24", "dev", "cl0")
        self.lab.device.ip("route", "add", "192.168.96.0/24", "dev", "dev0")
        self.address = lab_module.DEVICE_ADDRESS


class Haproxy(Contender):
    def start(self):
        self.lab.gateway.ip("address", "add", "192.168.96.2/24", "dev", "ext0")
        self.lab.gateway.ip("address", "add", "192.168.95.1/24", "dev", "int0")
        config = self.scratch / "haproxy.cfg"
        config.write_text(HAPROXY)
        self.popen(self.lab.gateway, ["haproxy", "-db", "-q", "-f", config], self.gateway_cpu)


class Sluice(Contender):
    merge, options = False, []

    def start(self):
        config = self.scratch / "sluice.yaml"
        config.write_text(CONFIG.format(merge=str(self.merge).lower()))
        self.gateway = lab_module.Gateway(self.lab, ROOT / "build/sluice", config,
                                          self.scratch / "audit.json", "--cpu", self.gateway_cpu,
                                          *self.options)
        self.gateway.__enter__()

    def close(self):
        self.gateway.__exit__()
        super().close()


class Isolated(Sluice):
    pass


class Merged(Sluice):
    merge = True


class Fused(Sluice):
    options = ["--fused"]


CONTENDERS = {"bare link": Bare, "haproxy": Haproxy, "fused": Fused, "isolated": Isolated,
              "isolated, merged drivers": Merged}


def run(scratch, rounds=5, seconds=1.0, connections=(1, 16, 64), names=tuple(CONTENDERS)):
    """{placement: {contender: {connections: {p50, p99, p999, per_second, errors}}}}: medians
    over the rounds."""
    cpus = sorted(os.sched_getaffinity(0))
    placements = {"all on one CPU": (cpus[0], cpus[0])}
    if len(cpus) > 1:
        placements["gateway on the other CPU"] = (cpus[0], cpus[1])
    results = {}
    for placement, (client_cpu, gateway_cpu) in placements.items():
        contenders = []
        try:
            for name in names:
                contenders.append(CONTENDERS[name](name, scratch, str(client_cpu),
                                                   str(gateway_cpu)))
            samples = {}
            for number in range(rounds):
                for contender in contenders:
                    for n in connections:
                        if number == 0:
                            contender.measure(n, 0.2)
                        samples.setdefault((contender.name, n), []).append(
                            contender.measure(n, seconds))
                print(f"{placement}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        finally:
            for contender in contenders:
                contender.close()
        results[placement] = {
            name: {str(n): {key: statistics.median(s[key] for s in samples[name, n])
                            for key in ("p50", "p99", "p999", "per_second", "errors")}
                   for n in connections} for name in names}
        results[placement]["rounds"] = {
            f"{name} {n}": [s["p50"] for s in samples[name, n]]
            for name in names for n in connections}
    return results


if __name__ == "__main__":
    import tempfile
    lab_module.enter()
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(run(pathlib.Path(directory),
                             rounds=int(sys.argv[1]) if len(sys.argv) > 1 else 5), indent=1))

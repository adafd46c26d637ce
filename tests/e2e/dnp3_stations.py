# SPDX-License-Identifier: BSD-2-Clause
"""Where DNP3 stations of other makes stand in a test: with nothing between them, or on the two sides
of a gateway, masters outside or inside, over TCP or UDP."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/dnp3"))
from lab import CLIENT_ADDRESS, DEVICE_ADDRESS, INT_ADDRESS, LISTEN_ADDRESS, Gateway
from peers import PORT, Observer, Station

MASTER, OUTSTATION = 1, 10

CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
services:
  - name: substation
    protocol: dnp3
    listen: 192.168.96.2:20000
    device: 192.168.95.2:20000
    timeout: 6s
    unsolicited: allow
    stations: [{ master: 1, outstation: 10 }]
    rules:
      - allow: [read, restart, time, enable-unsolicited, disable-unsolicited, open-file, close-file]
      - { allow: write, group: 80, index: 7 }
      - { allow: control, group: 12, index: 0-9, operation: [pulse-on, latch-on, latch-off] }
      - { allow: control, group: 41, index: 0-9, value: -100-100 }
      - { allow: freeze, group: 20 }
"""


class Wire:
    """`through`: `direct`, with nothing between, or `gateway`. `inside`: masters are there."""

    def __init__(self, lab, through, scratch, sluice, config=CONFIG, transport="tcp", inside=False):
        self.lab, self.through, self.transport = lab, through, transport
        self.stations, self.gateway = [], None
        # Namespaces and addresses: of masters, what they connect to, of outstations.
        self.masters, self.masters_at, self.listen, self.outstations, self.outstations_at = (
            (lab.device, DEVICE_ADDRESS, INT_ADDRESS, lab.client, CLIENT_ADDRESS) if inside else
            (lab.client, CLIENT_ADDRESS, LISTEN_ADDRESS, lab.device, DEVICE_ADDRESS))
        self.gateway_at = LISTEN_ADDRESS if inside else INT_ADDRESS
        if through == "direct":
            self.masters, self.masters_at, self.listen = (
                self.outstations, self.outstations_at, self.outstations_at)
        interface = "lo" if through == "direct" else "cl0" if inside else "dev0"
        self.observer = Observer(self.outstations, interface, scratch / "wire.pcap")
        path = scratch / "sluice.yaml"
        path.write_text(config)
        self._start_gateway = lambda: Gateway(lab, sluice, path, scratch / "audit.json")

    def start(self):
        if self.through == "gateway" and not self.gateway:
            self.gateway = self._start_gateway().__enter__()

    def outstation(self, make, address=OUTSTATION, **environment):
        return self._station(self.outstations, make, "outstation", self.outstations_at, address, MASTER,
                             self.gateway_at, environment)

    def master(self, make, **environment):
        """Connected, and done with what it does by itself."""
        self.start()
        station = self._station(self.masters, make, "master", self.listen, MASTER, OUTSTATION,
                                self.masters_at, environment)
        if make == "opendnp3":
            station.wait(lambda line: line.get("done") == "enable-unsolicited")
        elif make == "dnp3_python":
            station.printed("OPEN\n")
        return station

    def _station(self, namespace, make, role, address, local, remote, udp, environment):
        """`udp`: the other address of a transport that has no connections."""
        transport = "tcp" if self.transport == "tcp" else f"udp:{udp}"
        station = Station(namespace, make, role, transport, address, PORT, local, remote, **environment)
        self.stations.append(station)
        return station

    def denied(self):
        return [line for line in self.gateway.audit() if line.get("verdict") in ("deny", "malformed")]

    def close(self):
        for station in self.stations:
            station.stop()
        if self.gateway:
            self.gateway.__exit__()
        self.observer.stop()


def pair_of(make):
    return "-".join(make)


def finished(station, verb):
    """How this make calls the end of a master's command."""
    if station.make == "dnp3py" or verb in ("link-status", "read-file"):
        return verb
    return "restart" if verb == "cold-restart" else "user-task"


def ask(station, verb):
    done = station.ask(verb, finished(station, verb.split()[0]))
    assert done["result"] == "success", done
    return done

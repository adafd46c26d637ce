# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 stations of other makes: OpenDNP3 2 and 3, and dnp3py, which shares nothing with them. Each
case with nothing between them, which shows what they do by themselves, and through the gateway."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools/dnp3"))
from lab import DEVICE_ADDRESS, LISTEN_ADDRESS, Gateway
from peers import PORT, Observer, Station

MASTER, OUTSTATION = 1, 10
PAIRS = [("opendnp3", "opendnp3"), ("opendnp3", "dnp3py"), ("dnp3py", "opendnp3"), ("dnp3py", "dnp3py")]
OLD_PAIRS = [("dnp3_python", "dnp3_python"), ("dnp3_python", "dnp3py"), ("dnp3_python", "opendnp3"),
             ("opendnp3", "dnp3_python")]


CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
services:
  - name: substation
    protocol: dnp3
    listen: 192.168.96.2:20000
    device: 192.168.95.2:20000
    timeout: 4s
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
    """Where the stations of a test stand: `direct`, with nothing between, or `gateway`."""

    def __init__(self, lab, through, scratch, sluice):
        self.lab, self.through, self.stations, self.gateway = lab, through, [], None
        self.observer = Observer(lab.device, "lo" if through == "direct" else "dev0",
                                 scratch / "wire.pcap")
        self._start_gateway = lambda: Gateway(lab, sluice, self._config(scratch), scratch / "audit.json",
                                              port=PORT)

    @staticmethod
    def _config(scratch):
        path = scratch / "sluice.yaml"
        path.write_text(CONFIG)
        return path

    def outstation(self, make, **environment):
        return self._station(self.lab.device, make, "outstation", DEVICE_ADDRESS, OUTSTATION, MASTER,
                             environment)

    def master(self, make, **environment):
        """Connected, and done with what it does by itself."""
        direct = self.through == "direct"
        if not direct and not self.gateway:
            self.gateway = self._start_gateway().__enter__()
        station = self._station(self.lab.device if direct else self.lab.client, make, "master",
                                DEVICE_ADDRESS if direct else LISTEN_ADDRESS, MASTER, OUTSTATION,
                                environment)
        if make == "opendnp3":
            station.wait(lambda line: line.get("done") == "enable-unsolicited")
        elif make == "dnp3_python":
            station.printed("OPEN\n")
        return station

    def _station(self, namespace, make, role, address, local, remote, environment):
        station = Station(namespace, make, role, "tcp", address, PORT, local, remote, **environment)
        self.stations.append(station)
        return station

    def close(self):
        for station in self.stations:
            station.stop()
        if self.gateway:
            self.gateway.__exit__()
        self.observer.stop()


@pytest.fixture(params=["direct", "gateway"])
def wire(request, lab, tmp_path, sluice):
    it = Wire(lab, request.param, tmp_path, sluice)
    yield it
    it.close()
    if request.param == "gateway":
        assert it.observer.malformed() == ""
        denied = [line for line in it.gateway.audit() if line.get("verdict") in ("deny", "malformed")]
        assert not denied


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


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_polls_of_all_and_of_events(wire, makes):
    outstation = wire.outstation(makes[1])
    master = wire.master(makes[0])
    ask(master, "integrity")
    mark = outstation.set("binary 3 1")
    outstation.set("analog 2 -77")
    ask(master, "events")
    master.got("binary-input", 3, True)
    master.got("analog-input", 2, -77)
    mark = master.mark()
    ask(master, "read 30 1 0 4")
    master.got("analog-input", 2, -77, mark)


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_controls(wire, makes):
    outstation = wire.outstation(makes[1])
    master = wire.master(makes[0])
    assert master.ask("select-operate 3 close", "command")["status"] == ["success"]
    for what in ("select", "operate"):
        seen = outstation.saw(what)
        assert (seen["index"], seen["operation"], seen["code"], seen["on_time"]) == \
            (3, "pulse-on", "close", 100)
    assert master.ask("direct 4 latch-off", "command")["status"] == ["success"]
    seen = outstation.saw("direct-operate")
    assert (seen["index"], seen["operation"], seen["code"]) == (4, "latch-off", "nul")
    mark = outstation.mark()
    assert master.ask("direct 5 int16=-7", "command")["status"] == ["success"]
    seen = outstation.saw("direct-operate", mark)
    assert (seen["index"], seen["value"]) == (5, -7)


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_freeze_restart_time(wire, makes):
    outstation = wire.outstation(makes[1], TIME_SYNC="None")
    master = wire.master(makes[0])
    outstation.set("counter 2 41")
    ask(master, "freeze")
    ask(master, "freeze-clear")
    ask(master, "cold-restart")
    outstation.saw("cold-restart")
    if makes[0] == "dnp3py":
        ask(master, "time 1795791136206")
    elif makes[1] == "opendnp3":
        outstation.set("need-time 1")
        ask(master, "events")
    outstation.saw("time")
    assert {7, 9, 13, 23} <= set(wire.observer.functions())


@pytest.mark.parametrize("makes", PAIRS, ids=pair_of)
def test_long_responses(wire, makes):
    outstation = wire.outstation(makes[1], POINTS="400")
    master = wire.master(makes[0])
    outstation.set("binary 399 1")
    outstation.set("counter 399 5")
    ask(master, "integrity")
    master.got("binary-input", 399, True)
    master.got("counter", 399, 5)
    wire.close()
    (finals,) = zip(*wire.observer.fields(False, "dnp3.al.fin"))
    assert [0] in finals


@pytest.mark.parametrize("make", ["opendnp3"])
def test_unsolicited(wire, make):
    outstation = wire.outstation("opendnp3", UNSOLICITED="1")
    master = wire.master(make)
    mark = outstation.set("binary 3 1")
    assert master.got("binary-input", 3, True)["unsolicited"]
    outstation.wait(lambda line: line.get("saw") == "confirm" and line["unsolicited"], mark)


def test_files_and_link_status(wire):
    outstation = wire.outstation("opendnp3")
    master = wire.master("opendnp3")
    ask(master, "link-status")
    done = ask(master, "read-file /log")
    assert (done["status"], done["length"]) == ("success", 5000)
    assert done["sum"] == sum(i * 7 & 255 for i in range(5000))
    outstation.saw("close-file")
    assert master.ask("read-file /nothing")["status"] == "file-not-found"


@pytest.mark.parametrize("makes", OLD_PAIRS, ids=pair_of)
def test_the_older_opendnp3(wire, makes):
    outstation = wire.outstation(makes[1])
    master = wire.master(makes[0])
    outstation.set("analog 2 -77")
    master.tell("integrity")
    if makes[0] == "dnp3_python":
        master.printed("[2] : -77 :")
    else:
        master.got("analog-input", 2, -77)
    master.tell("select-operate 3 close")
    assert outstation.saw("select")["index"] == 3
    assert "close" in outstation.saw("operate")["code"]

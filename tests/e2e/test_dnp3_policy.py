# SPDX-License-Identifier: BSD-2-Clause
"""What a policy lets real DNP3 stations do: the example substation, and several masters and
outstations. On the device's wire an observer counts what came through, as tshark decodes it."""
import pathlib
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/dnp3"))
from lab import DEVICE_ADDRESS, HISTORIAN_ADDRESS, LISTEN_ADDRESS, Gateway, until
from peers import PORT, Observer, Station

pytestmark = pytest.mark.e2e

READ, WRITE, SELECT, OPERATE, DIRECT, RESTART = 1, 2, 3, 4, 5, 13
SITE = (ROOT / "systems/substation/sluice.yaml").read_text()
# Who may be both masters here: the lab has one machine for them.
BOTH = SITE.replace("engineer: 192.168.96.20", "engineer: 192.168.96.10")


class World:
    """Gateway, stations and the observer on the device's wire."""

    def __init__(self, lab, scratch, sluice, config):
        self.lab, self.stations = lab, []
        self.observer = Observer(lab.device, "dev0", scratch / "device.pcap")
        path = scratch / "sluice.yaml"
        path.write_text(config)
        self.gateway = Gateway(lab, sluice, path, scratch / "audit.json").__enter__()

    def outstation(self, make, address=10, master=1, **environment):
        return self._add(Station(self.lab.device, make, "outstation", "tcp", DEVICE_ADDRESS, PORT, address,
                                 master, **environment))

    def master(self, make, address=1, outstation=10, wait=True, **environment):
        station = self._add(Station(self.lab.client, make, "master", "tcp", LISTEN_ADDRESS, PORT, address,
                                    outstation, **environment))
        if make == "opendnp3" and wait:
            station.wait(lambda line: line.get("done") == "enable-unsolicited")
        return station

    def _add(self, station):
        self.stations.append(station)
        return station

    def denied(self, reason):
        line = self.gateway.wait_audit(lambda line: line.get("reason") == reason)
        assert line, [line for line in self.gateway.audit() if line["event"] == "message"]
        assert line["verdict"] == "deny"
        return line

    def close(self):
        for station in self.stations:
            station.stop()
        self.gateway.__exit__()
        self.observer.stop()


@pytest.fixture
def world(request, lab, tmp_path, sluice):
    it = World(lab, tmp_path, sluice, getattr(request, "param", SITE))
    yield it
    it.close()
    assert it.observer.malformed() == ""


MAKES = ["opendnp3", "dnp3py"]


@pytest.mark.parametrize("outstation_make", MAKES)
@pytest.mark.parametrize("master_make", MAKES)
def test_controls_only_after_their_select(world, master_make, outstation_make):
    outstation = world.outstation(outstation_make)
    master = world.master(master_make)
    assert master.ask("select-operate 3 close", "command")["status"] == ["success"]
    outstation.saw("operate")
    mark = outstation.mark()
    for refused in ("direct 3 close", "select-operate 4 close", "select-operate 3 latch-on",
                    "direct 1 int16=50", "direct 0 int16=101", "direct 0 int16=-1"):
        assert master.ask(refused, "command")["status"] == ["not-authorized"], refused
    assert master.ask("direct 0 int16=100", "command")["status"] == ["success"]
    outstation.saw("direct-operate", mark)
    assert [line["saw"] for line in outstation.said(mark) if "saw" in line] == ["direct-operate"]
    world.close()
    functions = world.observer.functions()
    assert (functions.count(SELECT), functions.count(OPERATE), functions.count(DIRECT)) == (1, 1, 1)


def test_commands_leave_lines_with_old_and_new_value(world):
    world.outstation("opendnp3")
    master = world.master("dnp3py")
    for value in (100, 90):
        assert master.ask(f"direct 0 int16={value}", "command")["status"] == ["success"]
    for _ in range(3):
        assert master.ask("direct 0 int16=101", "command")["status"] == ["not-authorized"]
    line = world.gateway.wait_audit(lambda line: line.get("new") == [90])
    assert line["verdict"] == "allow" and line["old"] == [100], line
    assert "analog output 0 := 90, master 1 to outstation 10, was 100: allowed" in line["message"]
    told = {}  # on one line, or where that took longer than a second, on two

    def all_told(line):
        if line.get("verdict") == "deny" and "count" in line and line.get("new") == [101]:
            assert line["dnp3"]["sequence"] == 0
            told[line["seq"]] = line["count"]
        return sum(told.values()) == 2
    assert world.gateway.wait_audit(all_told), told


def test_an_operate_without_its_select(world):
    outstation = world.outstation("opendnp3")
    master = world.master("dnp3py")
    done = master.ask("fragment 4 0c01170103810164000000640000 0000", "fragment")
    assert done["status"] == ["not-authorized"] or done["status"] == ["no-select"]
    assert not any("saw" in line for line in outstation.said())
    world.close()
    assert OPERATE not in world.observer.functions()


def test_what_no_rule_allows(world):
    """Answered with internal indications, and nothing of it on the device's wire."""
    outstation = world.outstation("dnp3py")
    master = world.master("dnp3py")
    assert master.ask("freeze")["result"] == "success"
    delete = "46035b011b00 1a000100" + "00" * 22 + "61"
    for refused in ("cold-restart", "freeze-clear", "fragment 18", f"fragment 27 {delete}".replace("00 1a", "001a")):
        done = master.ask(refused, refused.split()[0])
        assert done["result"] == "success" and done["iin"] & 0x700, done
    world.close()
    assert not {RESTART, 9, 18, 27} & set(world.observer.functions())
    assert not any(line.get("saw") == "cold-restart" for line in outstation.said())


def test_another_master_and_another_outstation(world):
    world.outstation("dnp3py")
    stranger = world.master("dnp3py", address=5)
    stranger.tell("integrity")
    world.denied("no-station")
    wrong = world.master("dnp3py", outstation=11)
    wrong.tell("integrity")
    world.gateway.wait_audit(lambda line: line.get("dnp3", {}).get("destination") == 11)
    world.close()
    assert world.observer.functions() == []


def test_events_reach_the_master_and_only_it_confirms(world):
    outstation = world.outstation("opendnp3", UNSOLICITED="1")
    master = world.master("opendnp3")
    mark = outstation.set("binary 3 1")
    assert master.got("binary-input", 3, True)["unsolicited"]
    outstation.wait(lambda line: line.get("saw") == "confirm" and line["unsolicited"], mark)
    mark = outstation.mark()
    master.stop()
    outstation.wait(lambda line: line.get("channel") == "closed", mark)
    # nobody is there to take it: it must not be confirmed by anybody else
    mark = outstation.set("binary 4 1")
    time.sleep(2.5)
    assert not any(line.get("saw") == "confirm" for line in outstation.said(mark))
    again = world.master("opendnp3")
    again.got("binary-input", 4, True)


def opened(world):
    return [line["event"] for line in world.gateway.audit()].count("device-open")


def test_stations_that_leave_and_come_back(world):
    outstation = world.outstation("opendnp3", POINTS="500")
    master = world.master("opendnp3")
    outstation.process.send_signal(19)  # so that the poll is not over before it goes
    before = opened(world)
    mark = master.tell("integrity")
    outstation.process.kill()
    master.wait(lambda line: line.get("result", "success") != "success" or
                line.get("link") == "closed", mark)
    world.outstation("opendnp3", POINTS="500")
    until(lambda: opened(world) > before)  # a poll before that waits for its time-out
    until(lambda: master.ask("integrity", "user-task")["result"] == "success", seconds=60)
    master.tell("integrity")
    master.process.kill()
    again = world.master("opendnp3")
    assert again.ask("integrity", "user-task")["result"] == "success"


MAPPED = BOTH.replace("- { master: 2, outstation: 10 }",
                      "- { master: 2, outstation: 11, device-master: 100, device-outstation: 7 }")


@pytest.mark.parametrize("world", [MAPPED.replace("from: engineer", "from: scada")
                                   .replace("        master: 1\n        group: 60",
                                            "        group: 60")], indirect=True)
@pytest.mark.parametrize("make", MAKES)
def test_other_numbers_at_the_device(world, make):
    outstation = world.outstation(make, address=7, master=100)
    master = world.master("dnp3py", address=2, outstation=11)
    outstation.set("binary 3 1")
    assert master.ask("integrity")["result"] == "success"
    master.got("binary-input", 3, True)
    world.close()
    stations = {(tuple(source), tuple(destination)) for source, destination in
                world.observer.fields(True, "dnp3.src", "dnp3.dst")}
    assert all(set(source) == {100} and set(destination) == {7} for source, destination in stations)


@pytest.mark.parametrize("world", [BOTH.replace("from: scada\n        master: 1\n        group: 60",
                                                "from: scada\n        group: 60")], indirect=True)
def test_two_masters_of_one_outstation(world):
    outstation = world.outstation("dnp3py", master=0)
    first, second = world.master("dnp3py", address=1), world.master("dnp3py", address=2)
    outstation.set("binary 3 1")
    for master in (first, second, first, second):
        assert master.ask("integrity")["result"] == "success"
    first.got("binary-input", 3, True)
    second.got("binary-input", 3, True)
    # what the one may do, the other may not
    assert second.ask("direct 0 int16=50", "command")["status"] == ["not-authorized"]
    assert first.ask("direct 0 int16=50", "command")["status"] == ["success"]


FILES = BOTH.replace("from: engineer\n        master: 2\n        group: 70",
                     "from: scada\n        master: 1\n        group: 70")


@pytest.mark.parametrize("world", [FILES], indirect=True)
def test_files_are_read_and_not_deleted(world):
    outstation = world.outstation("opendnp3")
    master = world.master("opendnp3")
    done = master.ask("read-file /log")
    assert (done["status"], done["length"], done["sum"]) == \
        ("success", 5000, sum(i * 7 & 255 for i in range(5000)))
    done = master.ask("delete-file /log")
    assert done["result"] != "success" or done["status"] != "success"
    assert not any(line.get("saw") == "delete-file" for line in outstation.said())
    world.close()
    assert 27 not in world.observer.functions()

# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 over UDP with OpenDNP3 on both sides, which answers to a port that it was given, not to the one
that a request came from: the gateway speaks to it from that port (device-source-port)."""
import pytest
from dnp3_stations import CONFIG, Wire, ask
from lab import HISTORIAN_ADDRESS, INT_ADDRESS, until
from peers import PORT, Station

pytestmark = pytest.mark.e2e

OVER_UDP = """    transport: udp
    connections: shared
    device-source-port: 20000
"""
SECOND = "192.168.95.3"
UDP = CONFIG.replace("    timeout: 6s\n", "    timeout: 6s\n" + OVER_UDP) + f"""
  - name: second
    protocol: dnp3
    listen: 192.168.96.3:20000
    device: {SECOND}:20000
{OVER_UDP}    stations: [{{ master: 1, outstation: 10 }}]
    rules: [{{ allow: [read, write, enable-unsolicited, disable-unsolicited] }}]
"""


@pytest.fixture
def wire(lab, tmp_path, sluice):
    it = Wire(lab, "gateway", tmp_path, sluice, UDP, transport="udp")
    yield it
    it.close()
    # Both use port 20000; of the outstation's fragments in several datagrams tshark makes nothing.
    assert not [line for line in it.observer.malformed().splitlines() if f"{INT_ADDRESS} \N{RIGHTWARDS ARROW}" in line]
    assert not it.denied()


def test_polls_and_controls(wire):
    outstation = wire.outstation("opendnp3", POINTS="400")
    master = wire.master("opendnp3")
    outstation.set("binary 399 1")
    ask(master, "integrity")
    master.got("binary-input", 399, True)
    outstation.set("analog 2 -77")
    ask(master, "events")
    master.got("analog-input", 2, -77)
    assert master.ask("select-operate 3 close", "command")["status"] == ["success"]
    assert outstation.saw("operate")["code"] == "close"
    assert master.ask("direct 5 int16=-7", "command")["status"] == ["success"]
    assert outstation.saw("direct-operate")["value"] == -7
    ask(master, "link-status")
    wire.close()
    (finals,) = zip(*wire.observer.fields(False, "dnp3.al.fin"))
    assert [0] in finals  # in several fragments


def test_unsolicited_with_confirms(wire):
    outstation = wire.outstation("opendnp3", UNSOLICITED="1")
    master = wire.master("opendnp3")
    mark = outstation.set("binary 3 1")
    assert master.got("binary-input", 3, True)["unsolicited"]
    outstation.wait(lambda line: line.get("saw") == "confirm" and line["unsolicited"], mark)


def test_two_devices_from_one_port(wire, lab):
    lab.device.ip("address", "add", f"{SECOND}/24", "dev", "dev0")
    first = wire.outstation("opendnp3")
    second = Station(lab.device, "opendnp3", "outstation", f"udp:{INT_ADDRESS}", SECOND, PORT, 10, 1)
    wire.stations.append(second)
    one = wire.master("opendnp3")
    other = Station(lab.client, "opendnp3", "master", f"udp:{HISTORIAN_ADDRESS}", "192.168.96.3", PORT, 1, 10)
    wire.stations.append(other)
    first.set("analog 2 1")
    second.set("analog 2 2")
    for master, value in ((one, 1), (other, 2)):
        ask(master, "integrity")
        master.got("analog-input", 2, value)


def test_an_outstation_that_comes_and_goes(wire):
    """What it had not told before it went, it tells when it is back."""
    outstation = wire.outstation("opendnp3")
    master = wire.master("opendnp3")
    ask(master, "integrity")
    outstation.stop()
    assert master.ask("events", "user-task")["result"] != "success"
    again = wire.outstation("opendnp3")
    again.set("analog 2 -77")
    until(lambda: master.ask("integrity", "user-task")["result"] == "success", seconds=60)
    master.got("analog-input", 2, -77)

# SPDX-License-Identifier: BSD-2-Clause
"""Rules with hours and an expiry, by the clock of the machine that the image runs on."""
import pytest
import walk

pytestmark = pytest.mark.microkit

SITE = """
gateway:
  audit: { lines: each }
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: plant
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    rules:
      - { name: shift, allow: read, unit: 1, address: 0,
          when: { days: mon-fri, hours: "06:00-14:00", zone: Europe/Berlin } }
      - { name: work, allow: read, unit: 1, address: 1, expires: "2031-07-01T12:00Z" }
      - { name: always, allow: read, unit: 1, address: 2-99 }
      - { name: quiet, deny: read, unit: 1, address: 3,
          when: { days: sun, zone: UTC } }
"""


@pytest.fixture(scope="module")
def image(build, tmp_path_factory):
    site = tmp_path_factory.mktemp("time") / "site.yaml"
    site.write_text(SITE)
    return build(site=site)[0]


def verdicts(lab, gateway):
    """Reads registers 0 to 3 in turn: (verdict, reason) of each."""
    with lab.connect(timeout=10) as connection:
        for address in range(4):
            connection.sendall(walk.adu(100 + address, walk.read(address, 1)))
            assert len(walk.receive(connection, 1, 10)) == 1
    found = {}
    for address in range(4):
        line = gateway.wait_audit(
            lambda line: line["event"] == "message" and line["modbus"]["transaction"] ==
            100 + address and line["direction"] == "request")
        assert line, gateway.read_log()[-2000:]
        found[address] = (line["verdict"], line["reason"])
    return found, line.get("timestamp")


ALLOW = ("allow", None)
HOURS, EXPIRED = ("deny", "outside-hours"), ("deny", "rule-expired")


@pytest.mark.parametrize("now,shift,work,quiet", [
    # Berlin is two hours ahead in summer and one in winter; 2031-06-30 is a Monday.
    ("2031-06-30T04:05:00", ALLOW, ALLOW, ALLOW),
    ("2031-06-30T03:40:00", HOURS, ALLOW, ALLOW),
    ("2031-06-30T12:05:00", HOURS, ALLOW, ALLOW),
    ("2031-01-06T12:40:00", ALLOW, ALLOW, ALLOW),
    ("2031-07-01T12:00:01", HOURS, EXPIRED, ALLOW),
    ("2031-07-06T08:00:00", HOURS, EXPIRED, ("deny", "deny-rule-for-address")),
])
def test_rules_by_the_clock(boot, lab, libmodbus_device, image, now, shift, work, quiet):
    gateway = boot(image, extra=["-rtc", f"base={now}"])
    found, timestamp = verdicts(lab, gateway)
    assert found == {0: shift, 1: work, 2: ALLOW, 3: quiet}
    assert timestamp.startswith(now[:13])


@pytest.mark.parametrize("year", ["1970", "2019"])
def test_a_clock_that_was_never_set(boot, lab, libmodbus_device, image, year):
    gateway = boot(image, extra=["-rtc", f"base={year}-07-01T00:00:00"])
    found, _ = verdicts(lab, gateway)
    unset = ("deny", "clock-not-set")
    assert {address: verdict[0] for address, verdict in found.items()} == \
        {0: "deny", 1: "deny", 2: "allow", 3: "deny"}
    assert found[0] == found[1] == unset

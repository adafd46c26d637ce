# SPDX-License-Identifier: BSD-2-Clause
"""A site of rules with hours and an expiry, and what it says at which time; for both seL4 hosts."""
import walk

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


def verdicts(lab, gateway):
    """Reads registers 0 to 3 in turn: (verdict, reason) of each."""
    with lab.connect(timeout=30) as connection:
        for address in range(4):
            connection.sendall(walk.adu(100 + address, walk.read(address, 1)))
            assert len(walk.receive(connection, 1, 30)) == 1
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

# now: verdicts of shift and work, then of quiet
CASES = {
    # Berlin is two hours ahead in summer and one in winter; 2031-06-30 is a Monday.
    "2031-06-30T04:05:00": (ALLOW, ALLOW, ALLOW),
    "2031-06-30T03:40:00": (HOURS, ALLOW, ALLOW),
    "2031-06-30T12:05:00": (HOURS, ALLOW, ALLOW),
    "2031-01-06T12:40:00": (ALLOW, ALLOW, ALLOW),
    "2031-07-01T12:00:01": (HOURS, EXPIRED, ALLOW),
    "2031-07-06T08:00:00": (HOURS, EXPIRED, ("deny", "deny-rule-for-address")),
}


def check_case(lab, gateway, now):
    """`gateway` was booted with its clock at `now`."""
    found, timestamp = verdicts(lab, gateway)
    shift, work, quiet = CASES[now]
    assert found == {0: shift, 1: work, 2: ALLOW, 3: quiet}
    assert timestamp.startswith(now[:13])


def check_unset(lab, gateway):
    """`gateway` was booted with a clock that nobody has set."""
    found, _ = verdicts(lab, gateway)
    assert {address: verdict[0] for address, verdict in found.items()} == \
        {0: "deny", 1: "deny", 2: "allow", 3: "deny"}
    assert found[0] == found[1] == ("deny", "clock-not-set")

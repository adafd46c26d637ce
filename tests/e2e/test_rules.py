# SPDX-License-Identifier: BSD-2-Clause
"""Rules in the plant's words with the gateway at work: points, hours, rates, steps, what becomes
of what is denied."""
import contextlib
import datetime
import struct
import time

import lab as lab_module
import pytest
from walk import adu, is_ended, read, receive, write

pytestmark = pytest.mark.e2e

HEAD = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
%s
hosts: { hmi: 192.168.96.10, historian: 192.168.96.20 }
points:
  setpoint: { register: 40003, type: int16, scale: 0.1, unit: °C }
  water: { register: 40001, type: int16, scale: 0.1, unit: °C }
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 10s
    pipeline: 1  # pymodbus loses one that comes before the last is answered
"""


@pytest.fixture(params=["isolated", "fused"])
def run(request, lab, plant, tmp_path, sluice):
    @contextlib.contextmanager
    def start(service, gateway=""):
        config = tmp_path / "sluice.yaml"
        config.write_text(HEAD % gateway + service)
        options = ["--fused"] if request.param == "fused" else []
        with lab_module.Gateway(lab, sluice, config, tmp_path / "audit.json", *options) as it:
            yield it
    return start


class Client:
    def __init__(self, lab, source="192.168.96.10"):
        self.connection = lab.connect(source=source)
        self.transaction = 0

    def ask(self, pdu, timeout=20):
        """The reply's PDU; None where none comes in time."""
        self.transaction += 1
        self.connection.sendall(adu(self.transaction, pdu))
        replies = receive(self.connection, 1, timeout)
        return replies[0][7:] if replies else None

    def write(self, value, address=2):
        return self.ask(write(address, value)) == write(address, value)


def denied(gateway, reason):
    return gateway.wait_audit(lambda line: line.get("verdict") == "deny" and
                              line["reason"] == reason)


def test_points_in_the_plants_units(lab, plant, run):
    with run("""    rules:
      - { allow: read, point: [setpoint, water] }
      - { name: warm, allow: write, point: setpoint, value: 15.0-25.0, from: hmi }
""") as gateway:
        client = Client(lab)
        assert client.write(225)
        assert client.ask(read(2, 1)) == struct.pack(">BBH", 3, 2, 225)
        assert client.ask(write(2, 251)) == b"\x86\x03"
        assert client.ask(read(1, 1)) == b"\x83\x02"
        assert denied(gateway, "no-rule-for-value")
    assert [line["values"] for line in plant.seen() if line["function"] == 6] == [[225]]


def test_max_step_against_what_was_read_and_written(lab, plant, run):
    with run("""    rules:
      - { allow: read }
      - { allow: write, point: setpoint, unit: 1, max-step: 1.0 }
""") as gateway:
        client, other = Client(lab), Client(lab, "192.168.96.20")
        assert client.ask(write(2, 200)) == b"\x86\x03"  # first: deny
        assert denied(gateway, "no-rule-for-step")
        assert other.ask(read(0, 4)) is not None  # the value is 200
        assert client.write(210)
        assert not client.write(199)
        assert client.write(201)
        assert client.ask(struct.pack(">BHHBH", 16, 2, 1, 2, 211)) is not None
        assert not client.write(222)
        assert client.write(221)
    assert [line["values"] for line in plant.seen() if line["function"] in (6, 16)] == \
        [[210], [201], [211], [221]]


def test_max_step_in_a_burst(lab, plant, run):
    """Pipelined writes cannot go further together than one alone from the known value."""
    with run("""    rules:
      - { allow: read }
      - { allow: write, point: setpoint, unit: 1, max-step: 1.0 }
"""):
        client = Client(lab)
        client.ask(read(2, 1))
        burst = [205, 210, 215, 190, 195]
        client.connection.sendall(b"".join(adu(100 + i, write(2, value))
                                           for i, value in enumerate(burst)))
        assert len(receive(client.connection, len(burst), 20)) == len(burst)
    values = [200] + [line["values"][0] for line in plant.seen() if line["function"] == 6]
    assert len(values) > 1
    assert all(abs(after - before) <= 10 for before, after in zip(values, values[1:])), values


def test_max_step_first_allow(lab, plant, run):
    with run("""    rules:
      - { allow: write, point: setpoint, unit: 1, max-step: { by: 1.0, first: allow } }
"""):
        client = Client(lab)
        assert client.write(500)
        assert not client.write(511)
        assert client.write(510)


def test_rate_of_a_rule_a_client_a_service(lab, plant, run):
    with run("""    rate: { limit: 1/h, burst: 9 }
    rules:
      - { allow: read, address: 0, rate: { limit: 1/h, burst: 3 } }
      - { allow: read, address: 1, rate: { limit: 1/h, burst: 2, per: client } }
      - { allow: read, address: 3 }
""") as gateway:
        client, other = Client(lab), Client(lab, "192.168.96.20")
        assert all(c.ask(read(0, 1))[0] == 3 for c in (client, other, client))
        assert other.ask(read(0, 1)) == client.ask(read(0, 1)) == b"\x83\x06"
        for each in (client, other):
            assert [each.ask(read(1, 1))[0] for _ in range(3)] == [3, 3, 0x83]
        assert [client.ask(read(3, 1))[0] for _ in range(3)] == [3, 3, 0x83]
        assert denied(gateway, "rate")
    assert len(plant.seen()) == 9


def test_a_rate_refills(lab, plant, run):
    with run("    rules:\n      - { allow: read, rate: { limit: 1/s, burst: 1 } }\n"):
        client = Client(lab)
        client.connection.sendall(adu(1, read(0, 1)) + adu(2, read(0, 1)))  # decided at once
        assert {reply[1]: reply[7] for reply in receive(client.connection, 2, 20)} == {1: 3, 2: 0x83}
        lab_module.until(lambda: client.ask(read(0, 1)) != b"\x83\x06")


def test_hours_and_expiry(lab, plant, run):
    now = datetime.datetime.now(datetime.timezone.utc)
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    today = days[now.weekday()]
    tomorrow = days[(now.weekday() + 1) % 7]
    other_hours = "18:00-18:01" if now.hour < 12 else "06:00-06:01"
    with run(f"""    rules:
      - {{ allow: read, address: 0, when: {{ days: [{today}, {tomorrow}], zone: UTC }} }}
      - {{ allow: read, address: 1, when: {{ hours: "{other_hours}", zone: UTC }} }}
      - {{ allow: read, address: 2, expires: 2025-06-30, owner: commissioning }}
      - {{ allow: read, address: 3, expires: 2099-06-30 }}
""") as gateway:
        client = Client(lab)
        assert client.ask(read(0, 1))[0] == 3
        assert client.ask(read(1, 1)) == b"\x83\x01"
        assert denied(gateway, "outside-hours")
        assert client.ask(read(2, 1)) == b"\x83\x01"
        assert denied(gateway, "rule-expired")
        assert client.ask(read(3, 1))[0] == 3


def test_a_rule_expires_at_run_time(lab, plant, run):
    for seconds in (5, 20, 60):  # a busy machine may take longer to come that far
        end = time.time() // 1 + seconds
        expires = datetime.datetime.fromtimestamp(end, datetime.timezone.utc)
        with run(f"    rules:\n      - {{ allow: read, expires: {expires:%Y-%m-%dT%H:%M:%S}Z }}\n",
                 "  audit: { lines: each }") as gateway:
            client = Client(lab)
            allowed = client.ask(read(0, 1))[0] == 3
            assert allowed or time.time() > end
            if allowed:
                lab_module.until(lambda: client.ask(read(0, 1)) == b"\x83\x01", seconds=seconds + 30)
                assert denied(gateway, "rule-expired")
                decided = {verdict: [datetime.datetime.fromisoformat(line["timestamp"]).timestamp()
                                     for line in gateway.audit() if line.get("verdict") == verdict]
                           for verdict in ("allow", "deny")}
                assert max(decided["allow"]) < end <= min(decided["deny"]) + 1, (decided, end)
                return
    raise AssertionError("this machine does not start a gateway in a minute")


def test_on_deny_drop(lab, plant, run):
    with run("    on-deny: drop\n    rules: [ { allow: read } ]\n") as gateway:
        client = Client(lab)
        assert client.ask(write(2, 1), 0.5) is None
        assert denied(gateway, "no-rule-for-function")
        assert client.ask(read(0, 1))[0] == 3  # the connection goes on


def test_on_deny_close(lab, plant, run):
    with run("    on-deny: close\n    rules: [ { allow: read } ]\n") as gateway:
        client = Client(lab)
        assert client.ask(read(0, 1))[0] == 3
        client.connection.sendall(adu(7, write(2, 1)))
        assert is_ended(client.connection)
        assert denied(gateway, "no-rule-for-function")
        assert gateway.wait_audit(lambda line: line.get("event") == "session-close" and
                                  line["reason"] == "no-rule-for-function")
        assert Client(lab).ask(read(0, 1))[0] == 3
    assert [line["function"] for line in plant.seen()] == [3, 3]


@pytest.mark.parametrize("where", ["gateway", "service"])
def test_mode_monitor(lab, plant, run, where):
    mode = "mode: monitor\n"
    rules = "    rules: [ { allow: read, address: 0 }, { deny: [6], address: 3 } ]\n"
    with run(rules if where == "gateway" else "    " + mode + rules,
             "  " + mode if where == "gateway" else "") as gateway:
        client = Client(lab)
        assert client.write(123)
        assert client.write(124, 3)
        assert client.ask(read(0, 1))[0] == 3
        assert client.ask(b"\x03\x00\x00\x00\x00") == b"\x83\x03"  # not well-formed
        let = [gateway.wait_audit(lambda line: line.get("let_through") and line["reason"] == reason)
               for reason in ("no-rule-for-function", "deny-rule-for-address")]
        assert all(line["verdict"] == "deny" for line in let)
        allowed = gateway.wait_audit(lambda line: line.get("verdict") == "allow")
        assert allowed and "let_through" not in allowed
    assert [line["function"] for line in plant.seen()] == [6, 6, 3]


def test_a_profile_in_two_services(lab, plant, run, tmp_path):
    with run("""    profile: skid
  - name: second
    protocol: modbus-tcp
    listen: 192.168.96.2:503
    device: 192.168.95.2:502
    profile: skid
    rules: [ { allow: 6, point: setpoint } ]
profiles:
  skid: { rules: [ { allow: read, point: water } ] }
"""):
        one, two = Client(lab), Client(lab)
        two.connection = lab.connect(port=503)
        assert one.ask(read(0, 1))[0] == two.ask(read(0, 1))[0] == 3
        assert not one.write(1)
        assert two.write(1)

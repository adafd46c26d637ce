# SPDX-License-Identifier: BSD-2-Clause
"""`sluice explain`: which rule decides on one message, why, and which comes nearest."""
import subprocess

import pytest

CONFIG = """gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10, historian: 192.168.96.20 }
points:
  setpoint: { register: 40003, type: int16, scale: 0.1, unit: °C }
  flow: { register: 40021, type: float32, word-order: little }
  pump: { register: 00001 }
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    rules:
      - { name: readings, allow: read, from: [hmi, historian], unit: 1, address: 0-99 }
      - { name: warm, allow: 6, from: hmi, unit: 1, point: setpoint, value: 15.0-25.0 }
      - { name: pump, allow: write, from: hmi, point: pump, value: [on, off] }
      - { name: flow, allow: write, from: hmi, unit: 1-2, point: flow, value: -1.5-20 }
      - { name: old, allow: 7, from: hmi, expires: 2025-06-30 }
      - { name: slow, allow: 16, from: hmi, unit: 1, address: 50, max-step: 5 }
      - { name: secret, deny: read, address: 90-99, from: historian }
"""


@pytest.fixture
def explain(sluice, tmp_path):
    path = tmp_path / "sluice.yaml"

    def call(message, *options, config=CONFIG, client="hmi"):
        path.write_text(config)
        words = [message] if isinstance(message, str) else message
        return subprocess.run([sluice, "explain", path, "--client", client, *options, "--", *words],
                              capture_output=True, text=True, timeout=60)
    return call


@pytest.mark.parametrize("message, rule", [
    ("read registers 0-9", "readings"),
    ("read coils 3 unit 1", "readings"),
    ("write register 2 = 250 unit 1", "warm"),
    ("write setpoint = 25.0", "warm"),
    ("write pump = on unit 7", "pump"),
    ("write coils 0 = 1", "pump"),
    ("write flow = -1.5 unit 2", "flow"),
    ("write flow = 1e1 unit 2", "flow"),
    ("write 200 to register 2, unit 1", "warm"),
    ("read holding registers 0-3, unit 1", "readings"),
    ("read discrete input 4, unit 1", "readings"),
    ("read input registers 4-5, unit 1", "readings"),
    ("switch coil 0 on, unit 7", "pump"),
    ("switch coils 0 (on), unit 7", "pump"),
    ("06 0002 00c8", "warm"),
    ("0001 0000 0006 01 03 0000 0001", "readings"),
    ("000100000006010300000001", "readings"),
])
def test_allowed(explain, message, rule):
    for words in (message, message.split()):
        result = explain(words)
        assert result.returncode == 0, result.stderr + result.stdout
        assert result.stdout.startswith(f"allowed by rule '{rule}', line ")
        assert f"[{rule}, line " in result.stdout


@pytest.mark.parametrize("message, why, nearest, lacks", [
    ("write register 2 = 900 unit 1", "a rule covers the addresses, but not the values", "warm",
     "its values leave out 90.0 °C"),
    ("write setpoint = 25.1", "a rule covers the addresses, but not the values", "warm",
     "its values leave out 25.1 °C"),
    ("write register 3 = 200", "no one rule covers all of the addresses", "warm",
     "it is for addresses 2"),
    ("write register 2 = 200 unit 9", "no rule allows this client this function there", "warm",
     "it is for units 1"),
    ("read registers 95-104", "no one rule covers all of the addresses", "readings",
     "it is for addresses 0-99"),
    ("function 7", "the rule for it has expired", "old", "it expired (2025-06-30)"),
    ("write registers 50 = 1, 2", "no one rule covers all of the addresses", "slow",
     "it is for addresses 50"),
    ("10 0032 0001 02 0001", "the last value is not known here", "slow", "may move by at most 5"),
    ("06 0014 0001", "a rule covers the addresses, but not the values", "flow",
     "its values leave out half of a value"),
    ("write flow = 20.5 unit 1", "a rule covers the addresses, but not the values", "flow",
     "its values leave out 20.5"),
])
def test_denied(explain, message, why, nearest, lacks):
    result = explain(message)
    assert result.returncode == 1, result.stderr
    denied, near, sentence = result.stdout.splitlines()[:3]
    assert denied.startswith("denied: " + why)
    assert near.startswith(f"nearest: rule '{nearest}', line ")
    assert lacks in near
    assert f"[{nearest}, line " in sentence


def test_another_client(explain):
    result = explain("write setpoint = 20", client="historian")
    assert result.returncode == 1
    assert "nearest: rule 'warm'" in result.stdout
    assert "it is for clients hmi (192.168.96.10)" in result.stdout


def test_a_deny_rule(explain):
    result = explain("read registers 89-90", client="historian")
    assert result.returncode == 1
    assert result.stdout.startswith("denied by rule 'secret', line 21:\n")


def test_function_23_says_what_of_it_lacks_a_rule(explain):
    result = explain("17 0000 0001 0002 0001 02 00c8")
    assert result.returncode == 1
    assert "nearest: rule 'warm'" in result.stdout
    assert "it is for other functions" in result.stdout
    assert "nearest: rule 'readings'" not in result.stdout


def test_monitor_lets_through(explain):
    result = explain("read registers 200", config=CONFIG.replace("    rules:", "    mode: monitor\n    rules:"))
    assert result.returncode == 0
    assert "but let through: the service is in mode monitor" in result.stdout


def test_same_as_decode(explain, sluice, tmp_path):
    """What explain says and what decode decides are one thing."""
    for value in (149, 150, 250, 251):
        adu = bytes([0, 1, 0, 0, 0, 6, 1, 6, 0, 2]) + value.to_bytes(2, "big")
        explained = explain(adu.hex())
        decoded = subprocess.run(
            [sluice, "decode", "modbus-tcp", "--config", tmp_path / "sluice.yaml", "--service",
             "boiler", "--client", "hmi", "-"], input=adu, capture_output=True).stdout
        assert (explained.returncode == 0) == (b'"verdict":"allow"' in decoded)


def test_malformed(explain):
    result = explain("03 0000 0000")
    assert result.returncode == 1
    assert result.stdout == "malformed: quantity-out-of-range; no rule is asked\n"


@pytest.mark.parametrize("message, said", [
    ("raed registers 1", "found 'raed', expected read, write, function"),
    ("read registers", "found 'the end', expected an address"),
    ("read registers 9-1", "found '9-1', expected an address"),
    ("read nothing", "found 'nothing', expected coils, inputs"),
    ("write register 2", "found 'the end', expected '='"),
    ("write register 2 = 70000", "found '70000', expected a value"),
    ("write setpoint = 20.05", "found '20.05', expected a value that the point can hold"),
    ("write inputs 2 = 1", "expected coils or registers"),
    ("read registers 1 unit 256", "found '256', expected a unit from 0 to 255"),
    ("read registers 1 units 2", "found 'units', expected 'unit'"),
    ("read registers 1 from hmi", "who sends it is --client's"),
    ("write 5, 6 to input registers 2-3", "expected coils or registers"),
    ("function 200", "found '200', expected a function's number or name"),
    ("ff" * 300, "expected"),
    ("", "expected"),
])
def test_messages_that_are_none(explain, message, said):
    result = explain(message)
    assert result.returncode == 2
    assert said in result.stderr


def test_usage(sluice, tmp_path, explain):
    explain("read coils 1")
    config = tmp_path / "sluice.yaml"
    for arguments in ([], [config], [config, "--"], ["--", "read"], [config, config, "--", "read"]):
        assert subprocess.run([sluice, "explain", *arguments], capture_output=True).returncode == 2
    assert explain("read coils 1", "--service", "none").returncode == 2
    assert explain("read coils 1", client="nobody").returncode == 2
    two = CONFIG + CONFIG[CONFIG.index("  - name: boiler"):].replace("boiler", "other").replace(
        "2:502", "2:503")
    assert "--service is needed" in explain("read coils 1", config=two).stderr
    assert explain("read coils 1", "--service", "other", config=two).returncode == 0

# SPDX-License-Identifier: BSD-2-Clause
"""What `check` says of overrides, and what status, reload and override say where no gateway is."""
import subprocess

import pytest

CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10, laptop: 192.168.96.20 }
overrides:
  - name: maintenance
    max: 8h
    rules: { boiler: [ { allow: write, from: laptop, unit: 1, address: 0-9 } ] }
  - { name: lockdown, max: 30min, rules: { boiler: [ { name: all, deny: write } ] } }
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    rules: [ { allow: [read, write], from: hmi } ]
"""


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_check_says_what_an_override_adds(sluice, tmp_path):
    config = tmp_path / "plant.yaml"
    config.write_text(CONFIG)
    result = run(sluice, "check", config)
    assert result.returncode == 0, result.stderr
    said = result.stdout[result.stdout.index("override maintenance, at most 8 h"):]
    first, second = said.split("override lockdown, at most 0.5 h")
    assert "laptop (192.168.96.20) may write coils and registers 0-9 of unit 1 " \
        "[maintenance/boiler/rule-1, line 9]" in first
    assert "hmi" not in first
    assert "any client may not write" in second and "[lockdown/all, line 10]" in second
    # The policy in force is the same with and without overrides in the file.
    policy = [line for line in result.stdout.splitlines() if line.startswith("policy: ")]
    start, end = CONFIG.index("overrides:"), CONFIG.index("services:")
    config.write_text(CONFIG[:start] + "\n" * CONFIG[start:end].count("\n") + CONFIG[end:])
    plain = run(sluice, "check", config)
    assert policy == [line for line in plain.stdout.splitlines() if line.startswith("policy: ")]
    assert "override" not in plain.stdout


@pytest.mark.parametrize("arguments", [["status"], ["reload"], ["override", "--end"]],
                         ids=lambda value: value[0])
def test_where_no_gateway_is(sluice, tmp_path, arguments):
    missing = tmp_path / "none.sock"
    result = run(sluice, *arguments, "--socket", missing)
    assert result.returncode == 2 and result.stdout == ""
    assert f"sluice {arguments[0]}: {missing}: No such file or directory: no gateway listens" \
        in result.stderr
    result = run(sluice, *arguments, "--socket", "/" + "x" * 200)
    assert result.returncode == 2 and "longer than 107 bytes" in result.stderr

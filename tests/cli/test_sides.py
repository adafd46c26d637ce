# SPDX-License-Identifier: BSD-2-Clause
"""Mistakes in what a side and a service's sessions say, each at its line."""
import subprocess

import pytest

CONFIG = """gateway:
  external: {{ nic: ext0, address: 192.168.96.2/24{external} }}
  internal: {{ nic: int0, address: 192.168.95.1/24{internal} }}
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: {device}:502
{service}
    rules: [{{ allow: read }}]
"""


def check(sluice, tmp_path, external="", internal="", service="", device="192.168.95.2"):
    path = tmp_path / "sluice.yaml"
    path.write_text(CONFIG.format(external=external, internal=internal, device=device,
                                  service=f"    {service}" if service else ""))
    return subprocess.run([sluice, "check", path], capture_output=True, text=True)


@pytest.mark.parametrize("options", [
    dict(external=", vlan: 4095"),
    dict(internal=", vlan: 0"),
    dict(external=", ping: maybe"),
    dict(external=", routes: 10.0.0.0/8"),
    dict(external=", routes: [{ to: 10.0.0.1/8, via: 192.168.96.1 }]"),
    dict(external=", routes: [{ to: 10.0.0.0/8, via: 192.168.97.1 }]"),
    dict(external=", routes: [{ to: 10.0.0.0/8 }]"),
    dict(device="10.1.0.2"),
    dict(service="queue-timeout: 1s"),
    dict(service="connections: some"),
    dict(service="max-connections: 0"),
    dict(service="unit-0: nobody"),
    dict(service="reply-unit: 3"),
    dict(service="queue: 257"),
])
def test_mistakes(sluice, tmp_path, options):
    result = check(sluice, tmp_path, **options)
    assert result.returncode != 0 and "found" in result.stdout + result.stderr


@pytest.mark.parametrize("options", [
    dict(external=", vlan: 4094, ping: off", internal=", vlan: 1"),
    dict(internal=", routes: [{ to: 10.1.0.0/16, via: 192.168.95.9 }]", device="10.1.0.2"),
    dict(service="connections: shared"),
    dict(service="queue-timeout: 999ms"),
    dict(service="unit-0: broadcast"),
    dict(service="reply-unit: any"),
])
def test_no_mistakes(sluice, tmp_path, options):
    result = check(sluice, tmp_path, **options)
    assert result.returncode == 0, result.stdout + result.stderr


def test_clients_inside(sluice, tmp_path):
    """The same plant from the other side, said in the first lines and drawn."""
    path = tmp_path / "sluice.yaml"
    text = CONFIG.format(external="", internal="", device="192.168.96.9", service="")
    path.write_text(text.replace("gateway:", "gateway:\n  clients: internal")
                    .replace("listen: 192.168.96.2", "listen: 192.168.95.1"))
    result = subprocess.run([sluice, "check", path], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()[:2]
    assert first.startswith("clients are inside: 'ext' below") and "'int0'" in first
    assert second.startswith("boiler: modbus-tcp, clients inside at 192.168.95.1:502, "
                             "device outside at 192.168.96.9:502")
    drawn = subprocess.run([sluice, "topology", path], capture_output=True, text=True, check=True).stdout
    assert drawn.index(">internal<") < drawn.index(">external<")

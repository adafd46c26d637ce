# SPDX-License-Identifier: BSD-2-Clause
"""The image at work: the demo's walk on every SDK and configuration, and under load."""
import concurrent.futures
import io
import shutil
import subprocess
import time

import pytest
import qemu
import synthetic
import walk
from lab import LISTEN_ADDRESS

pytestmark = pytest.mark.microkit


@pytest.mark.parametrize("config,version", [("release", None), ("debug", None),
                                            ("benchmark", None), ("release", "2.0.1"),
                                            ("debug", "2.0.1"), ("benchmark", "2.0.1")])
def test_walk(build, boot, lab, plant, config, version):
    gateway = boot(build(config, version)[0])
    out = io.StringIO()
    assert walk.walk(lab.connect, plant, gateway.audit, out) == 0, out.getvalue()
    lines = gateway.audit()
    started = [line for line in lines if line["event"] == "started"]
    assert [line["randomness"] for line in started] == ["device"]
    assert len({line["boot"] for line in lines}) == 1
    assert len({line["policy"] for line in lines}) == 1
    assert {line["epoch"] for line in lines} == {0}
    monitor = [line["seq"] for line in lines if "seq" in line]
    assert monitor == list(range(len(monitor)))  # every line of the monitor reached the port


LOAD = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: plant
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 60s
    rules:
      - { allow: read, from: hmi, unit: 1, address: 0-99 }
"""


def test_16_connections_1000_requests_each(build, boot, lab, libmodbus_device, root, tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(LOAD)
    boot(build(site=site)[0])
    peer = root / "build/tests/e2e/libmodbus_peer"
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(
            lambda _: lab.client.run([peer, "flood", LISTEN_ADDRESS, 502, 1000], timeout=600),
            range(16)))
    assert [r.stdout for r in results if r.returncode] == []


def first_lines(command, serial, wanted):
    """Boots and waits for a line that `wanted` accepts; all lines so far."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            text = serial.read_text(errors="replace") if serial.exists() else ""
            lines = synthetic.parse(text)
            if any(map(wanted, lines)):
                return lines
            time.sleep(0.1)
        raise AssertionError(text[-3000:])
    finally:
        process.kill()
        process.wait()


def test_a_machine_without_its_devices(build, tmp_path):
    """No NICs and no entropy device: each is said by name, and again at each start."""
    if shutil.which("qemu-system-aarch64") is None:
        pytest.skip("no qemu-system-aarch64: tools/install-deps microkit")
    serial = tmp_path / "serial"
    command = qemu.command(build()[0], {}, f"file:{serial}")
    del command[command.index("-object"):]
    lines = first_lines(command, serial, lambda line: line.get("back_off_ms", 0) >= 40)
    assert [line["randomness"] for line in lines if line["event"] == "started"] == ["build"]
    died = [line for line in lines if line["event"] == "component-died"]
    assert {line["died"] for line in died} <= {"ext_nic_drv", "int_nic_drv"}
    assert {line["fault"] for line in died} == {"virtio slot is empty or of another kind"}

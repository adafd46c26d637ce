# SPDX-License-Identifier: BSD-2-Clause
"""Microkit images: built once for each SDK and configuration, booted between namespaces."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import drill
import lab as lab_module
import poke
import qemu
import walk
from microkit_sdk import sdk_or_skip

IMAGES = ROOT / "build/microkit/test"
BOARD = "qemu_virt_aarch64"
HEATING_PLANT = ROOT / "systems/heating-plant/sluice.yaml"


@pytest.fixture(scope="session")
def build(sluice):
    """build(...) -> (directory, what `sluice build` printed); the same arguments build once."""
    done = {}

    def build_image(config="release", version=None, site=HEATING_PLANT, options=(), status=0,
                    program=None):
        sdk = sdk_or_skip(version)
        key = (config, version, str(site), tuple(options), program)
        if key not in done:
            output = IMAGES / str(len(done))
            shutil.rmtree(output, ignore_errors=True)
            result = subprocess.run(
                [program() if program else sluice, "build", site, "--host", "microkit", "--sdk", sdk, "--board", BOARD,
                 "--config", config, "-o", output, *options], capture_output=True, text=True,
                timeout=1800)
            done[key] = output, result
        output, result = done[key]
        assert result.returncode == status, result.stdout + result.stderr
        return output, result.stdout + result.stderr
    return build_image


@pytest.fixture
def lab():
    if os.geteuid() != 0:
        pytest.skip("network namespaces for these tests need root: run `sudo make test`")
    reason = lab_module.why_not() or qemu.why_not()
    if reason:
        pytest.skip(reason)
    with lab_module.Lab() as network:
        yield network


@pytest.fixture
def boot(lab, tmp_path):
    """boot(directory) -> qemu.Gateway, answering."""
    running = []

    def boot_image(directory, **options):
        gateway = qemu.Gateway(lab, directory, tmp_path / "serial", **options)
        running.append(gateway)
        return gateway.__enter__()
    yield boot_image
    for gateway in running:
        gateway.__exit__()


@pytest.fixture
def drilled(build, boot, tmp_path):
    """drilled(mode) -> drill.Machine, answering."""
    machines = []

    def boot_drilled(mode, extra=()):
        directory = build(site=drill.site(mode), options=["--accept-open-timer"],
                          program=drill.builder)[0]
        ram = tmp_path / f"ram{len(machines)}"
        gateway = boot(directory, extra=[*poke.arguments(ram), *extra])
        machines.append(drill.Machine(directory, gateway, ram))
        return machines[-1]
    yield boot_drilled
    for number, machine in enumerate(machines):
        machine.memory.close()
        (tmp_path / f"ram{number}").unlink()


@pytest.fixture
def plant(lab):
    device = walk.Plant(lab.device, ROOT)
    yield device
    device.close()


@pytest.fixture
def libmodbus_device(lab):
    process = lab.device.popen(
        [ROOT / "build/tests/e2e/libmodbus_peer", "device", lab_module.DEVICE_ADDRESS, 502],
        stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()

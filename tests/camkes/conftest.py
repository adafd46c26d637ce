# SPDX-License-Identifier: BSD-2-Clause
"""CAmkES images: built in the checkout as a user does, once a site, booted between namespaces."""
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/microkit")]  # the corpus is there
import camkes
import camkes_drill
import drill
import lab as lab_module
import qemu
import walk

HEATING_PLANT = ROOT / "systems/heating-plant/sluice.yaml"


@pytest.fixture(scope="session")
def folder(sluice):
    """folder(site) -> (application folder, what `sluice build` printed)."""
    with tempfile.TemporaryDirectory(prefix="sluice-camkes-app-") as scratch:
        def generate(site=HEATING_PLANT):
            # One folder for all sites: what does not change is not compiled again.
            output = pathlib.Path(scratch) / "app"
            result = subprocess.run([sluice, "build", site, "--host", "camkes", "-o", output],
                                    capture_output=True, text=True, timeout=600)
            assert result.returncode == 0, result.stderr
            return output, result.stdout
        yield generate


@pytest.fixture(scope="session")
def build(folder):
    """build(site) -> directory with image, capDL and kernel configuration; once a site.
    `turn`: what makes the application folder another one (camkes_drill.py)."""
    reason = camkes.why_not()
    if reason:
        pytest.skip(reason)
    done = {}
    with tempfile.TemporaryDirectory(prefix="sluice-camkes-build-") as scratch:
        def build_image(site=HEATING_PLANT, turn=None):
            key = pathlib.Path(site).read_text(), turn
            if key not in done:
                image, app = pathlib.Path(scratch) / f"image-{len(done)}", folder(site)[0]
                if turn:
                    turn(app)
                camkes.build(app, pathlib.Path(scratch) / "build", image)
                done[key] = image
            return done[key]
        yield build_image


@pytest.fixture(scope="session")
def drilled(build, tmp_path_factory):
    """drilled(mode) -> an image whose components can be made to misbehave."""
    def build_drilled(mode):
        if mode == "two-way":
            return build(turn=camkes_drill.turn)
        site = tmp_path_factory.mktemp("site") / "one-way.yaml"
        site.write_text(drill.ONE_WAY)
        return build(site, turn=camkes_drill.turn)
    return build_drilled


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

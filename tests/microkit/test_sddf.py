# SPDX-License-Identifier: BSD-2-Clause
"""A stock sDDF driver at either edge, our trusted edge behind it."""
import io
import os
import pathlib
import re
import subprocess

import poke
import pytest
import walk
from dying import answered, deaths, wait_until

pytestmark = pytest.mark.microkit

DRIVERS = pathlib.Path(os.environ.get("SDDF_DRIVERS", "/opt/sddf-drivers/virtio"))


@pytest.fixture
def driver():
    """The driver of each configuration: it must be linked with the very SDK and configuration."""
    def elf(config="release"):
        path = DRIVERS / config / "eth_driver_virtio.elf"
        if not path.exists():
            pytest.skip(f"no stock sDDF driver at {path}: set SDDF_DRIVERS to a folder with "
                        "config.json and CONFIG/eth_driver_virtio.elf")
        return f"sddf:{path},{DRIVERS / 'config.json'}"
    return elf


@pytest.mark.parametrize("sides", [["ext"], ["int"], ["ext", "int"]], ids="-".join)
def test_walk(build, boot, lab, plant, driver, sides):
    options = [word for side in sides for word in (f"--{side}-nic", driver())]
    gateway = boot(build(options=options)[0])
    out = io.StringIO()
    assert walk.walk(lab.connect, plant, gateway.audit, out) == 0, out.getvalue()


@pytest.mark.parametrize("config", ["debug", "benchmark"])
def test_walk_in_other_configurations(build, boot, lab, plant, driver, config):
    gateway = boot(build(config, options=["--ext-nic", driver(config)])[0])
    out = io.StringIO()
    assert walk.walk(lab.connect, plant, gateway.audit, out) == 0, out.getvalue()


def test_what_is_built(build, driver):
    directory, printed = build(options=["--ext-nic", driver(), "--int-nic", driver()])
    assert "trusted, not followed: ext_nic_drv_sddf" in printed
    assert "trusted, not followed: int_nic_drv_sddf" in printed
    lines = subprocess.run(["readelf", "-lW", directory / "ext_nic_drv_sddf.elf"],
                           capture_output=True, text=True, check=True).stdout
    assert "RW " in lines and "RWE" not in lines  # stock: one segment is both
    system = (directory / "sluice.system").read_text()
    stock = system[system.index('name="ext_nic_drv_sddf" id'):]
    stock = stock[:stock.index("</protection_domain>")]
    mapped = re.findall(r'mr="(\w+)"', stock)
    assert not any("buffers" in name for name in mapped)  # it needs their addresses only
    total = re.search(r"^total +([\d.]+)  of 4096 allowed$", printed, re.M)
    assert float(total.group(1)) <= 4096


def test_a_driver_of_another_kind_is_refused(build, driver, tmp_path, sluice):
    image = build()[0] / "clock.elf"
    description = DRIVERS / "config.json"
    _, printed = build(options=["--ext-nic", f"sddf:{image},{description}"], status=1)
    assert "not a stock Ethernet driver" in printed
    wrong = tmp_path / "config.json"
    wrong.write_text('{"resources": {"regions": [], "irqs": []}}')
    _, printed = build(options=["--ext-nic", f"{driver().split(',')[0]},{wrong}"], status=1)
    assert "one device region and one interrupt" in printed


def test_a_driver_of_another_sdk_or_configuration_is_refused(build, driver):
    for config, version in (("release", "2.0.1"), ("debug", None)):
        _, printed = build(config, version, options=["--ext-nic", driver()], status=1)
        assert "was linked with another SDK or configuration" in printed


def test_a_fault_closes_for_good(build, boot, lab, libmodbus_device, driver, tmp_path):
    """A stock driver's data cannot be renewed, so nothing starts anew."""
    directory = build(options=["--ext-nic", driver()])[0]
    ram = tmp_path / "ram"
    gateway = boot(directory, extra=poke.arguments(ram))
    assert wait_until(lambda: answered(lab))
    memory = poke.Memory(ram)
    component = poke.Component(directory / "request_policy_emit.elf", "policy_emit_component")
    for place in memory.places(component):
        memory.write(place, component.broken)
    assert wait_until(lambda: deaths(gateway) or answered(lab) and False)
    for place in memory.places(component):
        memory.write(place, component.struct)
    memory.close()
    assert gateway.wait_audit(lambda line: line["event"] == "closed")
    assert not answered(lab)
    assert not [line for line in gateway.audit() if line["event"] == "restarted"]

# SPDX-License-Identifier: BSD-2-Clause
"""The application folder that `sluice build --host camkes` writes; no checkout is needed."""
import json
import os
import re
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def app(folder):
    return folder()[0]


@pytest.fixture(scope="module")
def assembly(app):
    return (app / "sluice.camkes").read_text()


def test_each_end_of_each_dataport_has_its_right(assembly):
    ends = re.findall(r"connection seL4SharedData \w+\(from (\S+), to (\S+)\);", assembly)
    assert len(ends) > 30
    rights = dict(re.findall(r'(\S+)_access = "(\w+)";', assembly))
    for one, other in ends:
        assert {rights[one], rights[other]} in ({"R", "RW"}, {"RW"}), (one, other)
        # Only the queues with a NIC's driver are written from both ends (docs/rings.md).
        if rights[one] == rights[other]:
            assert "nic_drv" in one and "nic_drv" in other
    assert set(rights.values()) == {"R", "RW"}


def test_each_component_has_its_heap_stack_and_priority(assembly):
    names = [name for type, name in re.findall(r"^        component (\w+) (\w+);", assembly, re.M)
             if type not in ("Nic", "Registers")]
    assert len(names) == 12
    for name in names:
        for attribute in ("heap_size", "_stack_size", "_priority", "_max_priority", "_budget"):
            assert re.search(rf"^        {name}\.{attribute} = \d+;", assembly, re.M), (name, attribute)


def test_nics_have_a_page_an_interrupt_and_a_pool_each(assembly):
    for side, address, interrupt in (("ext", "0xa000000", 48), ("int", "0xa001000", 56)):
        assert f"{side}_nic_drv_device.registers_paddr = {address};" in assembly
        assert f"{side}_nic_drv_device.interrupt_irq_number = {interrupt};" in assembly
        assert re.search(rf"{side}_nic_drv\.dma_pool = [1-9]\d+;", assembly)


@pytest.mark.parametrize("site,limit", [("heating-plant", 4096), ("substation", None), ("v1", None)])
def test_only_a_two_way_modbus_gateway_is_bounded(folder, root, site, limit):
    machine = json.loads((folder(root / "systems" / site / "sluice.yaml")[0] / "machine.json").read_text())
    assert machine.get("memory_limit_kib") == limit
    folder()


def test_only_the_sites_protocols(app):
    table = (app / "sluice_protocols.c").read_text()
    assert re.findall(r"&(\w+)", table) == ["modbus_tcp_protocol"]


def test_it_needs_nothing_of_the_tree_that_made_it(app, root):
    for path, _, files in os.walk(app):
        for name in files:
            text = (os.path.join(path, name))
            with open(text, errors="replace") as file:
                assert str(root) not in file.read(), text
    assert not [name for path, _, files in os.walk(app) for name in files
                if os.path.islink(os.path.join(path, name))]


def test_again_into_the_same_folder_changes_only_what_changed(folder, app):
    before = {path: path.stat().st_mtime_ns for path in app.rglob("*") if path.is_file()}
    folder()
    changed = {path.name for path in before if path.stat().st_mtime_ns != before[path]}
    assert len(before) > 100 and changed <= {"instance.c"}  # the entropy component's random bytes


@pytest.mark.parametrize("nic", ["sddf:driver.elf,config.json", "synthetic"])
def test_a_card_that_this_host_has_not(sluice, tmp_path, root, nic):
    result = subprocess.run([sluice, "build", root / "systems/heating-plant/sluice.yaml", "--host",
                             "camkes", "--ext-nic", nic, "-o", tmp_path / "app"],
                            capture_output=True, text=True)
    assert result.returncode == 1
    assert f"--ext-nic {nic}: on this host a NIC is virtio" in result.stderr


def test_sources_that_are_gone_leave_the_folder(folder, app):
    """CMakeLists.txt compiles whatever is there: what an older Sluice had would be in the image."""
    gone = [app / "sluice/src/util/gone.c", app / "sluice/src/protocols/gone/gone.c"]
    gone[1].parent.mkdir()
    for path in gone:
        path.write_text("#error\n")
    folder()
    assert not any(path.exists() for path in gone)
    assert (app / "sluice/src/util/json.c").exists()
    assert (app / "sluice_policy.c").exists()


def test_run_of_a_directory_that_was_not_built(app, root, tmp_path):
    result = subprocess.run([sys.executable, root / "tools/camkes.py", "run", app, tmp_path],
                            capture_output=True, text=True)
    assert result.returncode == 1
    assert f"in {tmp_path}: run ninja there" in result.stderr


def test_both_sel4_hosts_are_compiled_for_what_is_said(root):
    def text(path):
        return (root / path).read_text()

    def compiled(path):
        return dict(re.findall(r"-D(NET_MAX_SESSIONS|SL_MAX_SLOTS|NET_BLOCKS|REPEATS)=(\d+)u", text(path)))
    flags = compiled("make/microkit.mk")
    assert len(flags) == 4 and compiled("src/hosts/camkes/app/CMakeLists.txt") == flags
    sessions, outstanding = flags["NET_MAX_SESSIONS"], flags["SL_MAX_SLOTS"]
    assert dict(re.findall(r"#define MAX_(SESSIONS|OUTSTANDING)\s+(\d+)u", text("src/topology/microkit.c"))) \
        == {"SESSIONS": sessions, "OUTSTANDING": outstanding}
    assert f"compiled for {sessions} sessions, {outstanding} requests" in text("docs/microkit.md")
    assert f"({sessions} on seL4)" in text("docs/caveats.md")

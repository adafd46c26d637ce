# SPDX-License-Identifier: BSD-2-Clause
"""`sluice check --running`: the flow rules over what the kernel says of the processes; and it
notices one mapping, right, notification, socket, descriptor or system call too many."""
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tools")]
import lab as lab_module
from test_drill import events, lab, wait_started  # noqa: F401  (a fixture)
from test_one_way import CONFIG

pytestmark = pytest.mark.e2e


@pytest.fixture(params=["two-way", "one-way"])
def config(request, tmp_path):
    path = tmp_path / "sluice.yaml"
    path.write_text(CONFIG if request.param == "one-way" else
                    (ROOT / "systems/heating-plant/sluice.yaml").read_text())
    return path


def check(lab, config, tmp_path, program="sluice", *options):  # noqa: F811
    # It need not answer: what is changed may keep it from that.
    gateway = lab_module.Gateway(lab, ROOT / "build" / program, config, tmp_path / "audit.json",
                                 *options)
    try:
        wait_started(gateway)
        result = subprocess.run(
            [ROOT / "build/sluice", "check", config, "--running", str(gateway.process.pid)],
            capture_output=True, text=True)
        assert not any(line["event"] == "component-died" for line in events(gateway))
        return result
    finally:
        gateway.__exit__()


def test_a_gateway_has_what_it_should(lab, config, tmp_path):  # noqa: F811
    result = check(lab, config, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "running: ok: " in result.stdout
    assert "flow: trusted, not followed: system call filter: each process has this one" in \
        result.stdout


# What is too many; what is said of it; the path that it makes. `>` is an arrow.
EXTRA = {
    "a mapping of the other side's": (
        ["--extra-map", "int_nic_drv_to_int_frontend_buffers:ext_frontend:1"],
        "ext_frontend may read int_nic_drv_to_int_frontend_buffers, the topology says nothing",
        "int_nic_drv > writes int_nic_drv_to_int_frontend_buffers, mapped by > ext_frontend"),
    "a private mapping of what the other side writes": (
        ["--extra-private", "int_nic_drv_to_int_frontend_buffers:ext_frontend"],
        "ext_frontend may read int_nic_drv_to_int_frontend_buffers, the topology says nothing",
        "int_nic_drv > writes int_nic_drv_to_int_frontend_buffers, mapped by > ext_frontend"),
    "a mapping to write": (
        ["--extra-map", "ext_nic_drv_to_ext_frontend_active:int_nic_drv:3"],
        "int_nic_drv may read and write ext_nic_drv_to_ext_frontend_active, the topology says nothing",
        "int_nic_drv > writes ext_nic_drv_to_ext_frontend_active, mapped by > ext_nic_drv"),
    "a right": (
        ["--extra-map", "ext_frontend_to_monitor_ring:monitor:3"],
        "monitor may read and write ext_frontend_to_monitor_ring, the topology says read",
        "monitor > writes ext_frontend_to_monitor_ring, mapped by > ext_frontend"),
    "a notification": (
        ["--extra-bell", "int_frontend:ext_frontend"], "int_frontend holds ",
        "int_frontend > an eventfd, waited on by > ext_frontend"),
    "another's notification": (
        ["--swap-bells", "ext_nic_drv:int_nic_drv"],
        "int_frontend waits on an eventfd of ext_nic_drv, the topology says int_nic_drv",
        "ext_nic_drv > an eventfd, waited on by > int_frontend"),
    "another's notification on one side": (
        ["--swap-bells", "ext_nic_drv:ext_frontend"], "ext_frontend waits on an eventfd of ext_frontend",
        None),
    "a packet socket on the other side's NIC": (
        ["--extra-socket", "ext_frontend:int0"],
        "ext_frontend holds descriptor ",
        "int_nic_drv > has a packet socket on int0, as has > ext_frontend"),
    "the other side's NIC in place of its own": (
        ["--other-socket", "int_nic_drv:ext0"],
        "int_nic_drv holds descriptor 6, a packet socket on ext0, which is nothing of its own",
        "int_nic_drv > has a packet socket on ext0, as has > ext_nic_drv"),
    "a descriptor": (
        ["--extra-pipe", "int_nic_drv:ext_nic_drv"], "int_nic_drv holds descriptor ",
        "int_nic_drv > holds pipe:[*], as does > ext_nic_drv"),
    "standard error": (
        ["--keep-log", "int_nic_drv:"], "int_nic_drv holds descriptor 2, ",
        "int_nic_drv > holds *, as does > ext_nic_drv"),
    "a wider system call filter": (
        ["--wide-filter", "ext_frontend:"],
        "ext_frontend's system call filter is not the one of this version: ", None),
}
# In one-way mode the parts start apart, so that nothing can be swapped between them, and the waiting
# end of a bell that is made late runs already.
TWO_WAY_ONLY = {"another's notification"}
NO_PATH_ONE_WAY = {"a notification"}


@pytest.mark.parametrize(
    "config,what", [(mode, what) for what in EXTRA for mode in ("two-way", "one-way")
                    if mode == "two-way" or what not in TWO_WAY_ONLY], indirect=["config"])
def test_one_too_many_is_noticed(lab, config, tmp_path, what):  # noqa: F811
    options, said, path = EXTRA[what]
    one_way = "mode: one-way" in config.read_text()
    result = check(lab, config, tmp_path, "sluice-drill", *options)
    assert result.returncode == 1, result.stdout
    assert f"running: VIOLATION: {said}" in result.stdout, result.stdout
    if path and not (one_way and what in NO_PATH_ONE_WAY):
        names = [re.escape(name).replace(r"\*", r"\S+") for name in path.split(" > ")]
        assert re.search(rf"{names[0]} -> \[{names[1]}\] -> {names[2]}", result.stdout), result.stdout


def test_no_gateway(config):
    other = subprocess.Popen(["sleep", "60"])
    result = subprocess.run([ROOT / "build/sluice", "check", config, "--running", str(other.pid)],
                            capture_output=True, text=True)
    other.kill()
    other.wait()
    assert result.returncode == 2
    assert "is it a `sluice run` of this configuration" in result.stdout

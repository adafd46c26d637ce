# SPDX-License-Identifier: BSD-2-Clause
"""`sluice check --running`: the flow rules over what the kernel says of the processes; and it
notices one mapping, right or notification too many."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tools")]
import lab as lab_module
from test_drill import lab  # noqa: F401  (a fixture)
from test_one_way import CONFIG

pytestmark = pytest.mark.e2e


@pytest.fixture(params=["two-way", "one-way"])
def config(request, tmp_path):
    path = tmp_path / "sluice.yaml"
    path.write_text(CONFIG if request.param == "one-way" else
                    (ROOT / "systems/heating-plant/sluice.yaml").read_text())
    return path


def check(lab, config, tmp_path, program="sluice", *options):  # noqa: F811
    with lab_module.Gateway(lab, ROOT / "build" / program, config, tmp_path / "audit.json",
                            *options) as gateway:
        assert gateway.wait_audit(lambda line: line.get("event") == "started")
        return subprocess.run(
            [ROOT / "build/sluice", "check", config, "--running", str(gateway.process.pid)],
            capture_output=True, text=True)


def test_a_gateway_has_what_it_should(lab, config, tmp_path):  # noqa: F811
    result = check(lab, config, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "running: ok: " in result.stdout
    assert "flow: trusted, not followed: system call filter" in result.stdout


EXTRA = [
    # what is too many, what is said of it, the path that it makes
    (["--extra-map", "int_nic_drv_to_int_frontend_buffers:ext_frontend:1"],
     "ext_frontend may read int_nic_drv_to_int_frontend_buffers, the topology says nothing",
     "int_nic_drv -> [writes int_nic_drv_to_int_frontend_buffers, mapped by] -> ext_frontend"),
    (["--extra-map", "ext_nic_drv_to_ext_frontend_active:int_nic_drv:3"],
     "int_nic_drv may read and write ext_nic_drv_to_ext_frontend_active, the topology says nothing",
     "int_nic_drv -> [writes ext_nic_drv_to_ext_frontend_active, mapped by] -> ext_nic_drv"),
    (["--extra-map", "ext_frontend_to_monitor_ring:monitor:3"],
     "monitor may read and write ext_frontend_to_monitor_ring, the topology says read",
     "monitor -> [writes ext_frontend_to_monitor_ring, mapped by] -> ext_frontend"),
    (["--extra-bell", "int_frontend:ext_frontend"],
     "int_frontend holds ", None),
]


@pytest.mark.parametrize("options,said,path", EXTRA, ids=lambda value: None)
def test_one_too_many_is_noticed(lab, config, tmp_path, options, said, path):  # noqa: F811
    result = check(lab, config, tmp_path, "sluice-drill", *options)
    assert result.returncode == 1, result.stdout
    assert f"running: VIOLATION: {said}" in result.stdout, result.stdout
    if path:
        assert path in result.stdout, result.stdout
    elif "mode: one-way" not in config.read_text():
        # In one-way mode the parts start apart: ext_frontend runs before that bell is made.
        assert "running: VIOLATION: ext_frontend waits on " in result.stdout


def test_no_gateway(config):
    other = subprocess.Popen(["sleep", "60"])
    result = subprocess.run([ROOT / "build/sluice", "check", config, "--running", str(other.pid)],
                            capture_output=True, text=True)
    other.kill()
    other.wait()
    assert result.returncode == 2
    assert "is it a `sluice run` of this configuration" in result.stdout

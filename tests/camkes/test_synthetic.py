# SPDX-License-Identifier: BSD-2-Clause
"""The one-way assembly: the same counts for the same seed, on every host."""
import shutil
import subprocess

import pytest
import synthetic
from microkit_sdk import sdk_or_skip


def agrees(counts):
    assert counts.sent == counts.malformed + counts.denied + counts.delivered + counts.lost
    return counts


def test_linux_accounts_for_every_request(sluice):
    counts = agrees(synthetic.count(synthetic.linux(sluice=sluice)))
    assert counts.sent == 5000 and counts.lost == 0
    assert 400 < counts.malformed < 600 and counts.denied > 500 and counts.delivered > 500


def test_another_seed_another_count(sluice, tmp_path):
    def run(seed):
        site = tmp_path / f"{seed}.yaml"
        site.write_text(synthetic.SITE.read_text().replace("seed: 1", f"seed: {seed}")
                        .replace("messages: 5000", "messages: 1000"))
        return agrees(synthetic.count(synthetic.linux(site, sluice, messages=1000)))
    assert run(2) == run(2) != run(3)


def test_why_nothing_ran_is_said(sluice, tmp_path, capfd):
    site = tmp_path / "site.yaml"
    site.write_text(synthetic.SITE.read_text().replace("seed: 1", "seed: 99999"))
    assert synthetic.count(synthetic.linux(site, sluice)).sent == 0
    assert "expected seed: a number from 0 to 65535" in capfd.readouterr().err


def test_what_is_lost_is_counted(sluice, tmp_path):
    """Into a ring of two, which is looked at each millisecond, more than two a millisecond on any
    machine: the equation holds with losses in it."""
    site = tmp_path / "site.yaml"
    site.write_text(synthetic.SITE.read_text().replace("pace: 1000", "pace: 65535")
                    .replace("  synthetic:", "  outstanding: 2\n  synthetic:"))
    counts = agrees(synthetic.count(synthetic.linux(site, sluice)))
    assert counts.sent == 5000 and counts.lost > 0


@pytest.mark.camkes
def test_camkes_counts_what_linux_counts(build, sluice):
    linux = synthetic.count(synthetic.linux(sluice=sluice))
    camkes = agrees(synthetic.count(synthetic.image(build(synthetic.SITE))))
    assert camkes == linux and camkes.lost == 0


@pytest.mark.camkes
def test_camkes_capdl_is_one_way(build, sluice):
    image = build(synthetic.SITE)
    result = subprocess.run([sluice, "check", synthetic.SITE, "--capdl", image / "sluice.cdl",
                             "--kernel-config", image / "gen_config.h"],
                            capture_output=True, text=True)
    assert result.returncode == 0 and "capdl: ok" in result.stdout, result.stdout
    assert "no path leads from int to ext" in result.stdout
    # A way back, one bit wide: int_nic_drv may signal the component before it.
    capdl = (image / "sluice.cdl").read_text().replace(
        "int_nic_drv_cnode {\n", "int_nic_drv_cnode {\n0xf: ext_frontend_wake (W, badge: 1)\n", 1)
    changed = image / "changed.cdl"
    changed.write_text(capdl)
    result = subprocess.run([sluice, "check", synthetic.SITE, "--capdl", changed],
                            capture_output=True, text=True)
    assert result.returncode == 1
    assert any("int_nic_drv" in line and "ext_frontend" in line and "->" in line
               for line in result.stdout.splitlines() if "VIOLATION" in line), result.stdout


@pytest.mark.microkit
def test_microkit_counts_what_linux_counts(sluice, tmp_path):
    sdk = sdk_or_skip()
    if shutil.which("qemu-system-aarch64") is None:
        pytest.skip("no qemu-system-aarch64: tools/install-deps microkit")
    image = tmp_path / "image"
    result = subprocess.run([sluice, "build", synthetic.SITE, "--host", "microkit", "--sdk", sdk, "-o",
                             image, "--accept-open-timer"],
                            capture_output=True, text=True, timeout=1800)
    assert result.returncode == 0, result.stdout + result.stderr
    linux = synthetic.count(synthetic.linux(sluice=sluice))
    microkit = agrees(synthetic.count(synthetic.image(image)))
    assert microkit == linux and microkit.lost == 0
    # Refused without the option, and then nobody boots what an earlier build left.
    command = ["make", "-s", "microkit", f"CONFIG={synthetic.SITE}", f"MICROKIT_SDK={sdk}",
               f"MICROKIT_OUTPUT={image}"]
    result = subprocess.run(command, cwd=synthetic.ROOT, capture_output=True, text=True, timeout=1800)
    assert result.returncode and "violations" in result.stdout + result.stderr
    assert not (image / "loader.img").exists()
    result = subprocess.run(command + ["MICROKIT_OPTIONS=--accept-open-timer"], cwd=synthetic.ROOT,
                            capture_output=True, text=True, timeout=1800)
    assert result.returncode == 0 and (image / "loader.img").exists(), result.stderr

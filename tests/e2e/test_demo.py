# SPDX-License-Identifier: BSD-2-Clause
"""What `make demo` shows, step by step, and that it leaves nothing behind."""
import io
import subprocess

import lab as lab_module
import pytest
import substation_walk
import walk

pytestmark = pytest.mark.e2e


def test_walk(lab, plant, gateway):
    out = io.StringIO()
    assert walk.walk(lab.connect, plant, gateway.audit, out) == 0, out.getvalue()


@pytest.mark.parametrize("options", [[], ["--fused"]], ids=["isolated", "fused"])
def test_walk_of_the_substation(lab, sluice, root, tmp_path, options):
    out, site = io.StringIO(), substation_walk.Substation(lab)
    try:
        with lab_module.Gateway(lab, sluice, root / "systems/substation/sluice.yaml",
                                tmp_path / "audit.json", *options) as gateway:
            site.connect()
            assert substation_walk.run(site, gateway.audit, out) == 0, out.getvalue()
        junk = out.getvalue().splitlines()[-1]  # not what else was on its way
        assert "audit: session-close (start-octets)" in junk, junk
    finally:
        site.close()


def test_demo_leaves_nothing_behind(root):
    def state():
        links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True).stdout
        processes = subprocess.run(["pgrep", "-fa", f"{root}/(build/sluice|tools/plant.py|tools/dnp3)"],
                                   capture_output=True, text=True).stdout
        ours = {line for line in links.splitlines()
                if line.split()[0].split("@")[0] in ("cl0", "ext0", "int0", "dev0")}
        return ours | set(processes.splitlines())
    before = state()
    result = subprocess.run([root / "build/venv/bin/python", root / "tools/demo.py"],
                            capture_output=True, text=True, timeout=300)
    if "no network namespaces" in result.stderr:
        pytest.skip(result.stderr.strip())
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("| ok") == len(walk.STEPS) + len(substation_walk.STEPS)
    # The last ones may be on their way out.
    lab_module.until(lambda: state() <= before, lambda: state() - before)


def test_demo_without_root(root):
    probe = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                            "unshare", "-Urn", "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip("no unprivileged user namespaces here: " + probe.stderr.strip())
    result = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                             root / "build/venv/bin/python", root / "tools/demo.py"],
                            capture_output=True, text=True, timeout=300)
    if "Permission denied" in result.stderr and "SLUICE" not in result.stderr:
        pytest.skip("this checkout cannot be read by an unprivileged user: " + result.stderr[-200:])
    assert result.returncode == 0, result.stdout + result.stderr

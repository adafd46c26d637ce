# SPDX-License-Identifier: BSD-2-Clause
"""AF_PACKET and the NIC driver component on a veth, in a user and network namespace."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import linux_host  # noqa: E402


@pytest.fixture(scope="module")
def program():
    if not linux_host.user_namespace_works():
        pytest.skip("no user namespaces here: sysctl kernel.unprivileged_userns_clone=1, or root")
    return linux_host.build("nic_reflector")


@pytest.mark.parametrize("grouping", ["isolated", "merged", "fused"])
def test_frames_on_a_veth(program, grouping, tmp_path):
    peer = pathlib.Path(__file__).parent / "nic_peer.py"
    result = subprocess.run(["unshare", "-Urn", "--kill-child", sys.executable, peer, program,
                             grouping, tmp_path], capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("ok ") == 8

# SPDX-License-Identifier: BSD-2-Clause
"""What a frontend's object needs, shows and holds: it must link where there is no libc, beside
the other frontend's copy of lwIP, within the gateway's memory budget."""
import subprocess

import pytest

FREESTANDING = {"memcpy", "memmove", "memset", "memcmp", "_GLOBAL_OFFSET_TABLE_"}
OURS = ("sl_", "frame_", "message_ring_", "oneway_")
STATIC_LIMIT = 592 * 1024  # lwIP's pools and tables; the component's own state is asserted in C


@pytest.fixture(params=["ext_frontend", "int_frontend"])
def frontend(request, root):
    path = root / "build" / f"{request.param}.o"
    if not path.exists():
        pytest.skip(f"{path} is not built: make {path.relative_to(root)}")
    return request.param, path


def symbols(path, *options):
    lines = subprocess.run(["nm", *options, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in lines.splitlines()}


def test_exports_only_the_component(frontend):
    name, path = frontend
    assert symbols(path, "-g", "--defined-only") == {f"{name}_component"}


def test_needs_no_libc(frontend):
    needed = symbols(frontend[1], "-u")
    foreign = {s for s in needed if s not in FREESTANDING and not s.startswith(OURS)}
    assert not foreign


def test_static_memory(frontend):
    out = subprocess.run(["size", frontend[1]], capture_output=True, text=True, check=True).stdout
    _, data, bss = map(int, out.splitlines()[1].split()[:3])
    assert data + bss <= STATIC_LIMIT

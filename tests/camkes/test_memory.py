# SPDX-License-Identifier: BSD-2-Clause
"""What an image takes, and that its constants, the policy among them, are constant."""
import json
import re
import shutil
import subprocess

import camkes
import pytest

pytestmark = pytest.mark.camkes
LIMIT = 4096  # KiB, as on Microkit


def test_it_keeps_to_4_mib(build):
    account = camkes.memory(build())
    total = float(re.search(r"^total +(\d+)", account, re.M)[1])
    assert 2000 < total <= LIMIT, account


def test_a_larger_one_is_refused(build, tmp_path):
    """As `make camkes` does after the build: the image is gone, and it says what to do."""
    assert camkes.limit(build()) == LIMIT
    image = tmp_path / "image"
    shutil.copytree(build(), image)
    camkes.check_limit(image)
    assert (image / "capdl-loader-image").exists()
    machine = json.loads((image / "machine.json").read_text())
    (image / "machine.json").write_text(json.dumps(machine | {"memory_limit_kib": 2000}))
    camkes.check_limit(image, ["-DRELEASE=0"])
    assert (image / "capdl-loader-image").exists()
    with pytest.raises(RuntimeError, match=r"takes \d+ KiB, more than its budget of 2000: lower "
                                           r"buffers \(16 at least\), outstanding or sessions"):
        camkes.check_limit(image)
    assert not (image / "capdl-loader-image").exists()


def test_the_account_has_every_frame(build):
    image = build()
    objects = (image / "sluice.cdl").read_text().split("\ncaps {", 1)[0]
    frames = sum(int(size) * camkes.SIZE[unit] for size, unit in
                 re.findall(r"= frame \((\d+)([kM])(?![^)]*paddr)", objects))
    account = camkes.memory(image)
    counted = sum(int(re.search(rf"^{row} +(\d+)", account, re.M)[1])
                  for row in ("components", "shared regions"))
    assert frames == counted


def segments(program):
    """(start, end, flags) of each."""
    text = subprocess.run(["readelf", "-lW", program], capture_output=True, text=True, check=True)
    for line in text.stdout.splitlines():
        words = line.split()
        if words[:1] == ["LOAD"]:
            start = int(words[2], 16)
            yield start, start + int(words[5], 16), "".join(words[6:-1])


def address(program, symbol):
    text = subprocess.run(["readelf", "-sW", program], capture_output=True, text=True, check=True)
    return next(int(line.split()[1], 16) for line in text.stdout.splitlines()
                if line.split()[-1:] == [symbol])


@pytest.mark.parametrize("name,symbol", [
    ("request_policy_emit", "sluice_policy"), ("reply_policy_emit", "sluice_policy"),
    ("request_policy_emit", "config"), ("ext_frontend", "config"), ("int_nic_drv", "config")])
def test_policy_and_configuration_are_read_only(build, name, symbol):
    program = build() / "elf" / name
    where = address(program, symbol)
    assert [flags for start, end, flags in segments(program) if start <= where < end] == ["R"]
    # And so is what was mapped: the page of that number.
    first = min(start for start, _, _ in segments(program)) // 4096
    frame = f"frame_{name}_group_bin_{where // 4096 - first:04d}"
    rights = re.findall(rf"{frame} \((\w+)", (build() / "sluice.cdl").read_text().split("caps {")[1])
    assert rights == ["R"], frame


def test_no_c_library(build):
    """Nothing that allocates, prints or makes a system call of the C library's: hosts/camkes/bare.c."""
    for program in sorted((build() / "elf").iterdir()):
        names = subprocess.run(["readelf", "-sW", program], capture_output=True, text=True,
                               check=True).stdout.split()
        assert not {"malloc", "printf_core", "vfprintf", "__init_libc", "sys_writev"} & set(names), program

# SPDX-License-Identifier: BSD-2-Clause
"""Where the Microkit SDK is that the tests build against."""
import os
import pathlib
import shutil

import pytest

SDK = pathlib.Path(os.environ.get("MICROKIT_SDK", "/opt/microkit-sdk"))


def sdk_or_skip(version=None):
    """The SDK under test; of another version, the one beside it."""
    path = SDK if version is None else SDK.parent / f"microkit-sdk-{version}"
    if not (path / "bin/microkit").exists():
        pytest.skip(f"no Microkit SDK at {path}: set MICROKIT_SDK to one that you have unpacked "
                    "(docs/microkit.md)")
    if shutil.which("aarch64-linux-gnu-gcc") is None:
        pytest.skip("no aarch64-linux-gnu-gcc: tools/install-deps microkit")
    return path

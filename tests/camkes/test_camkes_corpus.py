# SPDX-License-Identifier: BSD-2-Clause
"""The same Modbus messages through the image and through the Linux host: the same verdicts and bytes."""
import agreement
import corpus
import pytest

pytestmark = pytest.mark.camkes


def test_image_and_linux_host_agree(build, lab, sluice, tmp_path):
    agreement.check(corpus, lab, sluice, build, tmp_path)

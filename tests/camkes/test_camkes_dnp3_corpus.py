# SPDX-License-Identifier: BSD-2-Clause
"""The same DNP3 messages through the image and through the Linux host: the same verdicts and bytes."""
import agreement
import dnp3_corpus
import pytest

pytestmark = pytest.mark.camkes


def test_image_and_linux_host_agree(build, lab, sluice, tmp_path):
    agreement.check(dnp3_corpus, lab, sluice, build, tmp_path)

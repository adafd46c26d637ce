# SPDX-License-Identifier: BSD-2-Clause
"""The same DNP3 messages through the image and through the Linux host: the same verdicts and bytes."""
import dnp3_corpus as corpus
import lab as lab_module
import pytest
import qemu

pytestmark = pytest.mark.microkit


def test_image_and_linux_host_agree(build, lab, sluice, tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(corpus.CONFIG)
    image = build(site=site)[0]
    with lab_module.Gateway(lab, sluice, site, tmp_path / "audit.json", port=corpus.PORT) as gateway:
        linux = corpus.run(lab, gateway.audit)
    with qemu.Gateway(lab, image, tmp_path / "serial", port=corpus.PORT) as gateway:
        microkit = corpus.run(lab, gateway.audit)
    for one, other in zip(linux["replies"], microkit["replies"]):
        assert one == other
    assert linux["device"] == microkit["device"]
    assert linux["audit"] == microkit["audit"]
    # Not by saying nothing: the corpus has all that it should.
    assert len(linux["replies"]) > 120 and len(linux["device"]) > 25
    for verdict, least in (("allow", 30), ("deny", 50), ("malformed", 20)):
        assert sum(f'"verdict": "{verdict}"' in line for line in linux["audit"]) > least, verdict

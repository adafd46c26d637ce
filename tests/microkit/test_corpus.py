# SPDX-License-Identifier: BSD-2-Clause
"""The same messages through the image and through the Linux host: the same verdicts and bytes."""
import corpus
import lab as lab_module
import pytest
import qemu

pytestmark = pytest.mark.microkit


def test_image_and_linux_host_agree(build, lab, sluice, tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(corpus.CONFIG)
    image = build(site=site)[0]
    with lab_module.Gateway(lab, sluice, site, tmp_path / "audit.json") as gateway:
        linux = corpus.run(lab, gateway.audit)
    with qemu.Gateway(lab, image, tmp_path / "serial") as gateway:
        microkit = corpus.run(lab, gateway.audit)
    for one, other in zip(linux["replies"], microkit["replies"]):
        assert one == other
    assert linux["device"] == microkit["device"]
    assert linux["audit"] == microkit["audit"]
    # Not by saying nothing: the corpus has all that it should.
    assert len(linux["replies"]) > 180 and len(linux["device"]) > 60
    for verdict in ("allow", "deny", "malformed"):
        assert sum(f'"verdict": "{verdict}"' in line for line in linux["audit"]) > 25, verdict
    assert sum("request-failed" in line or '"direction": "reply"' in line
               for line in linux["audit"]) > 10

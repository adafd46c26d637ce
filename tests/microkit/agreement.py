# SPDX-License-Identifier: BSD-2-Clause
"""The same messages through an image and through the Linux host: the same verdicts and bytes."""
import lab as lab_module
import qemu

_linux = {}  # module of the corpus: what the Linux host did; for both seL4 hosts


def _of_linux(corpus, lab, sluice, site, tmp_path):
    if corpus not in _linux:
        with lab_module.Gateway(lab, sluice, site, tmp_path / "audit.json",
                                port=corpus.PORT) as gateway:
            _linux[corpus] = corpus.run(lab, gateway.audit)
    return _linux[corpus]


def check(corpus, lab, sluice, build, tmp_path):
    """`build(site)` gives the directory of an image. `corpus` is one of corpus.py, dnp3_corpus.py."""
    site = tmp_path / "site.yaml"
    site.write_text(corpus.CONFIG)
    image = build(site)
    linux = _of_linux(corpus, lab, sluice, site, tmp_path)
    with qemu.Gateway(lab, image, tmp_path / "serial", port=corpus.PORT) as gateway:
        sel4 = corpus.run(lab, gateway.audit)
    for one, other in zip(linux["replies"], sel4["replies"]):
        assert one == other
    assert linux["device"] == sel4["device"]
    assert linux["audit"] == sel4["audit"]
    # Not by saying nothing: the corpus has all that it should.
    for part in ("replies", "device"):
        assert len(linux[part]) > corpus.LEAST[part], part
    for verdict in ("allow", "deny", "malformed"):
        assert sum(f'"verdict": "{verdict}"' in line for line in linux["audit"]) > \
            corpus.LEAST[verdict], verdict
    assert sum("request-failed" in line or '"direction": "reply"' in line
               for line in linux["audit"]) > 10

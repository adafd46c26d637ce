# SPDX-License-Identifier: BSD-2-Clause
"""The same messages through an image and through the Linux host: the same verdicts and bytes."""
import itertools
import warnings

import lab as lab_module
import qemu

# The device is there first: the gateway waits before it tries again to reach one that was not.
_linux = {}  # module of the corpus: what the Linux host did; for both seL4 hosts


def _of_linux(corpus, lab, sluice, site, tmp_path):
    if corpus not in _linux:
        with corpus.Device(lab.device) as device, \
                lab_module.Gateway(lab, sluice, site, tmp_path / "audit.json") as gateway:
            _linux[corpus] = corpus.run(lab, device, gateway.audit)
    return _linux[corpus]


def _differences(linux, sel4):
    return [f"{part}: Linux {one}, the image {other}" for part in ("replies", "device", "audit")
            for one, other in itertools.zip_longest(linux[part], sel4[part]) if one != other]


def check(corpus, lab, sluice, build, tmp_path):
    """`build(site)` gives the directory of an image. `corpus` is one of corpus.py, dnp3_corpus.py.

    A gateway that a busy machine holds up for longer than a reply is waited for looks silent: both
    are asked anew then, with a warning that shows what was different, and a difference counts that is
    there each time. None was, in three runs of both corpora on both images."""
    site = tmp_path / "site.yaml"
    site.write_text(corpus.CONFIG)
    image = build(site)
    for _ in range(3):
        linux = _of_linux(corpus, lab, sluice, site, tmp_path)
        with corpus.Device(lab.device) as device, \
                qemu.Gateway(lab, image, tmp_path / "serial") as gateway:
            sel4 = corpus.run(lab, device, gateway.audit)
        found = _differences(linux, sel4)
        if not found:
            break
        del _linux[corpus]
        warnings.warn("asked anew: " + "; ".join(found[:10]))
    assert not found, "\n".join(found[:3])
    # Not by saying nothing: the corpus has all that it should.
    for part in ("replies", "device"):
        assert len(linux[part]) > corpus.LEAST[part], part
    for verdict in ("allow", "deny", "malformed"):
        assert sum(f'"verdict": "{verdict}"' in line for line in linux["audit"]) > \
            corpus.LEAST[verdict], verdict
    assert sum("request-failed" in line or '"direction": "reply"' in line
               for line in linux["audit"]) > 10

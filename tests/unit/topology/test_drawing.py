# SPDX-License-Identifier: BSD-2-Clause
"""`sluice topology`: the SVG is XML, fits its page, and no two texts overlap."""
import itertools
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

CONFIG = """\
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    rules:
      - allow: read
        from: hmi
        unit: 1
        address: 0-99
"""
SVG = "{http://www.w3.org/2000/svg}"
# Bold DejaVu Sans, the widest of the fonts that the drawing asks for.
CHARACTER_WIDTH = 0.66


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(CONFIG)
    return path


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def sizes(root):
    """Font size and anchor of each class, from the style sheet."""
    style = root.find(f"{SVG}style").text
    rules = dict(re.findall(r"\.(\w+) \{([^}]*)\}", style))
    return {name: (float(size.group(1)) if (size := re.search(r"font-size: ([\d.]+)px", rule)) else None,
                   (anchor.group(1) if (anchor := re.search(r"text-anchor: (\w+)", rule)) else None))
            for name, rule in rules.items()}


def text_boxes(root):
    classes = sizes(root)
    for text in root.iter(f"{SVG}text"):
        size, anchor = 0.0, "start"
        for name in text.get("class").split():
            size = classes[name][0] or size
            anchor = classes[name][1] or anchor
        lines = [(text.text, float(text.get("x")), float(text.get("y")))]
        for span in text.iter(f"{SVG}tspan"):
            lines.append((span.text, float(span.get("x")), lines[-1][2] + float(span.get("dy"))))
        for line, x, y in lines:
            width = CHARACTER_WIDTH * size * len(line)
            left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
            yield line, left, y - 0.76 * size, left + width, y + 0.2 * size


def test_texts_do_not_overlap(sluice, config):
    result = run(sluice, "topology", config)
    assert result.returncode == 0, result.stderr
    root = ElementTree.fromstring(result.stdout)
    width, height = (float(root.get(name)) for name in ("width", "height"))
    boxes = list(text_boxes(root))
    assert len(boxes) > 40
    for line, left, top, right, bottom in boxes:
        assert 0 <= left and right <= width and 0 <= top and bottom <= height, line
    for a, b in itertools.combinations(boxes, 2):
        apart = a[3] <= b[1] or b[3] <= a[1] or a[4] <= b[2] or b[4] <= a[2]
        assert apart, f"{a[0]!r} and {b[0]!r} overlap"


def test_to_a_file_and_as_text(sluice, config, tmp_path):
    drawing = tmp_path / "site.svg"
    result = run(sluice, "topology", config, "-o", drawing)
    assert (result.returncode, result.stdout) == (0, "")
    assert drawing.read_text() == run(sluice, "topology", config).stdout
    text = run(sluice, "topology", "--text", config)
    assert text.returncode == 0
    assert "component ext_frontend: side ext\n" in text.stdout
    assert "flow: ok: " in text.stdout
    assert "flow: trusted, not followed: launcher: " in text.stdout


def test_what_cannot_be_done_is_said(sluice, config, tmp_path):
    missing = run(sluice, "topology", config, "-o", tmp_path / "no" / "such.svg")
    assert missing.returncode == 2 and "such.svg" in missing.stderr
    assert run(sluice, "topology").returncode == 2
    assert run(sluice, "topology", config, config).returncode == 2
    assert run(sluice, "topology", "--colour", config).returncode == 2
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("gateway: 7\n")
    result = run(sluice, "topology", wrong)
    assert (result.returncode, result.stdout) == (2, "") and "wrong.yaml:1" in result.stderr
    assert run(sluice, "topology", "--help").returncode == 0

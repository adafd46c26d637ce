# SPDX-License-Identifier: BSD-2-Clause
"""What `sluice replay` says at its end: refused requests by rule, client and time, as text and as
one page that needs nothing else."""
import html.parser
import re
import subprocess
import xml.etree.ElementTree as xml

import pytest

from modbus_bytes import CLIENT, CONFIG, adu, read, run, write
from test_replay import Talk, ethernet

pytest.importorskip("scapy.all")
from scapy.all import wrpcap  # noqa: E402

STRANGER = "192.168.96.99"
START = 1700000000  # 2023-11-14 22:13:20 UTC


@pytest.fixture
def capture(tmp_path):
    packets = []
    for sport, client, data in ((40000, CLIENT, read(1) * 6 + write(2, 2, 200) + write(2, 2, 999) * 3),
                                (40001, STRANGER, read(1) * 2 + adu(1, 1, b"\x03\x00\x00\x00\x7e"))):
        talk = Talk(client=client, sport=sport)
        packets += ethernet(talk.syn() + [talk.request(at, data[at:at + 12])
                                          for at in range(0, len(data), 12)])
    for number, packet in enumerate(packets):
        packet.time = START + 60 * number
    path = tmp_path / "week<1>.pcap"
    wrpcap(str(path), packets)
    return path


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(CONFIG)
    return path


class Page(html.parser.HTMLParser):
    """Rows of the tables by heading, all text, and that every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.words, self.heading, self.links = [], {}, [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.links += [value for key, value in attributes if key in ("src", "href", "xlink:href")]
        assert not any(key.startswith("on") for key, _ in attributes)
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.setdefault(self.heading, []).append([])
        if tag in ("td", "th"):
            self.rows[self.heading][-1].append("")

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.heading = data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[self.heading][-1][-1] += data
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)


def test_as_text(sluice, capture, config):
    status, _, stderr = run(sluice, "replay", config, capture)
    assert status == 0
    assert "6 of 13 requests would have been refused, 1 of them malformed" in stderr
    assert re.search(r"3  boiler: no-rule-for-value$", stderr, re.M)
    assert re.search(r"2  boiler: no-rule-for-client$", stderr, re.M)
    assert re.search(r"3  192\.168\.96\.99, 0 allowed$", stderr, re.M)
    assert re.search(r"3  hmi, 7 allowed$", stderr, re.M)
    assert re.search(r"3  hmi to boiler: write 999 to register 2, unit 1 \(no-rule-for-value\)$", stderr, re.M)
    times = re.findall(r"^ +(\d+)  from 2023-11-14 22:\d\d:\d\d on$", stderr, re.M)
    assert sum(map(int, times)) == 6


def test_as_a_page(sluice, capture, config, tmp_path):
    path = tmp_path / "report.html"
    status, lines, _ = run(sluice, "replay", "--report", path, config, capture)
    assert status == 0 and len(lines) == 13
    text = path.read_text()
    page = Page(text)
    assert page.open == [] and page.links == [] and "<script" not in text and "url(" not in text
    refused = page.rows["What was refused"]
    assert [row[:5] for row in refused[1:]] == [
        ["3", "hmi", "boiler", "write 999 to register 2, unit 1", "no-rule-for-value"],
        ["2", STRANGER, "boiler", "read holding register 0, unit 1", "no-rule-for-client"],
        ["1", STRANGER, "boiler", "read-holding-registers, unit 1", "quantity-out-of-range"]]
    assert refused[1][5:] == ["2023-11-14 22:22:20", "2023-11-14 22:24:20"]
    assert [row[:3] for row in page.rows["Rules that allowed"][1:]] == [
        ["6", "boiler", "boiler/rule-1"], ["1", "boiler", "setpoint"]]
    words = "".join(page.words)
    assert "week<1>.pcap" in words
    assert "3 of 3" in words and "3 of 10" in words
    plots = re.findall(r"<svg.*?</svg>", text, re.S)
    assert len(plots) == 3
    for plot in plots:
        root = xml.fromstring(plot)
        _, _, width, height = map(float, root.get("viewBox").split())
        for bar in root.iter("rect"):
            x, y, w, h = (float(bar.get(name)) for name in ("x", "y", "width", "height"))
            assert 0 <= x and x + w <= width and 0 <= y and y + h <= height
    by_time = [int(bar.find("title").text) for bar in xml.fromstring(plots[0]).iter("rect")]
    assert sum(by_time) == 13


def test_rules_that_decided_nothing(sluice, config, tmp_path):
    capture, path = tmp_path / "reads.pcap", tmp_path / "report.html"
    wrpcap(str(capture), ethernet([Talk().request(0, read(1))]))
    status, _, stderr = run(sluice, "replay", "--report", path, config, capture)
    assert status == 0
    assert "would have refused none of 1 requests" in stderr
    page = Page(path.read_text())
    assert page.heading == "Rules that decided nothing here"
    assert "setpoint" in page.words


def test_a_page_that_cannot_be_written(sluice, capture, config):
    status, lines, stderr = run(sluice, "replay", "--report", "/nowhere/r.html", config, capture)
    assert status == 2 and len(lines) == 13
    assert "/nowhere/r.html cannot be written: No such file" in stderr


def test_no_report_without_a_policy(sluice, capture):
    result = subprocess.run([sluice, "replay", "--report", "r", "--protocol", "modbus-tcp", capture],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and "--report needs a CONFIG" in result.stderr

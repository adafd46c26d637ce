# SPDX-License-Identifier: BSD-2-Clause
"""docs/audit.md says every event and member that the code writes, with a line as it is written."""
import json
import re

import pytest

WRITERS = ["src/components/monitor/audit_line.c", "src/components/monitor/monitor.c",
           "src/hosts/linux/gateway_event.c", "src/hosts/linux/supervisor.c",
           "src/control/change_log.c",
           "src/hosts/linux/loop.c", "src/hosts/linux/audit_writer.c", "src/hosts/microkit/supervisor.c",
           "src/hosts/microkit/supervisor_line.c", "src/hosts/camkes/supervisor.c"]
NO_EXAMPLE = {"counters", "unknown", "closed", "fault"}  # not written, or not on Linux
BENCH_ONLY = {"bench", "wakes"}  # an image built to be measured


@pytest.fixture(scope="module")
def document(root):
    return (root / "docs/audit.md").read_text()


@pytest.fixture(scope="module")
def code(root):
    return {path: (root / path).read_text() for path in WRITERS}


def events(code):
    text = "\n".join(code.values())
    found = set(re.findall(r'\[SL_AUDIT_\w+\] = "([a-z-]+)"', text))
    found |= set(re.findall(r'"event", "([a-z-]+)"', text))
    found |= set(re.findall(r'\[CHANGE_\w+\] = "([a-z-]+)"', text))
    for call in re.findall(r"\b(?:gateway_event_start|log_plain|line_start)\(([^;{]*?)\);", text, re.S):
        found |= set(re.findall(r'"([a-z-]+)"', call)) - {"launcher", "output", "writer"}
    return found - BENCH_ONLY


def words(document):
    return set(re.findall(r"`([A-Za-z0-9_-]+)`", document))


def examples(document):
    return [json.loads(line) for line in document.splitlines() if line.startswith("    {")]


def test_every_event_is_there(code, document):
    found = events(code)
    assert {"message", "audit-lost", "restart-failed", "stopped", "restarted", "closed"} <= found
    assert not found - words(document)


def test_every_member_is_there(code, document):
    found = set()
    for text in code.values():
        found |= set(re.findall(r'sl_json_\w+\(\s*&?[\w.>-]+,\s*"([a-z_]+)"', text))
        found |= set(re.findall(r'add_hex\(json, "([a-z_]+)"', text))
    for call in re.findall(r"moment\(([^;{]*?)\);", code[WRITERS[0]], re.S):
        found |= set(re.findall(r'"([a-z_]+)"', call))
    found |= {"launcher_seq", "output_seq"}
    assert {"seq", "flow_id", "restart_us", "supervisor_seq", "total", "randomness"} <= found
    assert not found - words(document)


def test_one_example_of_each_event_with_known_members(code, document):
    shown = examples(document)
    assert {line["event"] for line in shown} == events(code) - NO_EXAMPLE
    assert {line["verdict"] for line in shown if line["event"] == "message"} == \
        {"allow", "deny", "malformed"}
    for line in shown:
        assert not set(line) - words(document), line
        assert ("seq" in line) == (line["component"] not in ("launcher", "output", "writer"))

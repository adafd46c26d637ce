# SPDX-License-Identifier: BSD-2-Clause
"""`sluice check` and `sluice explain` on a DNP3 service."""
import subprocess

import pytest

CONFIG = """gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { scada: 192.168.96.10, engineer: 192.168.96.20 }
services:
  - name: feeder
    protocol: dnp3
    listen: 192.168.96.2:20000
    device: 192.168.95.2:20000
    stations:
      - { master: 1, outstation: 10 }
      - { master: 2, outstation: 10 }
    rules:
      - { name: polls, allow: read, from: scada, group: 60 }
      - { name: analogs, allow: read, from: scada, group: [30, 32], index: 0-9 }
      - name: breaker
        allow: control
        from: scada
        master: 1
        index: 3
        operation: [pulse-on, latch-off]
        trip-close: [close, trip]
        on-time: 50-1000
        count: 1
        select-before-operate: required
      - { name: setpoint, allow: direct-operate, from: scada, index: 0, value: [0-100, -5.5] }
      - { name: clock, allow: time, from: engineer, master: 2 }
      - { name: never, deny: [write, time], from: engineer, group: 50, variation: 3 }
      - { name: old, allow: restart, from: engineer, expires: 2025-06-30 }
"""


@pytest.fixture
def explain(sluice, tmp_path):
    path = tmp_path / "sluice.yaml"
    path.write_text(CONFIG)

    def call(message, client="scada"):
        return subprocess.run([sluice, "explain", path, "--client", client, "--", message],
                              capture_output=True, text=True, timeout=60)
    return call


@pytest.mark.parametrize("message, rule", [
    ("read class 1 2 3", "polls"),
    ("read class 0, class 1", "polls"),
    ("c0 01 3c 02 06", "polls"),
    ("c0013c0206 master 2", "polls"),
    # link frames, with both CRCs
    ("05 64 0b c4 0a 00 01 00 ac d1 c0 c0 01 3c 02 06 54 e0", "polls"),
    ("read group 30 index 0-9", "analogs"),
    ("read group 30 variation 5 index 3 group 30 index 2-4 outstation 10", "analogs"),
    ("select pulse-on close index 3", "breaker"),
    ("select trip latch-off index 3 on-time 1000 off-time 7 count 1", "breaker"),
    ("direct-operate index 0 value 100", "setpoint"),
    ("5 index 0 = -5.5", "setpoint"),
])
def test_what_passes(explain, message, rule):
    result = explain(message)
    assert result.stdout.startswith(f"allowed by rule '{rule}', line "), result.stdout + result.stderr
    assert f"[{rule}, line " in result.stdout and result.returncode == 0


@pytest.mark.parametrize("message, client, why, nearest", [
    ("read class 1", "engineer", "no rule allows this client this function there",
     "'polls', line 14, would have allowed it, but it is for clients scada"),
    ("read group 30 index 5-12", "scada", "no one rule covers all of the objects and indexes",
     "'analogs', line 15, would have allowed it, but it is for indexes 0-9, and 5-12 are asked for"),
    ("read group 30", "scada", "no one rule covers all of the objects and indexes",
     "'analogs', line 15, would have allowed it, but it is for indexes 0-9, and all are asked for"),
    ("operate pulse-on close index 3", "scada", "its select is not known here",
     "'breaker', line 16, would have allowed it, but an operate needs its select before"),
    ("select pulse-on close index 3 on-time 1001", "scada", "but not the values",
     "'breaker', line 16, would have allowed it, but its limits leave out this control block"),
    ("select pulse-on close index 3 master 2", "scada",
     "no rule allows this client this function there",
     "'breaker', line 16, would have allowed it, but it is for masters 1"),
    ("direct-operate index 0 value 100.5", "scada", "but not the values",
     "'setpoint', line 26, would have allowed it, but its values leave out this one"),
    ("cold-restart master 2", "engineer", "the rule for it has expired",
     "'old', line 29, would have allowed it, but it expired (2025-06-30)"),
])
def test_the_nearest_rule(explain, message, client, why, nearest):
    result = explain(message, client)
    assert result.returncode == 1, result.stderr
    assert result.stdout.startswith("denied: ") and why in result.stdout.splitlines()[0]
    assert f"nearest: rule {nearest}" in result.stdout


def open_file(mode):
    """A file command for /a (1815 A.25.3)."""
    return f"c0 19 46 03 5b 01 1c00 1a00 0200 000000000000 0000 00000000 00000000 {mode:02x}00 0004 0100 2f61"


@pytest.mark.parametrize("rules, mode, said", [
    ("{ name: f, allow: open-file }", 1, "allowed by rule 'f', line 13:\n"),
    ("{ name: f, allow: open-file }", 2,
     "denied: no rule allows this client this function there\n"
     "nearest: rule 'f', line 13, would have allowed it, but it opens the file to write, and no rule allows "
     "this client to write files (group 70) there:\n"),
    ("{ name: f, allow: open-file, from: engineer }", 2, "but it is for clients engineer (192.168.96.20):\n"),
    ("{ name: f, allow: open-file, from: engineer }", 1, "but it is for clients engineer (192.168.96.20):\n"),
    ("{ name: f, allow: open-file }, { name: w, allow: write, group: 70 }", 2,
     "allowed by rule 'f', line 13:\n"),
    ("{ name: f, allow: [open-file, write] }, { name: w, deny: write, group: 70 }", 2,
     "denied by rule 'w', line 13:\n  any client may not write group 70 (file)"),
    ("{ name: f, allow: read }", 2, "nearest: rule 'f', line 13, would have allowed it, but it is not for "
     "open-file"),
])
def test_opening_a_file(sluice, tmp_path, rules, mode, said):
    path = tmp_path / "sluice.yaml"
    path.write_text(CONFIG[:CONFIG.index("    rules:")] + f"    rules: [ {rules} ]\n")
    result = subprocess.run([sluice, "explain", path, "--client", "scada", "--", open_file(mode)],
                            capture_output=True, text=True, timeout=60)
    assert said in result.stdout, result.stdout + result.stderr


def test_deny_rules_and_stations_that_are_none(explain):
    result = explain("c0 02 32 03 07 01 000000000000 master 2", "engineer")
    assert result.stdout.startswith("denied by rule 'never', line 28:\n")
    assert "engineer (192.168.96.20) may not write group 50 (time)" in result.stdout
    result = explain("read class 1 outstation 11")
    assert result.stdout == ("denied: there are no such stations\nthe service's stations are master 1 "
                             "and outstation 10; master 2 and outstation 10\n")
    assert explain("confirm").stdout == "allowed: it needs no rule\n"


@pytest.mark.parametrize("message, said", [
    ("reed class 1", "found 'reed', expected a DNP3 function such as read"),
    ("read class 4", "found '4', expected classes: 0 to 3"),
    ("read group 30 index x", "found 'x', expected an index"),
    ("operate pulse-on", "found 'the end', expected a command such as"),
    ("operate index 3 value much", "found 'much', expected a number"),
    ("write group 80", "found 'group', expected write time, write indication 7"),
    ("read class 1 from 3", "found 'from', expected 'outstation' or 'master'"),
])
def test_what_is_not_understood(explain, message, said):
    result = explain(message)
    assert result.returncode == 2 and said in result.stderr and result.stdout == ""


def test_malformed_content(explain):
    result = explain("c0 01 3c 05 06")
    assert result.stdout == "malformed: object-unknown; no rule is asked\n" and result.returncode == 1


def test_check_says_what_passes(sluice, tmp_path):
    path = tmp_path / "sluice.yaml"
    path.write_text(CONFIG)
    result = subprocess.run([sluice, "check", path], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    for line in [
            "  scada (192.168.96.10) may read group 60 (class) of any outstation [polls, line 14];",
            "  scada (192.168.96.10) may select and operate group 12 (binary output) index 3 of any "
            "outstation as master 1, operation pulse-on or latch-off, trip-close close or trip, "
            "on-time 50-1000 ms, count 1, an operate only after its select (within 10 s) "
            "[breaker, line 16];",
            "  scada (192.168.96.10) may direct-operate group 41 (analog output) index 0 of any "
            "outstation, value 0-100 or -5.5 [setpoint, line 26];",
            "  engineer (192.168.96.20) may not write group 50 (time) variations 0 and 3 of any",
            "rule 'old' expired (2025-06-30)"]:
        assert line in result.stdout, result.stdout


def test_points_by_their_names(sluice, tmp_path):
    path = tmp_path / "sluice.yaml"
    head = CONFIG[:CONFIG.index("    rules:")]
    path.write_text(head + "    points: { q1: { group: 12, index: 3 }, q2: { group: 12, index: 5 } }\n"
                    "    rules: [ { name: a, allow: control, point: [q1, q2] } ]\n")
    result = subprocess.run([sluice, "check", path], capture_output=True, text=True, timeout=60)
    assert ("any client may select, operate, direct-operate and direct-operate-no-ack q1 and q2, group 12 "
            "(binary output) indexes 3 and 5 of any outstation [a, line 14];") in result.stdout


@pytest.mark.parametrize("stations, rules, said", [
    (", { master: 1, outstation: 65535 }", "{ name: a, allow: control, from: scada }",
     "rule 'a' allows commands to 65535, a broadcast: they reach every outstation"),
    ("", "{ name: a, allow: read }, { name: b, deny: read, group: 30, from: scada }",
     "rule 'b' denies to read objects that an answer to a class poll may hold: what a class holds is "
     "the outstation's choice, and rule 'a' on line 11 allows such polls."),
    ("", "{ name: a, allow: authentication-request, group: 120 }",
     "WARNING: content not understood: "),
    ("", "{ name: a, allow: read, group: [30, 32], index: 0-9 }",
     "rule 'a' names group 32 and an index: requests for that group name no points"),
    (", { master: 1, outstation: 65535 }", "{ name: a, allow: control, outstation: 10 }", None),
    ("", "{ name: a, allow: control, group: [12, 41], index: 0-9 }", None),
    ("", "{ name: a, allow: read, from: engineer }, { name: c, allow: read, group: 30 },"
     " { name: b, deny: read, group: 30, from: scada }", None),
])
def test_check_warns(sluice, tmp_path, stations, rules, said):
    path = tmp_path / "sluice.yaml"
    head = CONFIG[:CONFIG.index("    stations:")]
    path.write_text(f"{head}    stations: [ {{ master: 1, outstation: 10 }}{stations} ]\n"
                    f"    rules: [ {rules} ]\n")
    result = subprocess.run([sluice, "check", path], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (said in result.stdout) if said else "WARNING" not in result.stdout

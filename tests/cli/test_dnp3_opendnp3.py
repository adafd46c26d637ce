# SPDX-License-Identifier: BSD-2-Clause
"""What OpenDNP3's master and outstation say to each other (recorded/record_opendnp3.py) is accepted:
strictness does not cost real devices."""
import collections
import pathlib

from modbus_bytes import run

RECORDED = pathlib.Path(__file__).parent / "recorded"


def decoded(sluice, name, *options):
    status, lines, stderr = run(sluice, "decode", "dnp3", *options, RECORDED / name)
    assert status == 0 and stderr == ""
    return lines


def functions(lines):
    return collections.Counter(line.get("function_name", line.get("link_function_name")) for line in lines)


def objects(lines):
    return {(o["group"], o["variation"]) for line in lines for o in line.get("objects", [])}


def test_requests(sluice):
    lines = decoded(sluice, "opendnp3-requests.bin")
    assert functions(lines) == {
        "read": 108, "confirm": 118, "request-link-status": 19, "write": 11, "enable-unsolicited": 11,
        "disable-unsolicited": 11, "select": 5, "operate": 5, "direct-operate": 5, "link-status": 1,
        "cold-restart": 1, "warm-restart": 1}
    (malformed,) = [line for line in lines if line["verdict"] != "accept"]
    # AN2013-004b table 3: time and date is read with qualifier 07 and a count of 1; it was asked
    # to poll it with 06 like everything else
    assert (malformed["function"], malformed["reason"], malformed["length"]) == (1, "qualifier", 18)
    assert {(12, 1), (41, 1), (41, 2), (41, 3), (41, 4), (60, 1), (80, 1), (122, 0)} <= objects(lines)


def test_commands(sluice):
    lines = decoded(sluice, "opendnp3-requests.bin")
    sent = [o["commands"][0] for line in lines if line.get("function") == 5 for o in line["objects"]]
    assert [c["index"] for c in sent] == [3] * 5
    assert sent[0]["operation"] == "latch-on"
    assert [c.get("value") for c in sent[1:]] == [5, -6, 7.5, 8.5]
    assert sent[3]["value_hex"] == "0000f040"


def test_replies(sluice):
    lines = decoded(sluice, "opendnp3-replies.bin", "--reply")
    assert {line["verdict"] for line in lines} == {"accept"}
    assert functions(lines) == {"unsolicited-response": 105, "response": 171, "link-status": 19,
                                "request-link-status": 1}
    assert {(1, 1), (1, 2), (2, 1), (3, 2), (4, 1), (10, 2), (11, 1), (12, 1), (20, 6), (21, 1), (22, 1),
            (23, 1), (30, 6), (32, 1), (40, 4), (42, 1), (50, 4), (52, 1), (52, 2)} <= objects(lines)

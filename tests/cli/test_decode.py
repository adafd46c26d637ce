# SPDX-License-Identifier: BSD-2-Clause
"""`sluice decode`: the contract of its lines, its verdicts and its exit status."""
import os
import subprocess

import pytest

from modbus_bytes import CONFIG, adu, read, read_reply, run, verdicts, write


@pytest.fixture
def stream(tmp_path):
    def make(content, name="stream"):
        path = tmp_path / name
        path.write_bytes(content)
        return path
    return make


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(CONFIG)
    return path


def test_one_request(sluice, stream):
    path = stream(read(7, address=300, quantity=12, unit=3))
    status, lines, stderr = run(sluice, "decode", "modbus-tcp", path)
    assert status == 0 and stderr == "" and len(lines) == 1
    assert list(lines[0])[:7] == [
        "source", "offset", "length", "protocol", "direction", "verdict", "reason"]
    wanted = {"source": str(path), "offset": 0, "length": 12, "protocol": "modbus-tcp",
              "direction": "request", "verdict": "accept", "reason": None, "function": 3,
              "unit": 3, "transaction": 7, "address": 300, "quantity": 12}
    assert wanted.items() <= lines[0].items()


def test_replies(sluice, stream):
    path = stream(read_reply(7, [1, 65535]) + adu(8, 1, b"\x83\x02"))
    status, lines, _ = run(sluice, "decode", "modbus-tcp", "--reply", path)
    assert status == 0
    assert [line["direction"] for line in lines] == ["reply", "reply"]
    assert lines[0]["values"] == [1, 65535]
    assert lines[1]["function"] == 3 and lines[1]["exception"] == 2


def test_an_exception_for_no_function(sluice, stream):
    """What is not positively known is malformed: no request has function 100."""
    path = stream(adu(1, 1, b"\xe4\x01") + adu(2, 1, b"\x83\x80"))
    status, lines, _ = run(sluice, "decode", "modbus-tcp", "--reply", path)
    assert status == 0
    assert verdicts(lines) == [(0, 9, "malformed", "function-unknown"), (9, 9, "accept", None)]


def test_offsets_run_on(sluice, stream):
    path = stream(read(1) + write(2, 5, 6) + read(3))
    status, lines, _ = run(sluice, "decode", "modbus-tcp", path)
    assert status == 0
    assert verdicts(lines) == [(at, 12, "accept", None) for at in (0, 12, 24)]


def test_malformed_content_goes_on(sluice, stream):
    path = stream(read(1, quantity=0) + read(2, address=65535, quantity=2) + read(3))
    status, lines, _ = run(sluice, "decode", "modbus-tcp", path)
    assert status == 0
    assert verdicts(lines) == [(0, 12, "malformed", "quantity-out-of-range"),
                               (12, 12, "malformed", "address-out-of-range"),
                               (24, 12, "accept", None)]


def test_lost_framing_ends_the_stream(sluice, stream):
    status, lines, _ = run(
        sluice, "decode", "modbus-tcp", stream(read(1) + b"GET / HTTP/1.1\r\n\r\n" + read(2)))
    assert status == 0
    assert len(lines) == 2
    assert lines[1]["offset"] == 12
    assert (lines[1]["verdict"], lines[1]["reason"]) == ("malformed", "protocol-identifier")
    assert "function" not in lines[1]


@pytest.mark.parametrize("left", [1, 6, 7, 11])
def test_end_inside_a_message(sluice, stream, left):
    status, lines, _ = run(sluice, "decode", "modbus-tcp", stream(read(1) + read(2)[:left]))
    assert status == 0
    assert verdicts(lines) == [(0, 12, "accept", None), (12, left, "incomplete", None)]


def test_empty_stream(sluice, stream):
    assert run(sluice, "decode", "modbus-tcp", stream(b"")) == (0, [], "")


def test_long_stream_from_standard_input(sluice):
    content = b"".join(read(i & 0xFFFF, address=i % 1000) for i in range(20000))
    status, lines, _ = run(sluice, "decode", "modbus-tcp", "-", stdin=content)
    assert status == 0
    assert len(lines) == 20000
    assert all(line["source"] == "-" and line["offset"] == 12 * i and line["address"] == i % 1000
               for i, line in enumerate(lines))


def test_what_cannot_be_read_is_named_and_the_rest_still_read(sluice, stream, tmp_path):
    path = stream(read(1))
    missing = tmp_path / "missing"
    status, lines, stderr = run(sluice, "decode", "modbus-tcp", missing, path, tmp_path)
    assert status == 2
    assert [line["source"] for line in lines] == [str(path)]
    assert f"{missing}: cannot be read: No such file" in stderr
    assert f"{tmp_path}: cannot be read: Is a directory" in stderr


def test_a_name_that_is_not_utf8_makes_valid_json(sluice, tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9-\xc3\xa9-\xed\xa0\x80"
    with open(path, "wb") as file:
        file.write(read(1))
    status, lines, _ = run(sluice, "decode", "modbus-tcp", path)
    assert status == 0
    assert lines[0]["source"].endswith("/caf\ufffd-\u00e9-\ufffd\ufffd\ufffd")


def test_full_disk_is_an_error(sluice, stream):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([sluice, "decode", "modbus-tcp", stream(read(1))],
                                stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 2
    assert "could not be written" in result.stderr


@pytest.mark.parametrize("arguments, said", [
    ([], "PROTOCOL and at least one FILE"),
    (["modbus-tcp"], "PROTOCOL and at least one FILE"),
    (["modbus", "x"], "no such protocol: modbus"),
    (["modbus-tcp", "--frob", "x"], "no such option: --frob"),
    (["modbus-tcp", "x", "--config"], "an argument is missing after --config"),
    (["modbus-tcp", "x", "--config", "y"], "--config and --service go together"),
    (["modbus-tcp", "x", "--service", "y"], "--config and --service go together"),
    (["modbus-tcp", "x", "--client", "y"], "--client needs --config"),
])
def test_usage_errors(sluice, arguments, said):
    status, lines, stderr = run(sluice, "decode", *arguments)
    assert status == 2 and lines == []
    assert said in stderr


def with_policy(sluice, config, path, *more):
    return run(sluice, "decode", "modbus-tcp", "--config", config, "--service", "boiler", *more, path)


REQUESTS = (read(1) + read(2, address=90, quantity=20) + write(3, 2, 200) + write(4, 2, 251)
            + read(5, quantity=0))


@pytest.mark.parametrize("client", ["192.168.96.10", "hmi"])
def test_policy_decides(sluice, config, stream, client):
    status, lines, stderr = with_policy(sluice, config, stream(REQUESTS), "--client", client)
    assert status == 0 and stderr == ""
    assert [(line["verdict"], line["reason"]) for line in lines] == [
        ("allow", None), ("deny", "no-rule-for-address"), ("allow", None),
        ("deny", "no-rule-for-value"), ("malformed", "quantity-out-of-range")]
    assert all(line["service"] == "boiler" for line in lines)
    assert lines[2]["rule"] == "setpoint"
    assert lines[1]["rule"] is None
    assert "rule" not in lines[4]


def test_policy_for_another_client(sluice, config, stream):
    path = stream(read(1) + write(3, 2, 200))
    assert [line["verdict"] for line in with_policy(
        sluice, config, path, "--client", "historian")[1]] == ["allow", "deny"]
    status, lines, stderr = with_policy(sluice, config, path)
    assert status == 0
    assert [line["verdict"] for line in lines] == ["deny", "deny"]
    assert "no --client" in stderr


def test_replies_are_not_decided_alone(sluice, config, stream):
    status, lines, stderr = with_policy(sluice, config, stream(read_reply(1, [5])), "--reply")
    assert status == 0 and stderr == ""
    assert lines[0]["verdict"] == "accept" and lines[0]["service"] == "boiler"


@pytest.mark.parametrize("more, said", [
    (["--service", "kettle"], "has no service 'kettle'"),
    (["--service", "boiler", "--client", "nobody"], "'nobody' is neither an IPv4 address nor a host"),
])
def test_what_the_configuration_lacks(sluice, config, stream, more, said):
    status, lines, stderr = run(
        sluice, "decode", "modbus-tcp", "--config", config, *more, stream(read(1)))
    assert status == 2 and lines == []
    assert said in stderr


def test_configuration_with_a_mistake(sluice, stream, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(CONFIG.replace("allow: read", "allow: reed"))
    status, lines, stderr = with_policy(sluice, path, stream(read(1)))
    assert status == 2 and lines == []
    assert f"{path}:11:" in stderr

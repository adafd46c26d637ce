# SPDX-License-Identifier: BSD-2-Clause
"""What the audit says: each write with what it changes, reads summed up, what repeats counted,
nothing lost; files that rotate, disks that are full."""
import contextlib
import glob
import json
import os
import signal
import subprocess
import time

import lab as lab_module
import pytest
from lab import HISTORIAN_ADDRESS, until
from walk import adu, read, receive, write

pytestmark = pytest.mark.e2e

CONFIG = """
gateway:
  external: {{ nic: ext0, address: 192.168.96.2/24 }}
  internal: {{ nic: int0, address: 192.168.95.1/24 }}
  audit: {audit}
hosts: {{ hmi: 192.168.96.10, historian: 192.168.96.20 }}
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 10s
    pipeline: 1
    rules:
      - {{ name: readings, allow: read, from: [hmi, historian], unit: 1, address: 0-99 }}
      - {{ name: setpoint, allow: write, from: hmi, unit: 1, address: [2, 10-19] }}
"""


@pytest.fixture
def start(lab, plant, sluice, tmp_path):
    running = []

    def start(audit="{ interval: 1s }", *options):
        config = tmp_path / "sluice.yaml"
        config.write_text(CONFIG.format(audit=audit))
        it = lab_module.Gateway(lab, sluice, config, tmp_path / "audit.json", *options)
        running.append(it)
        return it.__enter__()
    yield start
    for it in running:
        it.__exit__()


def ask(connection, *pdus, transaction=1):
    for pdu in pdus:
        connection.sendall(adu(transaction, pdu))
        assert len(receive(connection, 1, 20)) == 1
        transaction += 1


def ask_at_once(connection, pdu, count):
    connection.sendall(b"".join(adu(number, pdu) for number in range(count)))
    assert len(receive(connection, count, 20)) == count


def within_a_second(act):
    """A count is told a second after it begins: act() until it takes less. Returns its connection and
    the connection's port."""
    for _ in range(10):
        began = time.monotonic()
        connection = act()
        if time.monotonic() < began + 0.9:
            return connection, connection.getsockname()[1]
    raise AssertionError("this machine does not do it in a second")


def told(lines, **wanted):
    """How many messages the lines tell of that have these members."""
    return sum(line.get("count", 1) for line in lines
               if all(line.get(key) == value for key, value in wanted.items()))


def wait_for(gateway, count, **wanted):
    until(lambda: told(gateway.audit(), **wanted) >= count, gateway.audit)
    lines = gateway.audit()
    assert told(lines, **wanted) == count
    return [line for line in lines
            if all(line.get(key) == value for key, value in wanted.items())]


def writer_of(gateway):
    """The process that writes the file."""
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            pid, rest = open(stat).read().split(" (", 1)
        except OSError:
            continue
        name, rest = rest.rsplit(") ", 1)
        if name == "audit_writer" and int(rest.split()[1]) == gateway.process.pid:
            return int(pid)
    raise AssertionError("no audit writer")


@pytest.mark.parametrize("mode", [[], ["--fused"]])
def test_each_write_has_its_line_with_old_and_new_value(lab, plant, start, mode):
    gateway = start("{ interval: 1s }", *mode)
    connection = lab.connect()
    ask(connection, write(11, 5))             # nothing is known of it
    ask(connection, read(0, 4), write(2, 215), write(2, 220))
    ask(connection, b"\x10" + bytes([0, 10, 0, 3, 6, 0, 1, 0, 2, 0, 3]))
    lines = wait_for(gateway, 4, rule="setpoint", verdict="allow")
    assert [(line["new"], line.get("old")) for line in lines] == \
        [([5], None), ([215], [200]), ([220], [215]), ([1, 2, 3], [None, 5, None])]
    assert lines[1]["message"] == \
        "hmi to boiler: write 215 to register 2, unit 1, was 200: allowed (rule setpoint)"
    assert not any("count" in line for line in lines)
    ask(connection, write(2, 200))            # as the plant had it


def test_reads_are_summed_up_by_flow(lab, plant, start):
    gateway = start()
    second = lab.connect(source=HISTORIAN_ADDRESS)

    def reads():
        connection = lab.connect()
        three = adu(1, read(0, 4)) + adu(2, read(4, 6)) + adu(3, read(40, 2))
        connection.sendall(three * 20)
        assert len(receive(connection, 60, 20)) == 60
        return connection
    first, port = within_a_second(reads)
    ask(second, *[read(7, 1)] * 5)
    lines = wait_for(gateway, 60, verdict="allow", client="hmi", src_port=port)
    assert [line["event"] for line in lines] == ["message", "reads"]
    assert lines[0]["modbus"]["quantity"] == 4 and "count" not in lines[0]
    assert lines[1]["count"] == 59 and lines[1]["since"] <= lines[1]["timestamp"]
    assert lines[1]["extents"] == [
        {"function": 3, "unit": 1, "address": 0, "quantity": 10},
        {"function": 3, "unit": 1, "address": 40, "quantity": 2}]
    assert lines[1]["message"].startswith(
        "hmi to boiler: read holding registers 0-9, unit 1; read holding registers 40-41, unit 1: "
        "allowed, 59 times")
    wait_for(gateway, 5, verdict="allow", client="historian")
    # the session's end tells what is left, long before the next summary
    ask(first, *[read(0, 1)] * 7)
    first.close()
    wait_for(gateway, 67, verdict="allow", client="hmi", src_port=port)


def test_the_same_denial_is_counted(lab, plant, start):
    gateway = start()

    def denials():
        connection = lab.connect()
        ask_at_once(connection, write(50, 1), 30)
        return connection
    connection, port = within_a_second(denials)
    lines = wait_for(gateway, 30, verdict="deny", src_port=port)
    assert [line.get("count") for line in lines] == [None, 29]
    assert lines[0]["message"] == \
        "hmi to boiler: write 1 to register 50, unit 1: denied, no-rule-for-address"
    assert lines[1]["message"].startswith(lines[0]["message"] + "; again 29 times")
    assert lines[1]["modbus"] == {**lines[0]["modbus"], "transaction": lines[1]["modbus"]["transaction"]}
    # another value is another denial
    ask(connection, write(50, 2))
    wait_for(gateway, 31, verdict="deny", src_port=port)


def test_what_follows_in_the_flow_comes_after_the_count(lab, plant, start):
    gateway = start("{ interval: 1min }")
    connection = lab.connect()
    ask(connection, *[write(50, 1)] * 4)
    ask(connection, write(2, 200))
    wait_for(gateway, 1, rule="setpoint")
    lines = [line for line in gateway.audit() if line["event"] == "message"]
    assert lines[-1]["verdict"] == "allow" and told(lines[:-1], verdict="deny") == 4
    assert len(lines) < 5 and "count" not in lines[0]


@pytest.mark.parametrize("mode", [[], ["--fused"]])
def test_nothing_is_lost_at_a_stop(lab, plant, start, mode):
    gateway = start("{ interval: 1min }", *mode)
    connection = lab.connect()
    ask(connection, *[read(0, 1)] * 40, *[write(50, 1)] * 40)
    gateway.process.terminate()
    assert gateway.process.wait(30) == 0
    lines = gateway.audit()
    assert told(lines, verdict="allow") == 40 and told(lines, verdict="deny") == 40
    assert lines[-1]["event"] == "stopped"


def test_nothing_is_lost_when_a_component_dies(lab, plant, start):
    gateway = start("{ interval: 1min }")
    connection = lab.connect()
    ask(connection, *[read(0, 1)] * 40)
    started = gateway.wait_audit(lambda line: line["event"] == "started")
    pid = next(p["pid"] for p in started["processes"] if p["name"] == "int_frontend")
    os.kill(pid, signal.SIGKILL)
    wait_for(gateway, 40, verdict="allow")


def test_each_line_where_the_file_asks_for_it(lab, plant, start):
    gateway = start("{ lines: each }")
    ask(lab.connect(), *[read(0, 1)] * 10, *[write(50, 1)] * 10)
    assert len(wait_for(gateway, 10, verdict="allow")) == 10
    assert len(wait_for(gateway, 10, verdict="deny")) == 10


def allowed_in(directory):
    """Lines of allowed messages in all files, while they are written and renamed."""
    found = set()
    for name in set(glob.glob(str(directory / "audit.json*"))) - {str(directory / "audit.json.log")}:
        with contextlib.suppress(OSError), open(name) as lines:
            found |= {line["seq"] for line in map(json.loads, (text for text in lines if
                                                              text.endswith("\n")))
                      if line.get("event") == "message"}
    return len(found)


def test_files_rotate_by_size(lab, plant, start, tmp_path):
    gateway = start(f"{{ file: {tmp_path}/audit.json, size: 64KiB, keep: 3, lines: each }}")
    connection = lab.connect()
    number = 0
    while not os.path.exists(tmp_path / "audit.json.3"):
        ask(connection, *[read(0, 1)] * 50)
        number += 50
        assert number < 5000
        until(lambda: allowed_in(tmp_path) == number)  # none comes late and turns the oldest file out
    gateway.process.terminate()
    assert gateway.process.wait(30) == 0
    files = sorted(glob.glob(str(tmp_path / "audit.json*")), reverse=True)
    files = [name for name in files if not name.endswith(".log")]
    assert [os.path.basename(name) for name in files] == \
        ["audit.json.3", "audit.json.2", "audit.json.1", "audit.json"]
    lines = [json.loads(line) for name in files for line in open(name)]
    assert all(os.stat(name).st_size <= 65536 and os.stat(name).st_mode & 0o777 == 0o640
               for name in files)
    assert told(lines, event="message", verdict="allow") == number
    counted = [line["seq"] for line in lines if "seq" in line]
    assert counted == list(range(len(counted)))  # in order over all files


def test_a_file_that_was_moved_away_is_begun_anew(lab, plant, start, tmp_path):
    gateway = start("{ lines: each }")
    connection = lab.connect()
    ask(connection, *[read(0, 1)] * 3)
    wait_for(gateway, 3, verdict="allow")
    os.rename(tmp_path / "audit.json", tmp_path / "moved")
    os.kill(writer_of(gateway), signal.SIGHUP)
    until((tmp_path / "audit.json").exists, gateway.read_log)
    ask(connection, *[read(0, 1)] * 4)
    wait_for(gateway, 4, verdict="allow")
    both = [json.loads(line) for name in ("moved", "audit.json") for line in open(tmp_path / name)]
    assert told(both, verdict="allow") == 7


def with_writer_stopped(lab, start):
    """A gateway, a client's connection to it, and its audit writer, which wrote three lines and stopped."""
    gateway = start("{ lines: each }")
    connection = lab.connect()
    ask(connection, *[read(0, 1)] * 3)
    wait_for(gateway, 3, verdict="allow")
    writer = writer_of(gateway)
    os.kill(writer, signal.SIGSTOP)
    return gateway, connection, writer


def test_a_writer_that_dies_is_replaced_and_loses_nothing_that_waited(lab, plant, start):
    gateway, connection, first = with_writer_stopped(lab, start)
    ask_at_once(connection, read(0, 1), 50)  # these wait in the pipe
    os.kill(first, signal.SIGKILL)
    wait_for(gateway, 53, verdict="allow")
    assert writer_of(gateway) != first
    about_writer(gateway, first, "signal")
    assert not any(line["event"] == "restarted" and line["part"] != "audit_writer"
                   for line in gateway.audit())


def about_writer(gateway, first, cause):
    """The log says of the writer `first` why it died, and that another one goes on."""
    died = gateway.wait_audit(lambda line: line["event"] == "component-died")
    assert died and (died["died"], died["part"], died["pid"], died["cause"]) == \
        ("audit_writer", "audit_writer", first, cause), gateway.read_log()
    assert died["message"].endswith("; traffic goes on, audit lines wait")
    restarted = gateway.wait_audit(lambda line: line["event"] == "restarted")
    assert restarted and restarted["part"] == "audit_writer" and restarted["pid"] != first


def test_a_writer_that_hangs_is_replaced_and_loses_nothing_that_waited(lab, plant, start):
    gateway, connection, first = with_writer_stopped(lab, start)
    ask_at_once(connection, read(0, 1), 50)
    about_writer(gateway, first, "hung")
    wait_for(gateway, 53, verdict="allow")
    assert writer_of(gateway) != first
    assert "audit_writer: took no turn" in gateway.read_log()


def test_a_writer_that_hangs_at_the_end_loses_nothing(lab, plant, start):
    gateway = start("{ lines: each }")
    connection = lab.connect()
    os.kill(writer_of(gateway), signal.SIGSTOP)
    ask_at_once(connection, read(0, 1), 20)
    gateway.process.terminate()
    assert gateway.process.wait(30) == 0
    assert told(gateway.audit(), verdict="allow") == 20
    assert gateway.audit()[-1]["event"] == "stopped"


def test_no_half_line_after_a_writer_that_died_with_its_beginning(lab, plant, start):
    gateway, connection, first = with_writer_stopped(lab, start)
    until(lambda: ") T " in open(f"/proc/{first}/stat").read())
    ask_at_once(connection, read(0, 1), 20)
    with open(f"/proc/{first}/fd/4", "rb", 0) as pipe:  # the monitor's, as it would read itself
        os.set_blocking(pipe.fileno(), False)
        taken = until(lambda: pipe.read(100))
    assert b"\n" not in taken
    os.kill(first, signal.SIGKILL)
    wait_for(gateway, 22, verdict="allow")  # every line is one that json understands
    lost = gateway.wait_audit(lambda line: line["event"] == "audit-lost")
    assert (lost["component"], lost["count"]) == ("writer", 1)


def test_a_writer_waits_for_a_file_that_cannot_be_opened(lab, plant, start, tmp_path):
    place = tmp_path / "log"
    place.mkdir()
    gateway = start("{ lines: each }", "--audit", place / "audit.json")
    gateway.audit_path = place / "audit.json"
    connection = lab.connect()
    ask(connection, *[read(0, 1)] * 3)
    wait_for(gateway, 3, verdict="allow")
    place.rename(tmp_path / "elsewhere")
    os.kill(writer_of(gateway), signal.SIGKILL)
    until(lambda: "No such file or directory; traffic goes on" in gateway.read_log(), gateway.read_log)
    ask(connection, *[read(0, 1)] * 20)
    (tmp_path / "elsewhere").rename(place)
    wait_for(gateway, 23, verdict="allow")


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk],
                          capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no file system of our own here: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_traffic_goes_on_with_a_full_disk(lab, plant, start, small_disk):
    gateway = start("{ lines: each }", "--audit", small_disk / "audit.json")
    gateway.audit_path = small_disk / "audit.json"
    connection = lab.connect()
    sent = 0
    limit = time.monotonic() + 60
    while "No space left on device" not in gateway.read_log():
        ask(connection, *[read(0, 1)] * 50)
        sent += 50
        assert time.monotonic() < limit
    ask(connection, *[read(0, 1)] * 400)
    sent += 400
    whole = gateway.audit()
    assert open(gateway.audit_path).read().endswith("}\n")  # no half line
    os.rename(gateway.audit_path, small_disk / "old")
    os.truncate(small_disk / "old", 0)  # room

    def all_told():
        lines = whole + lines_of(small_disk / "old")
        lost = [line for line in lines if line["event"] == "audit-lost"]
        count = told(lines, event="message", verdict="allow") + sum(line["count"] for line in lost)
        return lost and count >= sent and (lost, count)
    [lost], count = until(all_told, gateway.read_log)
    assert lost["component"] == "writer" and lost["error"] == "No space left on device"
    assert count == sent
    assert "can be written again" in gateway.read_log()


def lines_of(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines if line.endswith("\n")]

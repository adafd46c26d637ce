# SPDX-License-Identifier: BSD-2-Clause
"""Operation: other rules while it runs, overrides, status, metrics, who may ask."""
import contextlib
import datetime
import json
import os
import re
import select
import shutil
import signal
import socket  # noqa: F401
import stat
import struct
import subprocess
import threading
import time

import lab as lab_module
from lab import until
import pytest
from walk import adu, read, receive, write

pytestmark = pytest.mark.e2e

CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
  control: { socket: %(socket)s, state: %(state)s%(control)s }
  audit: { lines: each }
hosts: { hmi: 192.168.96.10, historian: 192.168.96.20 }
%(top)s
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 10s
    rules:
%(rules)s
"""
READ = "      - { name: readings, allow: read, address: 0-9 }\n"
WRITE = "      - { name: setpoint, allow: write, address: 2 }\n"
OVERRIDES = """
overrides:
  - name: maintenance
    max: 2h
    rules:
      boiler:
        - { name: pump, allow: write, address: 5, from: hmi }
  - name: lockdown
    max: 1h
    rules: { boiler: [ { deny: write } ] }
"""


class Client:
    def __init__(self, lab, source="192.168.96.10"):
        self.connection = lab.connect(source=source)
        self.transaction = 0

    def ask(self, pdu, timeout=20):
        self.transaction += 1
        self.connection.sendall(adu(self.transaction, pdu))
        replies = receive(self.connection, 1, timeout)
        return replies[0][7:] if replies else None

    def reads(self, address=0):
        return self.ask(read(address, 1))[0] == 3

    def writes(self, address, value=1):
        return self.ask(write(address, value)) == write(address, value)


class Site:
    """A gateway whose file can be written anew while it runs."""

    def __init__(self, lab, sluice, folder, fused):
        self.lab, self.sluice, self.folder = lab, sluice, folder
        self.config = folder / "plant.yaml"
        self.socket = folder / "plant.sock"
        self.state = folder / "plant.override"
        self.options = ["--fused"] if fused else []

    def write(self, rules, top="", control=""):
        self.config.write_text(CONFIG % {"socket": self.socket, "state": self.state, "rules": rules,
                                         "top": top, "control": control})

    @contextlib.contextmanager
    def run(self, *options):
        with lab_module.Gateway(self.lab, self.sluice, self.config, self.folder / "audit.json",
                                *self.options, *options) as gateway:
            assert gateway.wait_audit(lambda line: line.get("event") == "started")
            yield gateway

    def ask(self, *arguments, **options):
        return subprocess.run([self.sluice, *arguments, "--socket", self.socket],
                              capture_output=True, text=True, timeout=60, **options)

    def status(self):
        result = self.ask("status", "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture(params=["isolated", "fused"])
def site(request, lab, plant, tmp_path, sluice):
    return Site(lab, sluice, tmp_path, request.param == "fused")


@pytest.fixture
def isolated(lab, plant, tmp_path, sluice):
    return Site(lab, sluice, tmp_path, False)


def policies(gateway, event):
    return [line["policy"] for line in gateway.audit() if line.get("event") == event]


# ---- reload ----

def test_reload_takes_other_rules_and_keeps_sessions(lab, site):
    site.write(READ)
    with site.run() as gateway:
        client = Client(lab)
        assert client.reads() and not client.writes(2)
        site.write(READ + WRITE)
        for _ in range(5):  # the places for images are used again
            site.write(READ + WRITE)
            result = site.ask("reload")
            assert result.returncode == 0, result.stderr
            assert re.fullmatch(r"rules reloaded: policy \w{16} in force, was \w{16}\n",
                                result.stdout)
            assert client.writes(2) and client.reads()
            site.write(READ)
            assert site.ask("reload").returncode == 0
            assert not client.writes(2) and client.reads()
        line = gateway.wait_audit(lambda line: line.get("event") == "reloaded")
        assert line["policy"] != line["before"] and line["uid"] == os.getuid()
    assert len(policies(gateway, "reloaded")) == 10
    assert policies(gateway, "session-close") == policies(gateway, "reloaded")[-1:]
    assert not [line for line in gateway.audit() if line.get("event") in ("component-died", "dropped")]


def test_lines_name_the_policy_that_decided(lab, site):
    """Rule names and hashes are those of the policy by which the message was judged."""
    site.write(READ)
    with site.run() as gateway:
        client = Client(lab)
        for turn in range(8):
            site.write("".join(f"      - {{ name: turn-{turn}-{i}, allow: read, address: {i} }}\n"
                               for i in range(turn % 3 + 1)))
            assert site.ask("reload").returncode == 0
            assert client.reads(turn % 3)
        last = gateway.wait_audit(lambda line: line.get("rule", "").startswith("turn-7"))
        assert last
    reloads = [line["policy"] for line in gateway.audit() if line.get("event") == "reloaded"]
    for line in gateway.audit():
        if line.get("event") == "message":
            turn = int(line["rule"].split("-")[1])
            assert line["rule"] == f"turn-{turn}-{turn % 3}"
            assert line["policy"] == reloads[turn]


def test_counts_are_of_one_policy(lab, isolated):
    """Lines that sum up reads and repeats do not join what two policies decided."""
    isolated.write(READ)
    isolated.config.write_text(isolated.config.read_text().replace("lines: each", "lines: summary"))
    text = isolated.config.read_text()
    with isolated.run() as gateway:
        client = Client(lab)
        for turn in range(4):
            isolated.config.write_text(text.replace("readings", f"turn-{turn}"))
            assert isolated.ask("reload").returncode == 0
            for _ in range(5):
                assert client.reads() and not client.writes(9)
    lines = gateway.audit()
    for policy in [line["policy"] for line in lines if line.get("event") == "reloaded"]:
        for verdict in ("allow", "deny"):
            of_policy = [line.get("count", 1) for line in lines if line["policy"] == policy and
                         line.get("verdict") == verdict]
            assert sum(of_policy) == 5, (policy, verdict, of_policy)


BAD = [
    # what is written, where and what is said
    ("      - { allow: read, adress: 0 }\n", "", r":16:\d+: found unknown key 'adress'"),
    ("      - { allow: read\n", "", r":1[678]:\d+: "),
    (READ + "  - { name: second, protocol: modbus-tcp, listen: 192.168.96.2:503, "
     "device: 192.168.95.2:502 }\n", "", r":17:5: found one more of services"),
]


@pytest.mark.parametrize("rules,top,said", BAD, ids=["key", "syntax", "service"])
def test_a_bad_file_changes_nothing(lab, isolated, rules, top, said):
    isolated.write(READ)
    with isolated.run() as gateway:
        client = Client(lab)
        before = isolated.status()["policy"]
        isolated.write(rules, top)
        result = isolated.ask("reload")
        assert result.returncode == 1 and result.stdout == ""
        assert re.search(re.escape(str(isolated.config)) + said, result.stderr), result.stderr
        assert f"policy {before} stays in force" in result.stderr
        assert client.reads() and not client.writes(2)
        line = gateway.wait_audit(lambda line: line.get("event") == "reload-failed")
        assert re.search(said, line["error"]) and line["policy"] == before
        isolated.config.unlink()
        result = isolated.ask("reload")
        assert result.returncode == 1 and "cannot read" in result.stderr
        assert client.reads()


OTHER = [
    ("device: 192.168.95.2:502", "device: 192.168.95.3:502", "device '192.168.95.3:502', expected "
     "'192.168.95.2:502'"),
    ("listen: 192.168.96.2:502", "listen: 192.168.96.2:503", "listen '192.168.96.2:503'"),
    ("    rules:", "    queue: 9\n    rules:", "found 'queue', expected it not to be there"),
    ("nic: int0,", "nic: int0, vlan: 7,", "found 'vlan'"),
    ("gateway:", "gateway:\n  outstanding: 7", "found 'outstanding'"),
    ("state: ", "mode: 0660, state: ", "found 'mode'"),
    ("name: boiler", "name: kettle", "name 'kettle', expected 'boiler'"),
    ("    rules:", "    unit-0: broadcast\n    rules:", "found 'unit-0'"),
]


def test_what_is_more_than_rules_is_refused(lab, isolated):
    isolated.write(READ)
    with isolated.run():
        client = Client(lab)
        good = isolated.config.read_text()
        for old, new, said in OTHER:
            assert old in good
            isolated.config.write_text(good.replace(old, new).replace("address: 0-9", "address: 0"))
            result = isolated.ask("reload")
            assert result.returncode == 1, (new, result.stdout)
            assert said in result.stderr and re.search(r"plant.yaml:\d+:\d+: found", result.stderr)
            assert client.reads(5)
        # Only rules: hosts, points, mode monitor, what becomes of denied messages.
        isolated.config.write_text(good.replace("gateway:", "gateway:\n  mode: monitor")
                                   .replace("hosts: {", "hosts: { laptop: 192.168.96.33,")
                                   .replace("    rules:", "    on-deny: drop\n    rules:"))
        assert isolated.ask("reload").returncode == 0
        assert client.writes(2)


def test_hang_up_reloads(lab, site):
    site.write(READ)
    with site.run() as gateway:
        client = Client(lab)
        site.write(READ + WRITE)
        gateway.process.send_signal(signal.SIGHUP)
        line = gateway.wait_audit(lambda line: line.get("event") == "reloaded")
        assert line and "uid" not in line
        assert client.writes(2)
        site.write("      - nonsense\n")
        gateway.process.send_signal(signal.SIGHUP)
        line = gateway.wait_audit(lambda line: line.get("event") == "reload-failed")
        assert "plant.yaml:16:" in line["error"]
        assert client.writes(2)
        # The audit file was moved away: a new one is begun.
        log, moved = gateway.audit_path, gateway.audit_path.with_suffix(".1")
        log.rename(moved)
        gateway.process.send_signal(signal.SIGHUP)
        until(log.exists)
        until(lambda: (moved.read_text() + log.read_text()).count('"reload-failed"') == 2)
        assert client.writes(2, 77)
        assert gateway.wait_audit(lambda line: line.get("new") == [77])
        # SIGUSR1 does this alone: the file that is now right is not taken.
        log.rename(log.with_suffix(".2"))
        site.write(READ)
        gateway.process.send_signal(signal.SIGUSR1)
        until(log.exists)
        assert client.writes(2, 78)
        assert gateway.wait_audit(lambda line: line.get("new") == [78])
        assert not [line for line in gateway.audit() if line.get("event") == "reloaded"]


def test_reload_under_load(lab, site):
    """16 sessions, a reload after every two requests of each; each request is answered, by the rules
    from before it was sent or from before its answer came. Register 2 may be written in every other policy."""
    site.write(READ)
    counts = [0, 0, 0]
    failures = []
    turn = 0  # of policies: raised when a reload is asked for, and again when it is in force
    over = threading.Event()

    def work(number):
        try:
            client = Client(lab, ["192.168.96.10", "192.168.96.20"][number % 2])
            while not over.is_set():
                if not client.reads(number % 10):
                    failures.append("a read was refused")
                before = turn
                written = client.writes(2, number)
                after = turn
                counts[0] += 1
                counts[2 if written else 1] += 1
                # turn % 4: 0 denied, 1 denied or allowed, 2 allowed, 3 allowed or denied
                if before == after and before % 4 in (0, 2) and written != (before % 4 == 2):
                    failures.append(f"turn {before}: written {written}")
        except Exception as error:  # noqa: BLE001
            failures.append(repr(error))

    with site.run() as gateway:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
        for thread in threads:
            thread.start()
        for i in range(20):
            done = counts[0]
            until(lambda: counts[0] >= done + 32 or failures)
            site.write(READ + WRITE if i % 2 == 0 else READ)
            turn += 1
            result = site.ask("reload")
            turn += 1
            assert result.returncode == 0, result.stderr
        over.set()
        for thread in threads:
            thread.join(60)
        assert not failures, failures[:5]
        assert counts[1] > 100 and counts[2] > 100, counts
        assert site.status()["policy"]
    lines = gateway.audit()
    assert len([line for line in lines if line.get("event") == "reloaded"]) == 20
    assert not [line for line in lines
                if line.get("event") in ("component-died", "restarted", "request-failed")]
    # Whoever decided says which policy it was, and its rules are named as in that one.
    reloads = [line["policy"] for line in lines if line.get("event") == "reloaded"]
    allowing = {reloads[i] for i in range(0, 20, 2)}
    for line in lines:
        if line.get("event") == "message" and line["modbus"]["function"] == 6:
            assert (line["verdict"] == "allow") == (line["policy"] in allowing), line
            assert line.get("rule") == ("setpoint" if line["verdict"] == "allow" else None)


def test_rates_and_values_go_on(lab, isolated):
    """A reload is no way to get a new bucket, nor does it forget what max-step is measured from."""
    limited = """      - { name: readings, allow: read, address: 0-3 }
      - { name: slow, allow: read, address: 4, rate: { limit: 1/h, burst: 2 } }
      - { name: each, allow: read, address: 5, rate: { limit: 1/h, burst: 1, per: client } }
      - { name: step, allow: write, address: 2, unit: 1, max-step: 10 }
"""
    isolated.write(limited)
    with isolated.run():
        client, other = Client(lab), Client(lab, "192.168.96.20")
        assert client.reads(4) and client.reads(5) and client.reads(2)
        value = struct.unpack(">H", client.ask(read(2, 1))[2:])[0]
        isolated.write("      - { name: first, allow: read, address: 9, rate: { limit: 1/h, "
                       "burst: 2 } }\n" + limited)
        assert isolated.ask("reload").returncode == 0
        assert client.reads(4) and not client.reads(4)
        assert not client.reads(5) and other.reads(5)
        assert client.reads(9) and client.reads(9) and not client.reads(9)
        assert client.writes(2, value + 10) and not client.writes(2, value + 21)
        isolated.write(limited)
        assert isolated.ask("reload").returncode == 0
        assert not client.reads(4) and not other.reads(5)
        assert client.writes(2, value + 20)


# ---- status and metrics ----

def test_status_of_known_traffic(lab, site):
    site.write(READ + WRITE)
    with site.run() as gateway:
        assert site.status()["services"][0]["device"]["state"] == "unused"
        client, other = Client(lab), Client(lab, "192.168.96.20")
        for _ in range(7):
            assert client.reads()
        assert client.writes(2)
        for _ in range(3):
            assert not client.writes(3)
        assert other.ask(b"\x03\x00\x00\x00\x00") == b"\x83\x03"  # malformed
        assert other.reads()

        def settled():
            status = site.status()
            return status["services"][0]["requests"]["answered"] == 9 and status
        status = until(settled)
        service = status["services"][0]
        assert service["requests"] == {"allowed": 9, "denied": 3, "malformed": 1, "let_through": 0,
                                       "answered": 9, "exceptions": 0, "unsolicited": 0, "failed": 0}
        assert service["reasons"] == {"no-rule-for-address": 3, "quantity-out-of-range": 1}
        assert service["device"]["state"] == "up" and service["device"]["connections"] == 2
        assert service["sessions"] == 2 and service["sessions_opened"] >= 2
        assert service["latency_us"]["answered"]["count"] == 9
        assert service["latency_us"]["decided"]["count"] == 13
        for durations in service["latency_us"].values():
            assert 0 < durations["p50"] <= durations["p90"] <= durations["p99"] <= durations["p999"]
            assert durations["mean"] <= durations["p999"] < 30e6
        sessions = {session["client"]: session for session in status["sessions"]}
        assert sessions["192.168.96.10"].items() >= {
            "name": "hmi", "service": "boiler", "allowed": 8, "refused": 3, "failed": 0}.items()
        assert sessions["192.168.96.20"].items() >= {
            "name": "historian", "allowed": 1, "refused": 1}.items()
        assert status["running"] and status["override"] is None and status["epoch"] == 0
        assert status["policy"] == policies(gateway, "started")[0]
        assert status["audit"]["lost"] == 0

        text = site.ask("status").stdout
        assert "requests: 9 allowed, 3 denied, 1 malformed" in text
        assert "device: up for 00:0" in text and "2 connections" in text
        assert re.search(r"192\.168\.96\.10:\d+ +hmi +boiler .* 8 +3 +0\n", text), text
        assert "refused and failed: quantity-out-of-range 1, no-rule-for-address 3" in text

        client.connection.close()
        other.connection.close()
        service = until(lambda: (found := site.status()["services"][0]) and
                           found["sessions"] == 0 and found["device"]["connections"] == 0 and found)
        assert service["device"]["state"] == "idle"
        assert site.status()["sessions"] == []


def test_status_of_a_silent_device_and_a_restart(lab, isolated, plant):
    isolated.write(READ)
    with isolated.run() as gateway:
        plant.close()
        client = Client(lab)
        assert client.ask(read(0, 1)) == b"\x83\x0b"
        service = until(lambda: (found := isolated.status()["services"][0]) and
                           found["requests"]["failed"] and found)
        assert service["device"]["state"] == "down"
        assert service["device"]["reason"] in ("device-unreachable", "device-closed")
        started = gateway.wait_audit(lambda line: line.get("event") == "started")
        victim = next(p for p in started["processes"] if p["name"] == "int_frontend")
        os.kill(victim["pid"], signal.SIGKILL)
        assert gateway.wait_audit(lambda line: line.get("event") == "restarted")
        status = until(lambda: (found := isolated.status()) and found["running"] and found)
        assert status["epoch"] == 1
        assert status["services"][0]["requests"]["failed"] == 0  # counts begin with the pipeline
        # Rules are reloaded after a restart as before it.
        isolated.write(READ + WRITE)
        assert isolated.ask("reload").returncode == 0


def parse_metrics(text):
    from prometheus_client.parser import text_string_to_metric_families
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def test_metrics_are_what_prometheus_reads(lab, site):
    metrics = site.folder / "sluice.prom"
    site.write(READ + WRITE, control=f", metrics: {metrics}")
    with site.run() as gateway:
        client = Client(lab)
        for _ in range(5):
            assert client.reads()
        assert not client.writes(3)
        until(lambda: site.status()["services"][0]["requests"]["answered"] == 5)
        text = site.ask("status", "--metrics").stdout
        found = parse_metrics(text)
        boiler = ("service", "boiler")
        assert found["sluice_requests_total", (boiler, ("verdict", "allow"))] == 5
        assert found["sluice_requests_total", (boiler, ("verdict", "deny"))] == 1
        assert found["sluice_requests_total", (boiler, ("verdict", "malformed"))] == 0
        assert found["sluice_refused_total", (("reason", "no-rule-for-address"), boiler)] == 1
        assert found["sluice_sessions", (boiler,)] == 1
        assert found["sluice_device_connections", (boiler,)] == 1
        assert found["sluice_running", ()] == 1 and found["sluice_override_active", ()] == 0
        assert found["sluice_answer_seconds_count", (boiler,)] == 5
        assert 0 < found["sluice_answer_seconds_sum", (boiler,)] < 50
        buckets = sorted((float(dict(labels)["le"]), value) for (name, labels), value in
                         found.items() if name == "sluice_answer_seconds_bucket")
        assert [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert buckets[-1] == (float("inf"), 5) and len(buckets) == 22
        assert found["sluice_info", (("policy", site.status()["policy"]),
                                     ("version", "0.1.0"))] == 1
        # The file says the same, is whole at every moment, and anybody may read it.
        until(lambda: parse_metrics(metrics.read_text()).get(
            ("sluice_answered_total", (boiler,))) == 5, seconds=60)
        assert stat.S_IMODE(metrics.stat().st_mode) == 0o644
        assert not list(site.folder.glob("*.new"))
        assert gateway.process.poll() is None


# ---- who may ask ----

def test_who_may_ask(lab, isolated):
    """The file's permissions say who; another user is refused by the kernel."""
    isolated.write(READ)
    os.chmod(isolated.folder, 0o755)
    for parent in isolated.folder.parents:
        if parent == parent.parent or parent.stat().st_mode & 0o001:
            continue
        os.chmod(parent, parent.stat().st_mode | 0o011)
    nobody = {"user": 65534, "group": 65534, "extra_groups": [],  # nobody may not look into /root
              "executable": shutil.copy(isolated.sluice, isolated.folder / "sluice")}
    with isolated.run():
        assert stat.S_IMODE(isolated.socket.stat().st_mode) == 0o600
        for arguments in (["status"], ["reload"], ["override", "--end"]):
            result = isolated.ask(*arguments, **nobody)
            assert result.returncode == 2 and "Permission denied" in result.stderr, result
            assert "permissions say who may" in result.stderr
        assert isolated.ask("status").returncode == 0
    assert not isolated.socket.exists()
    isolated.write(READ, control=", mode: 0660, group: nogroup")
    with isolated.run():
        assert stat.S_IMODE(isolated.socket.stat().st_mode) == 0o660
        assert isolated.ask("status", **nobody).returncode == 0


def open_files(pid):
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield os.readlink(f"/proc/{pid}/fd/{fd}")


def test_components_cannot_reach_the_socket(lab, isolated):
    """Only the launcher has it open."""
    isolated.write(READ)
    with isolated.run() as gateway:
        with open(f"/proc/{gateway.process.pid}/net/unix") as lines:
            inode = next(line.split()[6] for line in lines
                         if line.endswith(f"{isolated.socket}\n"))
        started = gateway.wait_audit(lambda line: line.get("event") == "started")
        pids = [process["pid"] for process in started["processes"]]
        held = {pid: set(open_files(pid)) for pid in [gateway.process.pid, *pids]}
        holders = [pid for pid, links in held.items() if f"socket:[{inode}]" in links]
        assert holders == [gateway.process.pid]
        result = subprocess.run([isolated.sluice, "check", isolated.config, "--running",
                                 str(gateway.process.pid)], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout


def test_a_client_that_says_nothing_holds_up_nobody(lab, isolated):
    isolated.write(READ)
    with isolated.run():
        idle = []
        for _ in range(12):  # more than there are places
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(isolated.socket))
            idle.append(connection)
        begin = time.monotonic()
        assert isolated.ask("status").returncode == 0
        assert time.monotonic() - begin < 50
        assert Client(lab).reads()
        # Nonsense and too much of it are refused.
        for text in (b"\n\n", b"\0\0\n\n", b"x" * 5000, b"override\nend\n\n"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(30)
                connection.connect(str(isolated.socket))
                with contextlib.suppress(OSError):
                    connection.sendall(text)
                    answer = connection.recv(100)
                    assert answer == b"" or answer[:2] in (b"1\n", b"2\n"), answer
        assert isolated.ask("status").returncode == 0


def test_two_gateways_do_not_share_a_socket(lab, isolated, sluice):
    isolated.write(READ)
    other = isolated.folder / "other.yaml"
    other.write_text(isolated.config.read_text().replace("ext0", "ext1").replace("int0", "int1"))
    lab.gateway.ip("link", "add", "ext1", "type", "veth", "peer", "name", "int1")
    for name in ("ext1", "int1"):
        lab.gateway.ip("link", "set", name, "up")
    with isolated.run():
        second = lab.gateway.run([sluice, "run", other, "--audit", "-"], timeout=60)
        assert second.returncode == 1
        assert f"another gateway listens on '{isolated.socket}'" in second.stderr
        assert isolated.ask("status").returncode == 0
    isolated.socket.touch()
    assert "is there already and no socket" in lab.gateway.run(
        [sluice, "run", isolated.config, "--audit", "-"], timeout=60).stderr


# ---- overrides ----

OVERRIDE = ["override", "maintenance", "--who", "A. Muster", "--why", "pump exchange"]


def test_an_override_from_start_to_end(lab, site):
    site.write(READ, OVERRIDES)
    with site.run() as gateway:
        client, other = Client(lab), Client(lab, "192.168.96.20")
        plain = site.status()["policy"]
        assert not client.writes(5)
        result = site.ask(*OVERRIDE, "--for", "30min")
        assert result.returncode == 0, result.stderr
        assert "OVERRIDE 'maintenance' in force until " in result.stdout
        assert client.writes(5) and not other.writes(5) and not client.writes(6)
        start = gateway.wait_audit(lambda line: line.get("event") == "override-start")
        assert start.items() >= {"override": "maintenance", "who": "A. Muster", "cause": "asked",
                                 "why": "pump exchange", "uid": os.getuid()}.items()
        status = site.status()
        assert status["override"].items() >= {"ruleset": "maintenance", "who": "A. Muster",
                                              "why": "pump exchange"}.items()
        assert 1700 < status["override"]["left_s"] <= 1800
        assert status["policy"] == start["policy"] != plain
        assert "OVERRIDE maintenance in force since " in site.ask("status").stdout
        metrics = parse_metrics(site.ask("status", "--metrics").stdout)
        assert metrics["sluice_override_active", (("ruleset", "maintenance"),)] == 1
        # Every line it decides says so.
        line = gateway.wait_audit(lambda line: line.get("override") == "maintenance" and
                                  line["event"] == "message")
        assert line["rule"] == "maintenance/pump" and line["verdict"] == "allow"
        assert "(rule maintenance/pump)" in line["message"]
        assert client.reads()
        line = gateway.wait_audit(lambda line: line.get("rule") == "readings" and
                                  line["policy"] == start["policy"])
        assert line and "override" not in line
        # Another must wait; the same is renewed.
        refused = site.ask("override", "lockdown", "--for", "1h", "--who", "x", "--why", "y")
        assert refused.returncode == 1 and "'maintenance' of A. Muster is in force" in refused.stderr
        assert site.ask(*OVERRIDE, "--for", "2h").returncode == 0
        assert 7100 < site.status()["override"]["left_s"] <= 7200
        # A reload keeps it.
        site.write(READ + WRITE, OVERRIDES)
        assert site.ask("reload").returncode == 0
        assert client.writes(5) and other.writes(2)
        site.write(READ + WRITE)
        result = site.ask("reload")
        assert result.returncode == 1 and "plant.yaml:1:1: found no override" in result.stderr
        assert client.writes(5)
        result = site.ask("override", "--end")
        assert result.returncode == 0 and "ended" in result.stdout
        assert not client.writes(5) and other.writes(2)
        end = gateway.wait_audit(lambda line: line.get("event") == "override-end")
        assert end.items() >= {"override": "maintenance", "cause": "asked"}.items()
        assert site.status()["override"] is None and not site.state.exists()
        assert "no override is in force" in site.ask("override", "--end").stderr
        # A ruleset may as well take away.
        assert site.ask("override", "lockdown", "--for", "1min", "--who", "x", "--why",
                        "attack").returncode == 0
        assert not client.writes(2) and client.reads()
        assert site.ask("override", "--end").returncode == 0
        assert client.writes(2)
        log = gateway.read_log()
        assert "OVERRIDE 'maintenance' in force until" in log and "ended" in log


def test_an_override_expires(lab, site):
    site.write(READ, OVERRIDES)
    with site.run() as gateway:
        client = Client(lab)
        begin = time.monotonic()
        assert site.ask(*OVERRIDE, "--for", "6s").returncode == 0
        assert client.writes(5)
        while client.writes(5):
            assert time.monotonic() - begin < 40, "it does not end"
            time.sleep(0.02)
        assert time.monotonic() - begin > 4.9  # the clock of seconds may be late by one
        end = gateway.wait_audit(lambda line: line.get("event") == "override-end")
        assert end["cause"] == "expired" and not site.state.exists()
        assert site.status()["override"] is None and client.reads()


REFUSED = [
    (["nosuch", "--for", "1h", "--who", "x", "--why", "y"], 1,
     "found no override 'nosuch' in .*expected one of its 'overrides': maintenance, lockdown"),
    (["maintenance", "--for", "3h", "--who", "x", "--why", "y"], 1, "expected at most the 2 h"),
    (["maintenance", "--for", "soon", "--who", "x", "--why", "y"], 1, "found --for 'soon'"),
    (["maintenance", "--for", "0s", "--who", "x", "--why", "y"], 1, "found --for '0s'"),
    (["maintenance", "--for", "1h", "--who", " ", "--why", "y"], 1, "found no --who"),
    (["maintenance", "--for", "1h", "--who", "x", "--why", "y" * 300], 1, "found no --why"),
    (["maintenance", "--for", "1h", "--who", "x"], 2, "found no --why"),
    (["maintenance", "--for", "1h", "--who", b"\xff", "--why", "y"], 1, "found no --who"),
    (["maintenance", "--for", "1h", "--who", "x", "--why", "\u009b2J"], 1, "found no --why"),
    (["maintenance", "--who", "x", "--why", "y"], 2, "found no --for"),
    (["--for", "1h", "--who", "x", "--why", "y"], 2, "found no RULESET"),
    (["maintenance", "--for", "1h", "--who", "x\nend now", "--why", "y"], 2, "one line"),
    (["maintenance", "--end"], 2, "--end stands alone"),
]


def test_what_is_no_override(lab, isolated):
    isolated.write(READ, OVERRIDES)
    with isolated.run() as gateway:
        for arguments, code, said in REFUSED:
            result = isolated.ask("override", *arguments)
            assert result.returncode == code, (arguments, result)
            assert re.search(said, result.stderr), (arguments, result.stderr)
        assert isolated.status()["override"] is None
        assert not gateway.wait_audit(lambda line: "override" in line.get("event", ""), 0)
        isolated.folder.joinpath("plant.override.new").mkdir()  # the state cannot be kept
        result = isolated.ask(*OVERRIDE, "--for", "1h")
        assert result.returncode == 1 and "cannot be kept over a restart" in result.stderr
        assert isolated.status()["override"] is None


def test_an_override_survives_restarts(lab, site):
    site.write(READ, OVERRIDES)
    with site.run() as gateway:
        assert site.ask(*OVERRIDE, "--for", "1h").returncode == 0
        started = gateway.wait_audit(lambda line: line.get("event") == "started")
        os.kill(started["processes"][0]["pid"], signal.SIGKILL)  # the pipeline
        assert gateway.wait_audit(lambda line: line.get("event") == "restarted")
        assert Client(lab).writes(5)
        assert site.status()["override"]["ruleset"] == "maintenance"
        assert stat.S_IMODE(site.state.stat().st_mode) == 0o600
    with site.run() as gateway:  # the gateway
        assert Client(lab).writes(5)
        status = site.status()["override"]
        assert status["who"] == "A. Muster" and 3500 < status["left_s"] <= 3600
        line = gateway.wait_audit(lambda line: line.get("event") == "override-start" and
                                  line["cause"] == "resumed")
        assert line["why"] == "pump exchange"
        gateway.process.kill()  # without an end of its own
        gateway.process.wait()
    with site.run():
        assert Client(lab).writes(5)
        assert site.ask("override", "--end").returncode == 0
    with site.run():
        assert not Client(lab).writes(5)


def test_an_override_does_not_outlive_its_time(lab, isolated):
    """Over in the meantime, spoilt, from another file, or by a clock that was set back: no override."""
    isolated.write(READ, OVERRIDES)
    good = ("sluice-override 1\nruleset maintenance\nstarted %d\nuntil %d\nuid 0\nwho x\nwhy y\n")
    now = int(time.time())
    states = [good % (now - 100, now - 10), good % (now + 1000, now + 2000),
              good.replace("maintenance", "nosuch") % (now - 10, now + 100),
              "nonsense\n", "", (good % (now - 10, now + 100)).replace("who x\n", ""),
              good % (now - 10, now + 32 * 86400), good % (-2**63, 2**63 - 1),
              good % (now - 3 * 3600, now + 3600)]  # max is 2h
    for state in states:
        isolated.state.write_text(state)
        isolated.state.chmod(0o600)
        with isolated.run() as gateway:
            assert not Client(lab).writes(5), state
            assert isolated.status()["override"] is None
            if "ruleset" in state and "who" in state and "no state that this" not in gateway.read_log():
                assert gateway.wait_audit(lambda line: line.get("event") == "override-end" and
                                          line["cause"] == "expired")
                assert not isolated.state.exists()
        isolated.folder.joinpath("audit.json").unlink()
    isolated.state.write_text(good % (now - 10, now + 1000))
    isolated.state.chmod(0o666)  # anybody could have written it
    with isolated.run() as gateway:
        assert not Client(lab).writes(5)
        assert "others may write to it" in gateway.read_log()
    isolated.state.chmod(0o600)
    with isolated.run():
        assert Client(lab).writes(5)


def test_a_smaller_max_shortens_an_override(lab, isolated):
    isolated.write(READ, OVERRIDES)
    with isolated.run() as gateway:
        assert isolated.ask("override", "maintenance", "--for", "2h", "--who", "x", "--why",
                            "y").returncode == 0
        isolated.write(READ, OVERRIDES.replace("max: 2h", "max: 10min"))
        assert isolated.ask("reload").returncode == 0
        left = isolated.status()["override"]["left_s"]
        assert 500 < left <= 600
        assert gateway.wait_audit(lambda line: line.get("event") == "override-reminder")
    with isolated.run():  # as kept
        assert 400 < isolated.status()["override"]["left_s"] <= left
        assert Client(lab).writes(5)
        time.sleep(1.1)
        isolated.write(READ, OVERRIDES.replace("max: 2h", "max: 1s"))
        assert isolated.ask("reload").returncode == 0
        until(lambda: isolated.status()["override"] is None)
        assert not Client(lab).writes(5) and not isolated.state.exists()


# ---- DNP3 ----

DNP3 = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
  control: { socket: %(socket)s, state: %(state)s }
overrides:
  - { name: switching, max: 1h, rules: { substation: [ { allow: direct-operate, group: 12 } ] } }
services:
  - name: substation
    protocol: dnp3
    listen: 192.168.96.2:20000
    device: 192.168.95.2:20000
    timeout: 10s
    stations: [ { master: 1, outstation: 10 } ]
    rules:
      - { allow: read }
%(rules)s
"""


def test_dnp3_rules_reload_and_are_overridden(lab, site):
    """The same session sees other rules; an operate is refused or passed by those of the moment."""
    from dnp3_wire import Device, Peer
    device = Device(lab, lab_module.DEVICE_ADDRESS)
    operate = "05 0c01 17 01 %02x 41 01 64000000 64000000 "
    fill = {"socket": site.socket, "state": site.state}
    site.config.write_text(DNP3 % {**fill, "rules": ""})
    gateway = lab_module.Gateway(lab, site.sluice, site.config, site.folder / "audit.json",
                                 *site.options)
    try:
        until(lambda: gateway.wait_audit(lambda line: line.get("event") == "started", 0)
                 if gateway.audit_path.exists() else None)
        master = Peer(lab.connect(lab_module.LISTEN_ADDRESS, 20000), master=True)
        sequence = 0
        outstation = None

        def passes(index):
            nonlocal sequence, outstation
            sequence = (sequence + 1) % 16
            request = ("c%x" % sequence + operate % index + "00").replace(" ", "")
            master.request(request)
            outstation = outstation or device.accept()
            ready, _, _ = select.select([outstation.socket, master.socket], [], [], 30)
            if ready == [master.socket]:
                assert master.receive()[0].startswith("c%x81" % sequence)  # refused in its words
                return False
            assert outstation.receive()[0] == request
            reply = ("c%x 81 0000" % sequence + operate[3:] % index + "00").replace(" ", "")
            outstation.reply(reply)
            assert master.receive()[0] == reply
            return True

        master.request("cf01 3c0206")
        outstation = device.accept()
        assert outstation.receive()[0] == "cf013c0206"
        outstation.reply("cf81 0000")
        assert master.receive()[0] == "cf810000"
        assert not passes(3)
        site.config.write_text(DNP3 % {**fill, "rules": "      - { allow: direct-operate, group: "
                                       "12, index: 0-9 }\n"})
        assert site.ask("reload").returncode == 0
        assert passes(3) and not passes(12)
        assert site.ask("override", "switching", "--for", "1h", "--who", "x",
                        "--why", "y").returncode == 0
        assert passes(12)
        line = gateway.wait_audit(lambda line: line.get("override") == "switching" and
                                  line["event"] == "message")
        assert line["rule"] == "switching/substation/rule-1" and line["event_type"] == "dnp3"
        assert site.ask("override", "--end").returncode == 0
        assert not passes(12)
        site.config.write_text(DNP3 % {**fill, "rules": ""})
        assert site.ask("reload").returncode == 0
        assert not passes(3)
        service = until(lambda: (found := site.status()["services"][0]) and
                           found["requests"]["answered"] == 3 and found)
        assert service["requests"]["denied"] == 4 and service["protocol"] == "dnp3"
        # What is more than rules is refused here too.
        site.config.write_text(DNP3.replace("outstation: 10", "outstation: 11")
                               % {**fill, "rules": ""})
        result = site.ask("reload")
        assert result.returncode == 1 and "outstation '11', expected '10'" in result.stderr
        master.close()
        outstation.close()
    finally:
        gateway.__exit__()
        device.close()


# ---- what goes wrong inside ----

def test_a_component_that_does_not_take_the_rules(lab, isolated):
    """It is taken for dead: the pipeline restarts with the new rules, and whoever asked is told, not
    before."""
    isolated.write(READ)
    with isolated.run() as gateway:
        started = gateway.wait_audit(lambda line: line.get("event") == "started")
        victim = next(p for p in started["processes"] if p["name"] == "request_policy_emit")
        os.kill(victim["pid"], signal.SIGSTOP)
        isolated.write(READ + WRITE)
        result = isolated.ask("reload")
        told = datetime.datetime.now(datetime.timezone.utc)
        assert result.returncode == 0, result.stderr
        died = gateway.wait_audit(lambda line: line.get("event") == "component-died")
        assert datetime.datetime.fromisoformat(died["timestamp"]) < told
        assert died["cause"] in ("policy-timeout", "hung")  # whichever is noticed first
        assert died["died"] == "request_policy_emit"
        until(lambda: isolated.status()["running"])
        assert Client(lab).writes(2)
        assert isolated.status()["epoch"] == 1


def test_while_the_pipeline_is_down(lab, isolated):
    """Status says so; rules that are asked for meanwhile are those of the next start."""
    isolated.write(READ)
    with isolated.run() as gateway:
        lab.gateway.ip("link", "set", "int0", "down")
        lab.gateway.ip("link", "set", "int0", "name", "away")
        assert gateway.wait_audit(lambda line: line.get("event") == "restart-failed")
        status = isolated.status()
        assert not status["running"] and status["up_ms"] == 0
        assert "STARTING: no traffic passes" in isolated.ask("status").stdout
        isolated.write(READ + WRITE)
        assert isolated.ask("reload").returncode == 0
        lab.gateway.ip("link", "set", "away", "name", "int0")
        lab.gateway.ip("link", "set", "int0", "up")
        assert gateway.wait_audit(lambda line: line.get("event") == "restarted")
        until(lambda: isolated.status()["running"])
        assert Client(lab).writes(2)


def test_one_way(lab, site, plant):
    """Commands in, nothing back: rules reload there too, and status counts what was decided."""
    site.write("      - { name: setpoint, allow: write, address: 2 }\n")
    site.config.write_text(site.config.read_text().replace("gateway:", "gateway:\n  mode: one-way"))
    text = site.config.read_text()
    with site.run():
        client = Client(lab)
        client.connection.sendall(adu(1, write(2, 51)) + adu(2, write(3, 52)))
        until(lambda: (r := site.status()["services"][0]["requests"]) and
                 (r["allowed"], r["denied"]) == (1, 1))
        site.config.write_text(text.replace("address: 2 }", "address: 3 }"))
        assert site.ask("reload").returncode == 0
        client.connection.sendall(adu(3, write(2, 53)) + adu(4, write(3, 54)))
        until(lambda: site.status()["services"][0]["requests"]["denied"] == 2)
        until(lambda: len([line for line in plant.seen() if line["function"] == 6]) == 2)
    assert [line["values"] for line in plant.seen() if line["function"] == 6] == [[51], [54]]


def test_the_default_place(lab, isolated):
    """/run/sluice/NAME.sock for NAME.yaml; a place that cannot be had is no reason not to start,
    unless the file asks for it."""
    isolated.write(READ)
    plain = re.sub(r"  control: .*\n", "", isolated.config.read_text())
    name = f"plant-{os.getpid()}-{int(time.monotonic() * 1000)}"
    isolated.config = isolated.folder / f"{name}.yaml"
    isolated.config.write_text(plain)
    isolated.socket = type(isolated.folder)(f"/run/sluice/{name}.sock")
    with isolated.run():
        assert stat.S_IMODE(isolated.socket.stat().st_mode) == 0o600
        assert isolated.status()["running"]
    assert not isolated.socket.exists()
    isolated.socket.mkdir()
    try:
        with isolated.run() as gateway:
            assert Client(lab).reads()
            assert "no status, reload or override for this run" in gateway.read_log()
    finally:
        isolated.socket.rmdir()
    isolated.config.write_text(plain.replace("gateway:", "gateway:\n  control: { socket: "
                                             "/nowhere/x.sock }"))
    result = lab.gateway.run([isolated.sluice, "run", isolated.config, "--audit", "-"], timeout=60)
    assert result.returncode == 1
    assert "cannot make the control socket '/nowhere/x.sock': No such file" in result.stderr
    with isolated.run("--socket", "none"):
        assert Client(lab).reads()

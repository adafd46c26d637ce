# SPDX-License-Identifier: BSD-2-Clause
"""The Linux host under stub components: walls, supervision, the same circle in every grouping."""
import os
import pathlib
import re
import signal
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import linux_host  # noqa: E402
from linux_host import Gateway, gone  # noqa: E402

NOBODY = 99  # no component has this number


@pytest.fixture(scope="module")
def program():
    return linux_host.build("stub_gateway")


@pytest.fixture
def gateway(program, tmp_path):
    started = []

    def start(count=3, grouping="isolated", rounds=1000, actor=NOBODY, act="", prefix=()):
        tmp_path.mkdir(exist_ok=True)
        one = Gateway([program, count, grouping, rounds, actor, act], tmp_path, prefix)
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()


SIGSYS = ["open", "socket", "mprotect", "mmap", "vmwrite", "ptrace", "fork", "execve", "kill", "dup",
          "readbell", "readlog", "epollctl", "epollother", "sendto", "iouring", "x32", "writehigh"]
SIGSEGV = ["segv", "overrun", "config"]


@pytest.mark.parametrize("grouping", ["isolated", "fused"])
@pytest.mark.parametrize("act, killed_by", [(a, "SIGSYS") for a in SIGSYS] +
                         [(a, "SIGSEGV") for a in SIGSEGV])
def test_forbidden_things_kill(gateway, grouping, act, killed_by):
    if grouping == "fused" and act == "segv":
        pytest.skip("fused: one process writes and reads the page, there is no wall to test")
    one = gateway(grouping=grouping, actor=1, act=act)
    death = one.wait_event("component-died")
    assert "stub1" in death["died"]
    assert (death["cause"], death["signal"]) == ("signal", killed_by)
    assert "survived" not in one.log()


@pytest.mark.parametrize("act", ["audit", "bells"])
def test_no_descriptor_but_its_own(gateway, act):
    one = gateway(actor=1, act=act)
    one.wait_log("stub1: survived")
    assert "writable" not in one.log()
    assert "x" not in one.audit_path.read_text().splitlines()


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_what_is_left_in_a_process(gateway):
    one = gateway(count=4)
    one.wait_log("ns_per_round")
    pid = one.pids()["stub1"]
    status = status_of(pid)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    for capabilities in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
        assert int(status[capabilities], 16) == 0
    if os.geteuid() != 0:
        return  # an undumpable process shows the rest to root only
    assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split()
    descriptors = {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}")
                   for fd in os.listdir(f"/proc/{pid}/fd")}
    assert sorted(descriptors) == [2, 3, 5, 64]
    assert "pipe" in descriptors[3] and "eventpoll" in descriptors[5]
    assert "eventfd" in descriptors[64]
    shared = re.findall(r"^\S+ (\S+) .*memfd:(\S+)", pathlib.Path(f"/proc/{pid}/maps").read_text(),
                        re.M)
    assert sorted(shared) == [("r--s", "page0"), ("rw-s", "page1")]


@pytest.mark.parametrize("grouping", ["isolated", "fused"])
def test_death_is_logged_and_all_start_anew(gateway, grouping):
    one = gateway(grouping=grouping)
    one.wait_log("ns_per_round")
    before = one.pids()
    time.sleep(1.1)  # a pipeline that lived is started anew at once
    victim = [name for name in before if "stub2" in name][0]
    os.kill(before[victim], signal.SIGKILL)
    restarted = one.wait_event("restarted")
    death = one.events("component-died")[0]
    assert (death["died"], death["cause"], death["signal"]) == (victim, "signal", "SIGKILL")
    assert death["pid"] == before[victim] and death["epoch"] == 0
    assert restarted["epoch"] == 1 and restarted["back_off_ms"] == 0
    print(f"restarted in {restarted['restart_us']} us")
    assert 0 < restarted["restart_us"] < 20_000_000
    after = one.pids()
    assert not set(before.values()) & set(after.values())
    assert all(gone(pid) for pid in before.values())
    one.wait_log("ns_per_round", count=2)
    assert len({event["boot"] for event in one.events() if "boot" in event}) == 1


@pytest.mark.parametrize("grouping", ["isolated", "fused"])
def test_fault_is_logged_with_both_numbers(gateway, grouping):
    one = gateway(grouping=grouping, actor=1, act="fault")
    death = one.wait_event("component-died")
    assert death["died"] == "stub1"
    assert (death["cause"], death["fault"]) == ("fault", "test fault")
    assert (death["found"], death["expected"], death["exit_status"]) == (41, 42, 70)


def test_exit_is_a_death(gateway):
    death = gateway(actor=1, act="exit").wait_event("component-died")
    assert (death["cause"], death["exit_status"]) == ("exit", 3)


def test_back_off_doubles(gateway):
    one = gateway(actor=1, act="fault")
    one.wait(lambda: any(e["epoch"] >= 6 for e in one.events("restarted")), "sixth epoch", 60)
    # A start that fails before all are up has no line of its own.
    for event in one.events("restarted"):
        assert event["back_off_ms"] == 10 * 2 ** (event["epoch"] - 1)
        assert event["restart_us"] >= 1000 * event["back_off_ms"]


def test_fault_in_init(gateway):
    one = gateway(actor=2, act="init")
    death = one.wait_event("component-died", count=2)
    assert death["died"] == "stub2" and death["fault"] == "test fault in init"
    assert not one.events("started")


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("grouping", ["isolated", "fused"])
def test_stop_leaves_nothing(gateway, grouping, with_signal):
    one = gateway(grouping=grouping)
    one.wait_log("ns_per_round")
    pids = one.pids().values()
    assert one.stop(with_signal) == 0
    assert all(gone(pid) for pid in pids)
    assert one.events()[-1]["event"] == "stopped"
    assert not one.events("component-died")


def test_nothing_outlives_the_launcher(gateway):
    one = gateway()
    one.wait_log("ns_per_round")
    pids = one.pids().values()
    one.stop(signal.SIGKILL)
    one.wait(lambda: all(gone(pid) for pid in pids), "end of every process", 30)


def test_interrupt_for_the_whole_group_is_a_clean_stop(gateway):
    one = gateway(prefix=["setsid"])
    one.wait_log("ns_per_round")
    pids = one.pids().values()
    os.killpg(os.getpgid(list(pids)[0]), signal.SIGINT)
    assert one.popen.wait(30) == 0
    assert not one.events("component-died")


@pytest.mark.parametrize("grouping, count", [("isolated", 2), ("isolated", 8), ("fused", 8)])
def test_round_trip(gateway, grouping, count):
    """The token comes round; how long a trip takes is printed (-s), not judged: see bench."""
    one = gateway(count=count, grouping=grouping, rounds=5000)
    one.wait_log("ns_per_round")
    found = re.search(r"ns_per_round (\d+) wakes (\d+)", one.log())
    print(f"{count} {grouping}: {int(found[1]) / 1000:.2f} us")
    assert int(found[2]) <= 5000 + 10  # one wake a trip: nothing wakes twice
    assert {"event_type": "stub"} in one.events()


def test_in_a_user_namespace(gateway):
    if not linux_host.user_namespace_works():
        pytest.skip("no user namespaces here: sysctl kernel.unprivileged_userns_clone=1")
    one = gateway(prefix=["unshare", "-Ur"], actor=1, act="open")
    death = one.wait_event("component-died")
    assert (death["died"], death["signal"]) == ("stub1", "SIGSYS")

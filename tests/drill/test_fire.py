# SPDX-License-Identifier: BSD-2-Clause
"""Under fire: components are killed, stopped and made to fault at random moments, under load, also while
they start. What must hold: the device's wire carries only what policy allows, each death is in the
log with its cause, and service comes back by itself. `make drill` does it for longer."""
import contextlib
import os
import random
import signal
import sys
import time

import pytest

from test_drill import (COMPONENTS, ONE_WAY, ONE_WAY_COMPONENTS, READS, ROOT, WRITES, Client, Observer,
                        allowed_one_way, events, lab, wait_started)  # noqa: F401  (lab: a fixture)
import lab as lab_module
from lab import stands_still, until
import walk
from test_attacks import allowed

pytestmark = pytest.mark.e2e

SECONDS = float(os.environ.get("DRILL_SECONDS", "4"))
LIMIT = 30  # seconds that a busy machine may take for what takes milliseconds
SOURCES = ("192.168.96.10", "192.168.96.20", "192.168.96.66")
# SIGSEGV is what a fault looks like; the components' own reports of one are the drill's.
CAUSES = {signal.SIGKILL: ("signal", "SIGKILL"), signal.SIGSEGV: ("signal", "SIGSEGV"),
          signal.SIGBUS: ("signal", "SIGBUS"), signal.SIGSTOP: ("hung", None)}


def children(gateway):
    """{pid: name} of the launcher's processes as they are now, started or starting."""
    found = {}
    launcher = gateway.process.pid
    with open(f"/proc/{launcher}/task/{launcher}/children") as pids:
        for pid in pids.read().split():
            try:
                with open(f"/proc/{pid}/comm") as comm:
                    found[int(pid)] = comm.read().strip()
            except OSError:
                pass
    return {pid: name for pid, name in found.items() if name != "audit_writer"}


def strike(gateway, pid, sign):
    """False where it is gone already; never another process that has its number."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if pid not in children(gateway):
            return False
        signal.pidfd_send_signal(fd, sign)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)


def draws():
    """Random, and a failure says how to have the same again (DRILL_SEED)."""
    seed = int(os.environ.get("DRILL_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}", file=sys.stderr)
    return random.Random(seed)


def gone(pid):
    """It is no more, or waits only for somebody to take note of its end."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


class Fight:
    """A gateway under load, watched at the device's wire."""

    def __init__(self, lab, tmp_path, mode, fused):
        self.lab, self.one_way = lab, mode == "one-way"
        config = ROOT / "systems/heating-plant/sluice.yaml"
        if self.one_way:
            config = tmp_path / "sluice.yaml"
            config.write_text(ONE_WAY)
        self.plant = walk.Plant(lab.device, ROOT)
        self.observer = Observer(lab, tmp_path / "device.pcap")
        self.gateway = lab_module.Gateway(lab, ROOT / "build/sluice", config,
                                          tmp_path / "audit.json", *(["--fused"] if fused else []))
        self.clients = [Client(lab, source, WRITES if self.one_way else READS + WRITES)
                        for source in SOURCES]

    def __enter__(self):
        with contextlib.ExitStack() as failed:
            failed.push(lambda *why: self.__exit__(True, *why))
            wait_started(self.gateway)
            for client in self.clients:
                client.start()
            self.served()
            failed.pop_all()
        return self

    def served(self):
        """Somebody is answered again; returns after how many seconds."""
        began = time.monotonic()
        before = [client.answered for client in self.clients]
        limit = began + 2 * LIMIT
        while not all(client.answered > count for client, count in zip(self.clients, before)):
            assert time.monotonic() < limit, f"no service; the launcher says: {events(self.gateway)[-3:]}"
            time.sleep(0.02)
        return time.monotonic() - began

    def deaths(self):
        return [line for line in events(self.gateway) if line.get("event") == "component-died"]

    def restarts(self):
        return sum(line.get("event") == "restarted" for line in events(self.gateway))

    def __exit__(self, failed, *_):
        for client in self.clients:
            client.stop = True
        for client in self.clients:
            if client.is_alive():
                client.join(10)
        self.gateway.__exit__()
        self.plant.close()
        requests = self.observer.requests()
        if failed:
            return
        passes = allowed_one_way if self.one_way else allowed
        assert requests and all(passes(request) for request in requests)
        print(f"{len(self.deaths())} deaths, {sum(c.asked for c in self.clients)} asked, "
              f"{sum(c.answered for c in self.clients)} answered, {len(requests)} at the device")


@pytest.mark.parametrize("mode", ["two-way", "one-way"])
def test_each_component_falls_at_a_random_moment(lab, tmp_path, mode):  # noqa: F811
    names = (ONE_WAY_COMPONENTS if mode == "one-way" else [*COMPONENTS, "request_policy_emit"])
    draw, took = draws(), {}
    with Fight(lab, tmp_path, mode, False) as fight:
        for number, name in enumerate(draw.sample(names, len(names))):
            time.sleep(1 + draw.random() * 0.3)  # long enough that it starts anew at once
            sign = draw.choice([signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS])
            pid, = [pid for pid, found in children(fight.gateway).items() if found == name[:15]]
            assert strike(fight.gateway, pid, sign)
            until(lambda: len(fight.deaths()) > number, f"the death of {name} is not in the log")
            died = fight.deaths()[number]
            assert (died["died"], died["pid"], died["cause"], died.get("signal")) == \
                (name, pid, *CAUSES[sign]), died
            took[name] = round(fight.served(), 2)
            # One-way, clients are served while the other side starts: the next strike waits for it.
            until(lambda: fight.restarts() > number, f"{name} does not come back")
    print(f"{mode}: seconds from the line of its death until all were answered:", took)


@pytest.mark.parametrize("fused", [False, True], ids=["isolated", "fused"])
@pytest.mark.parametrize("mode", ["two-way", "one-way"])
def test_any_component_at_any_moment(lab, tmp_path, mode, fused):  # noqa: F811
    """Strikes that do not wait until the one before is over: several at once, those that start too."""
    draw = draws()
    with Fight(lab, tmp_path, mode, fused) as fight:
        struck, end = 0, time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(draw.random() * draw.choice([0.02, 0.3, 1]))
            alive = sorted(children(fight.gateway).items(), key=lambda item: item[1])
            if alive:
                sign = draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
                struck += strike(fight.gateway, draw.choice(alive)[0], sign)
        took = fight.served()
        assert struck
        until(fight.deaths, "no death is in the log")
        for died in fight.deaths():
            assert (died["cause"], died.get("signal")) in \
                {*CAUSES.values(), ("start-timeout", None)}, died  # stopped before it was up
    print(f"{mode}: {struck} strikes, service again {took:.1f} s after the last")


@pytest.mark.parametrize("mode", ["two-way", "one-way"])
def test_the_launcher_takes_all_with_it(lab, tmp_path, mode):  # noqa: F811
    with Fight(lab, tmp_path, mode, False) as fight:
        pids = list(children(fight.gateway))
        fight.gateway.process.kill()
        until(lambda: all(map(gone, pids)), "some live on")
        # Answers that were on their way may still be read; after that there are no more.
        until(lambda: stands_still(lambda: [client.answered for client in fight.clients]))

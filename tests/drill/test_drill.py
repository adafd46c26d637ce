# SPDX-License-Identifier: BSD-2-Clause
"""One component after the other turns hostile, under load, for a few seconds each (`make drill`:
ten minutes each). What must hold whatever it writes and however it rings:

- no other component crashes: another one may only *report* a fault, which restarts the pipeline;
- no other component spins: with the hostile one stopped, the others come to rest;
- in front of the request policy_emit: the device's wire carries only what policy allows;
- beside everybody's path (the monitor): every request is still answered;
- in one-way mode, on the internal side: every request is still confirmed, and nothing of the external
  side starts anew.
"""
import contextlib
import os
import pathlib
import signal
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tools")]
import lab as lab_module
import walk
from test_attacks import allowed

pytestmark = pytest.mark.e2e

SECONDS = float(os.environ.get("DRILL_SECONDS", "6"))
BEFORE_POLICY = ["ext_nic_drv", "ext_frontend", "request_parser_norm"]
COMPONENTS = BEFORE_POLICY + ["reply_parser_norm", "reply_policy_emit", "monitor", "int_frontend",
                              "int_nic_drv"]
# One-way: the request policy_emit too; what it says to the device is not judged.
ONE_WAY_COMPONENTS = BEFORE_POLICY + ["request_policy_emit", "monitor", "int_frontend", "int_nic_drv"]
EXTERNAL = BEFORE_POLICY + ["request_policy_emit"]
TICK = os.sysconf("SC_CLK_TCK")


def _e2e(name):
    import importlib.util
    spec = importlib.util.spec_from_file_location("e2e_conftest", ROOT / "tests/e2e/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


Observer = _e2e("Observer")


@pytest.fixture
def lab():
    if os.geteuid() != 0:
        pytest.skip("the drill needs root for network namespaces: run `sudo make test`")
    reason = lab_module.why_not()
    if reason:
        pytest.skip(reason)
    with lab_module.Lab() as network:
        yield network


ONE_WAY = """
gateway:
  mode: one-way
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    one-way-reply: echo
    rules:
      - { allow: write-single-register, from: hmi, unit: 1, address: 2, value: 150-250 }
"""
READS = [walk.read(0, 4)]
WRITES = [walk.write(2, 200), walk.write(3, 1), walk.write(2, 999)]


def allowed_one_way(request):
    return request["modbus.func_code"] == [6] and request["mbtcp.unit_id"] == [1] and \
        request["modbus.reference_num"] == [2] and 150 <= request["modbus.data"][0] <= 250


class Client(threading.Thread):
    """Asks without end, as `source`: allowed and forbidden things. Whoever gets no answer in `patience`
    seconds waits longer the next time: a busy machine may need it."""

    def __init__(self, lab, source, pdus, patience=0.5):
        super().__init__(daemon=True)
        self.lab, self.source, self.pdus, self.stop = lab, source, pdus, False
        self.pause, self.patience = False, patience
        self.asked = self.answered = 0

    def run(self):
        connection, patience = None, self.patience
        while not self.stop:
            if self.pause:
                time.sleep(0.01)
                continue
            try:
                connection = connection or self.lab.connect(source=self.source,
                                                            timeout=patience)
                self.asked += 1
                pdu = self.pdus[self.asked % len(self.pdus)]
                connection.sendall(walk.adu(self.asked & 0xffff, pdu))
                if walk.receive(connection, 1, patience):
                    self.answered += 1
                    patience = self.patience
                    continue
            except OSError:
                pass
            if connection:
                connection.close()
            connection = None
            patience = max(self.patience, min(2 * patience, 4))
            time.sleep(0.02)


def processes(gateway):
    lines = [line for line in events(gateway) if "processes" in line]
    return {entry["name"]: entry["pid"] for entry in lines[-1]["processes"]}


def events(gateway):
    """The launcher's lines; the hostile monitor's may be anything."""
    import json
    found = []
    if not os.path.exists(gateway.audit_path):
        return found
    with open(gateway.audit_path, errors="replace") as lines:
        for text in lines:
            if '"launcher"' in text:
                with contextlib.suppress(ValueError):
                    found.append(json.loads(text[text.index("{"):]))
    return found


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def wait_started(gateway):
    lab_module.until(lambda: any(line.get("event") == "started" for line in events(gateway)),
                     gateway.read_log)


# Seconds for which the hostile one may be stopped; after three without a turn it is found hung.
STOPPED_AT_MOST = 2


def others_come_to_rest(gateway, hostile, stopped_longer):
    """None where a restart came in between, or the machine was too busy to tell; else the names of those
    that stayed busy. A hostile process that was stopped for too long goes to `stopped_longer`."""
    pids = processes(gateway)
    if hostile not in pids:  # it was down when another part had restarted
        return None
    began = time.monotonic()
    try:
        os.kill(pids[hostile], signal.SIGSTOP)
        time.sleep(0.1)  # what it had left to them
        busy = set(pids) - {hostile}
        for _ in range(3):  # one that spins is busy in each; clients may make work for a while
            looked = time.monotonic()
            if looked > began + STOPPED_AT_MOST - 0.6:
                return None
            before = {name: cpu_ticks(pids[name]) for name in busy}
            time.sleep(0.6)
            half = (time.monotonic() - looked) / 2
            busy = {name for name in busy if cpu_ticks(pids[name]) - before[name] > half * TICK}
            if not busy:
                break
    except (ProcessLookupError, FileNotFoundError):
        return None
    finally:  # it must not be found hung because another part has restarted meanwhile
        with contextlib.suppress(ProcessLookupError):
            os.kill(pids[hostile], signal.SIGCONT)
        if time.monotonic() > began + STOPPED_AT_MOST:
            stopped_longer.append(pids[hostile])
    if pids != processes(gateway):
        return None
    return sorted(busy)


@pytest.mark.parametrize(
    "mode,hostile", [("two-way", name) for name in COMPONENTS] +
    [("one-way", name) for name in ONE_WAY_COMPONENTS])
def test_hostile(lab, tmp_path, mode, hostile):
    one_way = mode == "one-way"
    config = ROOT / "systems/heating-plant/sluice.yaml"
    if one_way:
        config = tmp_path / "sluice.yaml"
        config.write_text(ONE_WAY)
    plant = walk.Plant(lab.device, ROOT)
    observer = Observer(lab, tmp_path / "device.pcap")
    seed = int(os.environ.get("DRILL_SEED", "1"))
    gateway = lab_module.Gateway(lab, ROOT / "build/sluice-drill", config, tmp_path / "audit.json",
                                 "--hostile", hostile, "--seed", str(seed))
    # Where every request is to be answered, a busy machine may take its time.
    all_answered = hostile == "monitor" or one_way and hostile not in EXTERNAL
    patience = 20 if all_answered else 0.5
    clients = [Client(lab, source, WRITES if one_way else READS + WRITES, patience)
               for source in ("192.168.96.10", "192.168.96.20", "192.168.96.66")]
    looked, stopped_longer = 0, []
    try:
        wait_started(gateway)
        for client in clients:
            client.start()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until or time.monotonic() < until + 60 and not (
                looked and (not all_answered or all(client.answered > 10 for client in clients))):
            time.sleep(0.3)
            assert gateway.process.poll() is None, gateway.read_log()
            for client in clients:  # one-way, they are confirmed at once and never rest
                client.pause = one_way
            busy = others_come_to_rest(gateway, hostile, stopped_longer)
            for client in clients:
                client.pause = False
            assert not busy, f"busy with {hostile} stopped: {busy}"
            looked += busy is not None
    finally:
        for client in clients:
            client.stop = True
        for client in clients:
            if client.is_alive():
                client.join(patience + 5)
        gateway.process.send_signal(signal.SIGCONT)
        gateway.__exit__()
        plant.close()
        requests = observer.requests()
    deaths = [line for line in events(gateway) if line.get("event") == "component-died" and
              not (line["cause"] == "hung" and line["pid"] in stopped_longer)]
    by = [(line["died"], line["cause"], line.get("fault") or line.get("signal")) for line in deaths]
    print(f"{mode}, {hostile}: {len(deaths)} faults reported ({sorted(set(by))}), {looked} looks, "
          f"{sum(c.asked for c in clients)} asked, {sum(c.answered for c in clients)} answered, "
          f"{len(requests)} requests at the device")
    assert all(cause == "fault" for _, cause, _ in by), by
    assert looked > 0
    if hostile in BEFORE_POLICY:
        assert all((allowed_one_way if one_way else allowed)(request) for request in requests)
    if one_way and hostile not in EXTERNAL:
        assert not {died for died, _, _ in by} & set(EXTERNAL), by
    if hostile == "monitor":
        assert not deaths
    if all_answered:  # but for the one that was under way at the end, or when we stopped it for too long
        lost = 1 + len(stopped_longer)
        assert all(c.answered >= c.asked - lost and c.answered > 10 for c in clients), \
            [(c.asked, c.answered) for c in clients]

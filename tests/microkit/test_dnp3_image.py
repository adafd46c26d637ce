# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 through the image: the tests of the Linux gateway (tests/e2e/test_dnp3_gateway.py), one by one."""
import contextlib
import os
import pathlib
import sys
import time

import lab as lab_module
import pytest
import qemu

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from test_dnp3_gateway import *  # noqa: F401,F403 the tests and their fixtures
from dnp3_wire import DIR, PRM, STATUS, STATUS_REQUEST, Device, Peer, link
from test_dnp3_gateway import CONFIG

# They start a gateway of their own, with another configuration.
del test_masters_inside_and_outstations_outside, test_one_way  # noqa: F821

pytestmark = pytest.mark.microkit


@pytest.fixture(scope="module")
def lab():
    if os.geteuid() != 0:
        pytest.skip("network namespaces for these tests need root: run `sudo make test`")
    reason = lab_module.why_not() or qemu.why_not()
    if reason:
        pytest.skip(reason)
    with lab_module.Lab() as network:
        yield network


@pytest.fixture(scope="module")
def image(build, lab, tmp_path_factory):
    """Booted once for all."""
    folder = tmp_path_factory.mktemp("dnp3")
    site = folder / "site.yaml"
    # A session with a request that nobody answers is there for so long, and the next test waits for it.
    site.write_text(CONFIG.replace("timeout: 20s", "timeout: 6s"))
    directory, printed = build(site=site)
    assert " allowed\n" not in printed  # the bound of 4 MiB is a Modbus gateway's
    # The device is there first: the gateway waits before it tries again to reach one that was not.
    with contextlib.closing(Device(lab, lab_module.DEVICE_ADDRESS)) as device:
        gateway = qemu.Gateway(lab, directory, folder / "serial", wait=False)
        until = time.monotonic() + 180
        while True:
            try:
                probe = lab.connect(lab_module.LISTEN_ADDRESS, 20000, timeout=1)
                break
            except OSError:
                assert time.monotonic() < until, gateway.read_log()
        reached = device.accept(60)
        probe.close()
        assert reached.ended(60)
        reached.close()
    yield gateway
    gateway.__exit__()


class Since:
    """The gateway as one test sees it: lines from its beginning on."""

    def __init__(self, gateway):
        self.gateway, self.begin = gateway, len(gateway.audit())

    def audit(self):
        return self.gateway.audit()[self.begin:]

    def wait_audit(self, wanted, timeout=30):
        until = time.monotonic() + timeout
        while True:
            for line in self.audit():
                if wanted(line):
                    return line
            if time.monotonic() > until:
                return None
            time.sleep(0.02)


def _sessions(lines):
    """Of TCP: one of UDP ends when it has been silent for long."""
    events = [line["event"] for line in lines if line.get("proto") == "TCP"]
    return events.count("session-open") - events.count("session-close")


@pytest.fixture
def gateway(image):
    until = time.monotonic() + 30
    while _sessions(image.audit()) and time.monotonic() < until:
        time.sleep(0.02)
    yield Since(image)
    assert not [line for line in image.audit() if line["event"] == "component-died"]


def pair(gateway, device, lab, port):
    """Connected, and the gateway knows: what a master sends before may have no link to go to."""
    master = Peer(lab.connect(lab_module.LISTEN_ADDRESS, port), master=True)
    outstation = device.accept(60)
    for _ in range(10):
        master.socket.sendall(link(DIR | PRM | STATUS_REQUEST, 10, 1))
        if master.receive(5) == (STATUS, 10, 1):
            break
    else:
        raise AssertionError("no link")
    assert gateway.wait_audit(lambda line: line["event"] == "device-open")
    yield master, outstation
    master.close()
    outstation.ended(30)  # or the gateway would connect anew for a master that is still there
    outstation.close()


@pytest.fixture
def substation(gateway, device, lab):
    yield from pair(gateway, device, lab, 20000)


@pytest.fixture
def hasty(gateway, device, lab):
    yield from pair(gateway, device, lab, 20003)

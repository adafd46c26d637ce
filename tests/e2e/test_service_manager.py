# SPDX-License-Identifier: BSD-2-Clause
"""What systemd is told (sd_notify(3)): up, alive, stopping; nothing while the launcher hangs."""
import select
import signal
import socket
import time

import lab as lab_module
import pytest

pytestmark = pytest.mark.e2e


class Manager:
    """The receiving end of $NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)

    def next(self, timeout=30):
        """What comes next; None when nothing does."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        return self.socket.recv(4096).decode()

    def until(self, wanted):
        lab_module.until(lambda: self.next() == wanted, f"{wanted} does not come")


@pytest.fixture
def start(lab, sluice, heating_plant, tmp_path, monkeypatch):
    """start(...) -> the gateway, answering, with these variables in its environment."""
    running = []

    def start_gateway(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        running.append(lab_module.Gateway(lab, sluice, heating_plant, tmp_path / "audit.json"))
        return running[-1].__enter__()
    yield start_gateway
    for gateway in running:
        gateway.__exit__()


@pytest.mark.parametrize("name", ["a path", "abstract"])
def test_up_alive_stopping(lab, start, tmp_path, name):
    path = str(tmp_path / "notify") if name == "a path" else "@sluice"
    with lab.gateway.inside():  # abstract names belong to a network namespace
        manager = Manager(path.replace("@", "\0"))
    process = start(NOTIFY_SOCKET=path, WATCHDOG_USEC="900000").process
    manager.until("READY=1")
    assert [manager.next() for _ in range(4)] == ["WATCHDOG=1"] * 4
    process.send_signal(signal.SIGSTOP)
    lab_module.until(lambda: not manager.next(3))  # what was on its way, then nothing
    process.send_signal(signal.SIGCONT)
    assert manager.next() == "WATCHDOG=1"
    process.terminate()
    manager.until("STOPPING=1")
    assert process.wait(30) == 0 and manager.next(0) is None


def test_up_is_said_once_the_queue_has_room(start, tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
        others.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                others.sendto(b"STATUS=others", str(tmp_path / "notify"))
        process = start(NOTIFY_SOCKET=str(tmp_path / "notify")).process
        time.sleep(0.5)  # it has tried by now, or the test shows nothing
        manager.until("READY=1")
    process.terminate()
    assert manager.next() == "STOPPING=1" and process.wait(30) == 0


def test_a_reload_may_take_longer(start, tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    process = start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="10000000").process
    manager.until("READY=1")
    process.send_signal(signal.SIGHUP)
    manager.until("WATCHDOG_USEC=600000000\nWATCHDOG=1")
    assert manager.next() == "WATCHDOG_USEC=10000000\nWATCHDOG=1"
    process.terminate()
    manager.until("STOPPING=1")
    assert process.wait(30) == 0


@pytest.mark.parametrize("environment", [
    {}, {"WATCHDOG_USEC": "1s"}, {"WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"}], ids=str)
def test_no_sign_of_life_that_nobody_asked_for(start, tmp_path, environment):
    manager = Manager(str(tmp_path / "notify"))
    process = start(NOTIFY_SOCKET=str(tmp_path / "notify"), **environment).process
    assert manager.next() == "READY=1" and manager.next(1) is None
    process.terminate()
    assert manager.next() == "STOPPING=1" and process.wait(30) == 0


@pytest.mark.parametrize("path", ["", "@", "relative", "/" + 200 * "x", "/nobody/listens"])
def test_a_socket_that_is_none_stops_nothing(start, path):
    process = start(NOTIFY_SOCKET=path, WATCHDOG_USEC="300000").process
    process.terminate()
    assert process.wait(30) == 0

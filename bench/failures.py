# SPDX-License-Identifier: BSD-2-Clause
"""What client and device see, in milliseconds, when something fails: the table of docs/failures.md.

    python bench/failures.py SLUICE [WORD]     as root, or in `unshare -Urn`; rows with WORD only

One client polls every 10 ms with a deadline of 3 s a request and reconnects when it must. A row
says when, after the failure, it had its first error and, after the failure's end, its first good
reply again; and when the device first saw its connection end and when it had requests again.
"""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import lab as lab_module
import walk

SITE = ROOT / "systems/heating-plant/sluice.yaml"
RESTART_S = 1  # RestartSec of packaging/sluice.service


class Device:
    """Answers reads, as late as `delay` says; (time, what) of what it sees on its connections."""

    def __init__(self, lab):
        self.log, self.delay, self.deaf = [], 0, False
        with lab.device.inside():
            self.listener = socket.create_server((lab_module.DEVICE_ADDRESS, 502), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.log.append((time.monotonic(), "connected"))
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                request = connection.recv(260)
                if not request:
                    self.log.append((time.monotonic(), "closed"))
                    return
                self.log.append((time.monotonic(), "request"))
                time.sleep(self.delay)
                while self.deaf:
                    time.sleep(0.01)
                connection.sendall(request[:4] + b"\0\5" + request[6:7] + b"\3\2\0\7")
        except OSError:
            self.log.append((time.monotonic(), "reset"))
        finally:
            connection.close()


class Poller:
    """(time, what came) for each poll: "good", "exception N", "closed", "silence"."""

    def __init__(self, lab):
        self.lab, self.log, self.done = lab, [], False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        connection, number = None, 0
        while not self.done:
            number = number % 65535 + 1
            try:
                what = "no connection"
                connection = connection or self.lab.connect(timeout=1)
                what = "closed"
                connection.sendall(walk.adu(number, walk.read(0, 1)))
                connection.settimeout(3)
                reply = connection.recv(300)
                if reply:
                    what = "good" if reply[7] == 3 else f"exception {reply[8]:02X}"
            except TimeoutError:
                what = "silence" if connection else what
            except OSError:
                pass
            if what in ("closed", "silence") and connection:
                connection.close()
                connection = None
            self.log.append((time.monotonic(), what))
            time.sleep(0.01)

    def stop(self):
        self.done = True
        self.thread.join()


def after(log, begin, wanted):
    return next((at for at, what in log if at > begin and what in wanted), None)


def ms(at, begin):
    return "-" if at is None else f"{max(0, at - begin) * 1000:.0f}"


def row(lab, device, start, name, fail, heal=None, seconds=0.1, rest=3):
    with tempfile.TemporaryDirectory() as directory:
        gateway = start(pathlib.Path(directory))
        try:
            poller = Poller(lab)
            time.sleep(0.5)
            begin = time.monotonic()
            fail(gateway)
            time.sleep(seconds)
            healed = time.monotonic()
            if heal:
                heal(gateway)
            time.sleep(rest)
            end = time.monotonic()
            poller.stop()
        finally:
            gateway.__exit__()
    errors = [(at, what) for at, what in poller.log if at > begin and what != "good"]
    kinds = ", ".join(dict.fromkeys(what for _, what in errors)) or "nothing"
    back_from = healed if heal else begin
    last = errors[-1][0] if errors else begin
    back = after(poller.log, last, ("good",))
    seen = [(at, what) for at, what in device.log if at < end]
    ended = after(seen, begin, ("closed", "reset"))
    how = next((what for at, what in seen if at == ended), None)
    since = ended or (errors[0][0] if errors else begin)
    request = after(seen, max(since, back_from), ("request",))
    print(f"| {name} | {kinds} | {ms(errors[0][0], begin) if errors else '-'} | "
          f"{(ms(back, back_from) if back else 'never') if errors else '-'} | "
          f"{f'connection {how}' if how else 'nothing'} | {ms(ended, begin)} | "
          f"{ms(request, back_from) if errors else '-'} |", flush=True)


def pid_of(gateway, name):
    lines = [line for line in gateway.audit() if line.get("event") in ("started", "restarted")]
    return next(p["pid"] for p in lines[-1]["processes"] if p["name"] == name)


def killer(name):
    return lambda gateway: os.kill(pid_of(gateway, name), signal.SIGKILL)


def kill_writer(gateway):
    for child in subprocess.run(["pgrep", "-P", str(gateway.process.pid), "audit_writer"],
                                capture_output=True, text=True).stdout.split():
        os.kill(int(child), signal.SIGKILL)


class Supervised:
    """The gateway under a supervisor that does what the systemd unit says: checks the file, starts
    it, and starts it again RESTART_S after it ended."""

    def __init__(self, lab, sluice, directory):
        self.script = lab.gateway.popen(
            ["sh", "-c", f'while :; do "$0" check "$1" >/dev/null && "$0" run --audit "$2" "$1"; '
                         f'sleep {RESTART_S}; done', sluice, SITE, directory / "audit.json"],
            start_new_session=True, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 20
        while True:
            try:
                lab.connect(timeout=0.5).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def kill(self):
        out = subprocess.run(["pgrep", "-P", str(self.script.pid), "sluice"], capture_output=True,
                             text=True).stdout
        os.kill(int(out.split()[0]), signal.SIGKILL)

    def __exit__(self):
        os.killpg(self.script.pid, signal.SIGKILL)
        self.script.wait()
        time.sleep(0.5)  # until the kernel has taken the rest down


def main(sluice, word=""):
    lab_module.enter()
    with lab_module.Lab() as lab:
        device = Device(lab)

        def start(directory, *options):
            return lab_module.Gateway(lab, sluice, SITE, directory / "audit.json",
                                      *options).__enter__()

        def with_full_disk(directory):
            disk = directory / "disk"
            disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], check=True)
            gateway = start(directory, "--audit", disk / "audit.json")
            gateway.audit_path, leave = disk / "audit.json", gateway.__exit__
            gateway.__exit__ = lambda: (leave(), subprocess.run(["umount", "-l", disk]))
            return gateway

        def fill(gateway):
            (gateway.audit_path.parent / "rest").write_bytes(b"")
            try:
                with open(gateway.audit_path.parent / "rest", "wb", buffering=0) as rest:
                    while rest.write(b"x" * 4096):
                        pass
            except OSError:
                pass

        def link(namespace, interface, state):
            return lambda _: namespace.ip("link", "set", interface, state)

        def show(name, *arguments, **options):
            if word in name:
                row(lab, device, options.pop("start", start), name, *arguments, **options)

        def set_device(**values):
            return lambda _: device.__dict__.update(values)

        with tempfile.TemporaryDirectory() as directory:
            gateway = start(pathlib.Path(directory))
            started = gateway.wait_audit(lambda line: line.get("event") == "started", 10)
            gateway.__exit__()
        print("| what fails | client sees | first after ms | good again after ms | device sees | "
              "after ms | asked again after ms |\n|---|---|---|---|---|---|---|")
        for name in (p["name"] for p in started["processes"]):
            show(f"`{name}` killed", killer(name))
        show("`audit_writer` killed", kill_writer)
        show("launcher killed (`kill -9`), started again after 1 s", lambda it: it.kill(),
             start=lambda directory: Supervised(lab, sluice, directory), rest=6)
        show("client's cable cut for 1.5 s", link(lab.client, "cl0", "down"),
             link(lab.client, "cl0", "up"), seconds=1.5)
        show("client's cable cut for 10 s", link(lab.client, "cl0", "down"),
             link(lab.client, "cl0", "up"), seconds=10, rest=8)
        show("device's cable cut for 1.5 s", link(lab.device, "dev0", "down"),
             link(lab.device, "dev0", "up"), seconds=1.5, rest=7)
        show("device's cable cut for 10 s", link(lab.device, "dev0", "down"),
             link(lab.device, "dev0", "up"), seconds=10, rest=8)
        show("audit's disk full for 2 s", fill,
             lambda it: os.truncate(it.audit_path.parent / "rest", 0), start=with_full_disk,
             seconds=2)
        show("device answers after 5 s (`timeout: 1s`)", set_device(delay=5), set_device(delay=0),
             seconds=6, rest=8)
        show("device silent for 1.5 s", set_device(deaf=True), set_device(deaf=False), seconds=1.5,
             rest=5)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve(), *sys.argv[2:])

# SPDX-License-Identifier: BSD-2-Clause
"""What client and device see, in milliseconds, when something fails: rows of docs/failures.md.

    python bench/failures.py SLUICE            as root, or in `unshare -Urn`

One client polls every 10 ms with a deadline of 3 s a request and reconnects when it must. A row
says when, after the failure, it had its first error and its first good reply again.
"""
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import lab as lab_module
import walk


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
                connection = connection or self.lab.connect(timeout=1)
                connection.sendall(walk.adu(number, walk.read(0, 1)))
                connection.settimeout(3)
                reply = connection.recv(300)
                what = "closed" if not reply else \
                    "good" if reply[7] == 3 else f"exception {reply[8]:02X}"
            except TimeoutError:
                what = "silence"
            except OSError:
                what = "closed"
            if what in ("closed", "silence") and connection:
                connection.close()
                connection = None
            self.log.append((time.monotonic(), what))
            time.sleep(0.01)

    def stop(self):
        self.done = True
        self.thread.join()


def row(lab, plant, sluice, name, fail, heal=None, audit=None, seconds=1.5):
    with tempfile.TemporaryDirectory() as directory:
        path = audit or pathlib.Path(directory) / "audit.json"
        with lab_module.Gateway(lab, sluice, ROOT / "systems/heating-plant/sluice.yaml",
                                path) as gateway:
            poller = Poller(lab)
            time.sleep(0.5)
            begin = time.monotonic()
            fail(gateway)
            time.sleep(seconds)
            healed = time.monotonic()
            if heal:
                heal(gateway)
            time.sleep(7 if heal else 4)
            poller.stop()
    after = [(at, what) for at, what in poller.log if at > begin]
    errors = [(at, what) for at, what in after if what != "good"]
    kinds = ", ".join(sorted({what for _, what in errors})) or "nothing"
    first = f"{(errors[0][0] - begin) * 1000:.0f}" if errors else "-"
    back_from = healed if heal else begin
    good = [at for at, what in after if what == "good" and (not errors or at > errors[-1][0])]
    back = f"{max(0, good[0] - back_from) * 1000:.0f}" if errors and good else \
        "-" if not errors else "never"
    print(f"| {name} | {kinds} | {first} | {back} |", flush=True)


def killer(name):
    def fail(gateway):
        lines = [line for line in gateway.audit() if line.get("event") in ("started", "restarted")]
        os.kill(next(p["pid"] for p in lines[-1]["processes"] if p["name"] == name),
                signal.SIGKILL)
    return fail


def main(sluice):
    lab_module.enter()
    with lab_module.Lab() as lab:
        plant = walk.Plant(lab.device, ROOT)
        with tempfile.TemporaryDirectory() as directory:
            with lab_module.Gateway(lab, sluice, ROOT / "systems/heating-plant/sluice.yaml",
                                    pathlib.Path(directory) / "a") as gateway:
                time.sleep(0.3)
                names = sorted(p["name"] for line in gateway.audit()
                               if line.get("event") == "started" for p in line["processes"])
        print("| what fails | client sees | first after ms | good again after ms |\n|---|---|---|---|")
        for name in names:
            row(lab, plant, sluice, f"`{name}` killed", killer(name), seconds=0.1)

        def link(namespace, interface, state):
            return lambda _: namespace.ip("link", "set", interface, state)
        row(lab, plant, sluice, "client's cable cut 1.5 s", link(lab.client, "cl0", "down"),
            link(lab.client, "cl0", "up"))
        row(lab, plant, sluice, "device's cable cut 1.5 s", link(lab.device, "dev0", "down"),
            link(lab.device, "dev0", "up"))
        row(lab, plant, sluice, "device stops for 1.5 s", lambda _: plant.signal(signal.SIGSTOP),
            lambda _: plant.signal(signal.SIGCONT))
        plant.close()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())

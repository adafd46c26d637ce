#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Debian package under the real systemd: a Debian 12 of its own (debootstrap, in build/), its
systemd as the first process of its own namespaces, two cables without anybody at their ends. Each
line says what was tried and what came; the exit status is 0 when all was as it should be.

Run as root by `make try-systemd`. The machine's own systemd has nothing to do with it."""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
TREE = ROOT / "build/systemd/root"
AUDIT = TREE / "var/log/sluice/audit.json"
SITE = TREE / "etc/sluice/sluice.yaml"
LIBRARIES = "libyaml-0-2,libseccomp2,libpcap0.8,libnettle8"
OVERRIDE = """
overrides:
  - name: maintenance
    max: 4h
    rules: { boiler: [ { allow: write, from: hmi, unit: 1, address: 0-99 } ] }
"""
# In new namespaces: the tree becomes the root, systemd the first process.
BOOT = """
mount --make-rprivate /
ip link add ext0 type veth peer name far-ext0 && ip link set far-ext0 up && ip link set ext0 up
ip link add int0 type veth peer name far-int0 && ip link set far-int0 up && ip link set int0 up
mount --bind "$1" "$1" && cd "$1"
mount -t proc proc proc; mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run; mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir -p dev/shm dev/pts old
if [ "$2" = unified ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/systemd sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
fi
pivot_root . old && umount -l old
container=other exec /lib/systemd/systemd --system --unit=sluice.service --show-status=0
"""


def run(command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **options)


class Machine:
    """systemd and what it started; gone, as by a power failure, with off()."""

    def __init__(self):
        unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
        self.groups = [group / f"sluice-try-{os.getpid()}" for group in own_groups()]

        def enter():
            os.setsid()
            for group in self.groups:
                group.mkdir(exist_ok=True)
                (group / "cgroup.procs").write_text(str(os.getpid()))
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child",
             "sh", "-c", BOOT, "boot", TREE, "unified" if unified else "hybrid"],
            preexec_fn=enter, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)
        self.first = None  # until systemd is the first process in there
        limit = time.monotonic() + 60
        while not self.first:
            if self.process.poll() is not None or time.monotonic() > limit:
                self.process.kill()
                sys.exit(f"try_systemd: systemd does not start in namespaces: {self.process.communicate()[1]}")
            time.sleep(0.01)
            self.first = self._systemd()

    def _systemd(self):
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        for child in pathlib.Path(children).read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                return child
        return None

    def inside(self, *command):
        return run(["nsenter", "-t", self.first, "-m", "-p", "-n", "-u", "-i", "-C", "-r", "-w", *command])

    def property(self, name):
        return self.inside("systemctl", "show", "sluice", "-p", name, "--value").stdout.strip()

    def until(self, name, value, seconds=60):
        limit = time.monotonic() + seconds
        while (found := self.property(name)) != value and time.monotonic() < limit:
            time.sleep(0.2)
        return found == value

    def off(self):
        self.process.kill()
        self.process.communicate()
        for group in self.groups:
            for folder in sorted(glob.glob(f"{group}/**/", recursive=True), reverse=True):
                remove_group(folder)


def own_groups():
    """The folders of this process's control groups, in which it may make others."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "cpuset":  # a new one has no processor, and systemd does not use it
            continue
        for name in (controllers.removeprefix("name=") or "unified", ""):
            folder = pathlib.Path("/sys/fs/cgroup", name)
            if (folder / "cgroup.procs").exists():
                yield folder / path.lstrip("/")
                break


def remove_group(folder):
    for _ in range(100):
        try:
            os.rmdir(folder)
            return
        except OSError:  # its last process is about to go
            time.sleep(0.02)


def install():
    if not (TREE / "lib/systemd/systemd").exists():
        shutil.rmtree(TREE, ignore_errors=True)
        TREE.mkdir(parents=True)
        made = run(["debootstrap", "--variant=minbase", f"--include=systemd,systemd-sysv,dbus,{LIBRARIES}",
                    "bookworm", TREE])
        if made.returncode:
            sys.exit(f"debootstrap: {made.stdout[-2000:]}{made.stderr}")
    [package] = (ROOT / "build").glob("sluice_*.deb")
    run(["chroot", TREE, "dpkg", "-P", "sluice"])
    shutil.copy(package, TREE / "sluice.deb")
    return run(["chroot", TREE, "dpkg", "-i", "/sluice.deb"])


class Said:
    def __init__(self):
        self.wrong = 0

    def __call__(self, what, right, came=""):
        self.wrong += not right
        print(f"{what}: {'ok' if right else 'NOT SO'}{': ' if came else ''}{came}".rstrip(), flush=True)


def first_line(result):
    return (result.stdout or result.stderr).strip().split("\n")[0]


def operation(machine, say):
    say("starts with the sample configuration", machine.until("ActiveState", "active"))
    say("status", "running" in (status := machine.inside("sluice", "status")).stdout, first_line(status))
    good = SITE.read_text()
    SITE.write_text(good + OVERRIDE)
    say("reload of a good file", machine.inside("systemctl", "reload", "sluice").returncode == 0)
    SITE.write_text(good.replace("allow: read", "alow: read"))
    say("reload of a bad file fails, and the gateway goes on",
        machine.inside("systemctl", "reload", "sluice").returncode != 0 and
        "running" in machine.inside("sluice", "status").stdout)
    SITE.write_text(good + OVERRIDE)
    asked = machine.inside("sluice", "override", "maintenance", "--for", "2h", "--who", "try", "--why", "try")
    say("override", asked.returncode == 0, first_line(asked))


def starts_that_fail(machine, say):
    good = SITE.read_text()
    for what, text in (("a bad file", good.replace("allow: read", "alow: read")),
                       ("a missing NIC", good.replace("ext0", "none0"))):
        machine.inside("systemctl", "stop", "sluice")
        SITE.write_text(text)
        failed = machine.inside("systemctl", "start", "sluice").returncode != 0
        SITE.write_text(good)
        say(f"the start fails with {what}, and comes by itself when it is mended",
            failed and machine.until("ActiveState", "active"))
    SITE.write_text(good.replace("allow: read", "alow: read"))
    upgraded = machine.inside("dpkg", "-i", "/sluice.deb").returncode == 0
    SITE.write_text(good)
    say("an upgrade beside a bad file", upgraded and machine.until("ActiveState", "active"))


def launcher_that_hangs(machine, say):
    before, restarts = machine.property("MainPID"), int(machine.property("NRestarts"))
    stopped = machine.inside("systemctl", "kill", "--kill-who=main", "--signal=STOP", "sluice")
    began = time.monotonic()
    again = (stopped.returncode == 0 and machine.until("NRestarts", str(restarts + 1)) and
             machine.until("ActiveState", "active") and machine.property("MainPID") != before)
    say("a launcher that hangs is killed and all is started anew", again,
        f"after {time.monotonic() - began:.0f} s")
    status = machine.inside("sluice", "status")
    say("the override goes on", "OVERRIDE maintenance" in status.stdout, first_line(status))


def removal(machine, say):
    say("stop", machine.inside("systemctl", "stop", "sluice").returncode == 0 and
        machine.property("Result") == "success" and '"event":"stopped"' in AUDIT.read_text().splitlines()[-1])
    removed = machine.inside("dpkg", "-P", "sluice")
    left = [str(path) for path in TREE.rglob("*sluice*")
            if path.is_file() and path.name != "sluice.deb" and "proc" not in path.parts]
    say("purge leaves nothing", removed.returncode == 0 and not left, " ".join(left))


def main():
    if os.geteuid() != 0:
        sys.exit("try_systemd: namespaces and a Debian of its own need root: sudo make try-systemd")
    say = Said()
    say("installs", (installed := install()).returncode == 0, installed.stderr)
    machine = Machine()
    try:
        operation(machine, say)
        starts_that_fail(machine, say)
        launcher_that_hangs(machine, say)
        lines = AUDIT.read_text()
        machine.off()  # a power failure
        machine = Machine()
        say("after a power failure it is up again", machine.until("ActiveState", "active"))
        status = machine.inside("sluice", "status")
        say("the override goes on", "OVERRIDE maintenance" in status.stdout, first_line(status))
        say("the log is continued", AUDIT.read_text().startswith(lines))
        removal(machine, say)
    finally:
        machine.off()
    return 1 if say.wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())

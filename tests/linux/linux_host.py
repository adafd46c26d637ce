# SPDX-License-Identifier: BSD-2-Clause
"""Builds and runs the stub gateways of this folder; reads what they say."""
import json
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = ["src/hosts/linux/*.c", "src/drivers/af_packet/*.c", "src/components/nic_drv/*.c",
           "src/util/*.c", "src/topology/lower.c", "src/ring/*.c"]
FLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-Isrc",
         "-D_GNU_SOURCE"]


def build(name):
    """build/tests/linux/<name> from tests/linux/<name>.c and the host's own sources."""
    program = ROOT / "build" / "tests" / "linux" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    sources = [str(path) for pattern in SOURCES for path in sorted(ROOT.glob(pattern))]
    # What operators ask of the launcher reads configurations: the compiler behind that is as built.
    subprocess.run(["gcc", *FLAGS, f"tests/linux/{name}.c", *sources, "build/libhost.a",
                    "build/libcore.a", "-lseccomp", "-lyaml", "-lpcap", "-lnettle", "-lm",
                    "-o", str(program)], cwd=ROOT, check=True)
    return program


def user_namespace_works():
    return subprocess.run(["unshare", "-Urn", "true"], capture_output=True).returncode == 0


def whole_lines(path):
    """Without one that is being written."""
    return path.read_text().split("\n")[:-1]


class Gateway:
    """A running gateway; its audit lines and its log."""

    def __init__(self, command, directory, prefix=()):
        self.audit_path = directory / "audit.json"
        self.log_path = directory / "log"
        self.log_file = open(self.log_path, "w")
        self.popen = subprocess.Popen([*prefix, *map(str, command), str(self.audit_path)],
                                      stderr=self.log_file, stdin=subprocess.DEVNULL)

    def events(self, name=None):
        if not self.audit_path.exists():
            return []
        lines = [json.loads(line) for line in whole_lines(self.audit_path)]
        return [line for line in lines if name is None or line.get("event") == name]

    def wait_event(self, name, count=1, seconds=60):
        return self.wait(lambda: len(self.events(name)) >= count and self.events(name)[count - 1],
                         f"{count} x {name}", seconds)

    def log(self):
        return self.log_path.read_text()

    def wait_log(self, text, count=1, seconds=60):
        return self.wait(lambda: self.log().count(text) >= count, text, seconds)

    def wait(self, condition, what, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            result = condition()
            if result:
                return result
            time.sleep(0.02)
        raise AssertionError(f"no {what} within {seconds} s\n{self.log()}\n{self.events()[-5:]}")

    def pids(self):
        """name -> pid, as of the last start."""
        def starts():
            return [e for e in self.events() if e.get("event") in ("started", "restarted")]
        last = self.wait(starts, "start in the log", 60)[-1]
        return {process["name"]: process["pid"] for process in last["processes"]}

    def stop(self, with_signal=signal.SIGTERM):
        if self.popen.poll() is None:
            self.popen.send_signal(with_signal)
        status = self.popen.wait(30)
        self.log_file.close()
        return status


def gone(pid):
    """True when there is no such process, or only its entry that nobody has collected yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True

# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 stations of several makes as processes of the lab, driven by lines and heard as JSON.

Commands of a master: integrity, events, read GROUP VARIATION START STOP, select-operate INDEX WHAT,
direct INDEX WHAT, freeze, freeze-clear, link-status, cold-restart, time, read-file NAME; WHAT is
latch-on, latch-off, pulse-on, close, trip, or int16=5, int32=5, float=7.5, double=7.5 (dnp3py chooses
the size by itself).
Commands of an outstation: binary INDEX 0|1, analog INDEX VALUE, counter INDEX VALUE, need-time 0|1.

What they say: {"got": KIND, "values": {INDEX: VALUE}}, {"done": WHAT, "result": HOW},
{"saw": WHAT, ...} for what reached an outstation's application, {"updated": KIND}."""
import contextlib
import fcntl
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from capture import Capture

HELLO = "station"
PORT = 20000
LIMIT = 40  # seconds for what a station must do: longer than what it waits for by itself


def say(**fields):
    """One line in one piece, apart from what a package prints in its threads."""
    line = json.dumps({"time": time.time(), **fields}, default=str)
    os.write(1, f"\n{line}\n".encode())


class Observer:
    """tcpdump on a wire; afterwards tshark says which DNP3 messages went over it."""

    def __init__(self, namespace, interface, path):
        self.path, self.capture = path, Capture(namespace, interface, path, f"port {PORT}", 65535)

    def stop(self):
        self.capture.end()

    def fields(self, to_outstation, *names):
        """Of each packet one way that has DNP3: the values of each field, as lists."""
        self.stop()
        way = "dst" if to_outstation else "src"
        command = ["tshark", "-r", self.path, "-Y",
                   f"dnp3 && (tcp.{way}port == {PORT} || udp.{way}port == {PORT})", "-T", "fields",
                   "-E", "separator=|"]
        for name in names:
            command += ["-e", name]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [[[int(value, 0) for value in field.split(",") if value] for field in line.split("|")]
                for line in out.splitlines()]

    def functions(self, to_outstation=True):
        """Of all fragments one way, in order."""
        return [function for (functions,) in self.fields(to_outstation, "dnp3.al.func")
                for function in functions]

    def malformed(self):
        """What was sent to the outstation that tshark does not like, checksums included."""
        self.stop()
        wrong = "_ws.malformed || dnp.hdr.CRC.status == 0 || dnp.data_chunk.CRC.status == 0"
        return subprocess.run(
            ["tshark", "-r", self.path, "-Y", f"(tcp.dstport == {PORT} || udp.dstport == {PORT}) && ({wrong})"],
            capture_output=True, text=True, check=True).stdout


class Station:
    """One process in a namespace of the lab."""

    def __init__(self, namespace, make, role, *arguments, **environment):
        command = [sys.executable, HERE / f"station_{make}.py", role, *arguments]
        self.process = namespace.popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONPATH": str(HERE), **environment})
        self.make, self.role = make, role
        self._lines, self._noise, self._lock = [], [], threading.Condition()
        with contextlib.suppress(OSError):  # room for long lines: in a full pipe they would mix
            fcntl.fcntl(self.process.stdout, fcntl.F_SETPIPE_SZ, 1 << 20)
        threading.Thread(target=self._read, daemon=True).start()
        self.wait(lambda line: line.get("ready") == HELLO, timeout=60)
        if role == "outstation":
            self._wait_bound(namespace, *arguments[:3])

    @staticmethod
    def _wait_bound(namespace, transport, address, port):
        """Until the package's threads have bound it, and listen."""
        table = transport.split(":")[0]
        local = f"{socket.inet_aton(address)[::-1].hex().upper()}:{int(port):04X}"
        until = time.monotonic() + LIMIT
        while True:
            with namespace.inside(), open(f"/proc/thread-self/net/{table}") as lines:
                rows = [line.split() for line in lines]
            if any(row[1] == local and (table == "udp" or row[3] == "0A") for row in rows):
                return
            assert time.monotonic() < until, f"nothing has {address}:{port}"
            time.sleep(.02)

    def _read(self):
        with contextlib.suppress(ValueError):  # stop() has closed it
            for text in self.process.stdout:
                self._take(text)

    def _take(self, text):
        try:
            line = json.loads(text)
        except ValueError:
            self._noise.append(text)
            return
        with self._lock:
            self._lines.append(line)
            self._lock.notify_all()

    def mark(self):
        """What was said so far ends here."""
        with self._lock:
            return len(self._lines)

    def said(self, since=0):
        with self._lock:
            return self._lines[since:]

    def tell(self, words):
        """Returns the mark before the command."""
        mark = self.mark()
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        return mark

    def set(self, words):
        """Changes a value of an outstation; returns when it has it, with the mark before."""
        mark = self.tell(words)
        self.wait(lambda line: line.get("updated") == words.split()[0], mark)
        return mark

    def wait(self, wanted, since=0, timeout=LIMIT):
        """The first line for which wanted(line) holds; fails where none comes in time."""
        until = time.monotonic() + timeout
        with self._lock:
            while True:
                for line in self._lines[since:]:
                    if wanted(line):
                        return line
                left = until - time.monotonic()
                if left <= 0 or self.process.poll() is not None and left < timeout - 2:
                    raise AssertionError(f"{self.make} {self.role} did not say it: "
                                         f"{self._lines[since:]} {''.join(self._noise[-20:])}")
                self._lock.wait(min(left, 1))

    def ask(self, words, done=None, timeout=LIMIT):
        """A master's command and how it ended."""
        mark = self.tell(words)
        return self.wait(lambda line: line.get("done") == (done or words.split()[0]), mark, timeout)

    def saw(self, what, since=0, timeout=LIMIT):
        return self.wait(lambda line: line.get("saw") == what, since, timeout)

    def got(self, kind, index, value, since=0, timeout=LIMIT):
        """Waits until the master has this point with this value."""
        def has(line):
            return line.get("got") == kind and line["values"].get(str(index)) == value
        return self.wait(has, since, timeout)

    def printed(self, text, timeout=LIMIT):
        """Waits for a line that is no JSON."""
        until = time.monotonic() + timeout
        while not any(text in line for line in list(self._noise)):
            assert time.monotonic() < until, f"{self.make} {self.role} did not print {text}: " \
                f"{''.join(self._noise[-40:])}"
            time.sleep(.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

# SPDX-License-Identifier: BSD-2-Clause
"""The demo's walk: eight things a client may try, each with what must come of it.

It knows nothing of how the gateway runs: it needs a way to connect, the plant's own account of
what it saw, and the audit lines. The same walk goes through every host.
"""
import json
import socket
import struct
import subprocess
import sys
import threading
import time

EXCEPTIONS = {1: "illegal function", 2: "illegal data address", 3: "illegal data value",
              6: "server device busy", 10: "gateway path unavailable",
              11: "gateway target device failed to respond"}


class Plant:
    """The device, and what it says that it saw."""

    def __init__(self, namespace, root, address="192.168.95.2", port=502):
        self.process = namespace.popen(
            [root / "build/venv/bin/python", root / "tools/plant.py", address, port],
            stdout=subprocess.PIPE, text=True)
        self._lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait(lambda line: "ready" in line, 60)

    def _read(self):
        for line in self.process.stdout:
            self._lines.append(json.loads(line))

    def _wait(self, wanted, timeout):
        until = time.monotonic() + timeout
        while not any(wanted(line) for line in self._lines):
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError("the plant did not start: is port 502 of its address free?")
            time.sleep(0.02)

    def seen(self):
        """What it has said so far; the last lines may still be on their way to here."""
        before = -1
        while before != len(self._lines):
            before = len(self._lines)
            time.sleep(0.2)
        return [line for line in self._lines if "saw" in line]

    def signal(self, number):
        self.process.send_signal(number)

    def close(self):
        self.process.kill()
        self.process.wait()


def adu(transaction, pdu, unit=1):
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def read(address, quantity):
    return struct.pack(">BHH", 3, address, quantity)


def write(address, value):
    return struct.pack(">BHH", 6, address, value)


def receive(connection, count, timeout):
    """`count` whole ADUs, or fewer where no more come in time."""
    connection.settimeout(timeout)
    got, replies = b"", []
    while len(replies) < count:
        try:
            chunk = connection.recv(4096)
        except (TimeoutError, socket.timeout):
            break
        if not chunk:
            break
        got += chunk
        while len(got) >= 6 and len(got) >= 6 + struct.unpack(">H", got[4:6])[0]:
            length = 6 + struct.unpack(">H", got[4:6])[0]
            replies.append(got[:length])
            got = got[length:]
    return replies


def is_ended(connection, timeout=20):
    """Nothing more comes: the far side closes it, or resets it."""
    connection.settimeout(timeout)
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


def describe_reply(reply):
    transaction, function = struct.unpack(">H", reply[:2])[0], reply[7]
    if function & 0x80:
        return f"exception {reply[8]:02d} {EXCEPTIONS.get(reply[8], '')}"
    if function == 3:
        values = struct.unpack(f">{reply[8] // 2}H", reply[9:])
        return " ".join(map(str, values))
    if function == 6:
        return "written {1} to register {0}".format(*struct.unpack(">HH", reply[8:12]))
    return f"transaction {transaction} function {function}"


def describe_seen(seen):
    if not seen:
        return "nothing"
    words = []
    for line in seen:
        what = f"read {line['address']}+{line['count']}" if line["function"] == 3 else \
               f"write {line['address']}={line['values'][0]}"
        words.append(what)
    return ", ".join(words)


def describe_audit(lines):
    if not lines:
        return "nothing"
    words = []
    for line in lines:
        word = line.get("verdict") or line["event"]
        detail = line.get("reason") or line.get("rule")
        words.append(f"{word} ({detail})" if detail else word)
    return ", ".join(words)


STEPS = [
    # title, segments to send, replies, what the device must see, last audit verdict or event
    ("an allowed read", [adu(1, read(0, 4))], ["652 81 200 40"], "read 0+4", "allow"),
    ("an allowed write", [adu(2, write(2, 215))], ["written 215 to register 2"], "write 2=215",
     "allow"),
    ("a write to a forbidden register", [adu(3, write(3, 100))],
     ["exception 02 illegal data address"], "nothing", "deny"),
    ("a forbidden value", [adu(4, write(2, 900))], ["exception 03 illegal data value"],
     "nothing", "deny"),
    ("a malformed request", [adu(5, read(0, 0))], ["exception 03 illegal data value"],
     "nothing", "malformed"),
    ("three requests in one segment",
     [adu(6, read(0, 1)) + adu(7, read(1, 1)) + adu(8, read(2, 1))], ["652", "81", "215"],
     "read 0+1, read 1+1, read 2+1", "allow"),
    ("one request in three segments",
     [adu(9, read(0, 2))[:5], adu(9, read(0, 2))[5:9], adu(9, read(0, 2))[9:]], ["652 81"],
     "read 0+2", "allow"),
    ("a device that stops answering", [adu(10, read(0, 1))],
     ["exception 11 gateway target device failed to respond"], "nothing", "request-failed"),
]


def walk(connect, plant, audit, out=sys.stdout, stop_signal=19, continue_signal=18):
    """Walks all steps. Returns the number of those that went otherwise than they must.

    connect() -> socket; audit() -> all audit lines so far, as dictionaries.
    """
    wrong = 0
    colour = out.isatty()
    connection = connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number, (title, segments, replies, device, verdict) in enumerate(STEPS, 1):
        seen_before, audit_before = len(plant.seen()), len(messages(audit()))
        if title.startswith("a device that stops"):
            plant.signal(stop_signal)
        for segment in segments:
            connection.sendall(segment)
            time.sleep(0.05 if len(segments) > 1 else 0)
        got = [describe_reply(r) for r in receive(connection, len(replies), 20)]
        audited = wait_for(lambda: messages(audit())[audit_before:],
                           lambda lines: any(verdict in (line.get("verdict"), line["event"])
                                             for line in lines))
        seen = wait_for(lambda: describe_seen(plant.seen()[seen_before:]),
                        lambda said: said == device)
        if title.startswith("a device that stops"):
            plant.signal(continue_signal)
        sent = " + ".join(segment.hex() for segment in segments)
        good = got == replies and seen == device and \
            any(verdict in (line.get("verdict"), line["event"]) for line in audited)
        wrong += not good
        mark = "ok" if good else "WRONG"
        if colour:
            mark = f"\033[{32 if good else 31}m{mark}\033[0m"
        print(f"{number}. {title}: sent {sent} | came back: {', '.join(got) or 'nothing'} | "
              f"device saw: {seen} | audit: {describe_audit(audited)} | {mark}",
              file=out, flush=True)
        if not good:
            print(f"   expected: {', '.join(replies)} | {device} | {verdict}", file=out)
    connection.close()
    return wrong


def messages(lines):
    return [line for line in lines if line.get("event") in ("message", "request-failed")]


def wait_for(get, enough, timeout=30):
    until = time.monotonic() + timeout
    while True:
        got = get()
        if enough(got) or time.monotonic() > until:
            return got
        time.sleep(0.02)

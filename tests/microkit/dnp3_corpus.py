# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 messages of every kind, valid and not, and an outstation that answers well and badly; run() as
in corpus.py, so that two hosts can be compared.

That nothing comes back is shown by a marker: a read on another connection, between stations of its own,
sent after each message and answered after it. Each hop of the gateway keeps the order, and so does the
outstation. No time is waited for."""
import json
import pathlib
import select
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from dnp3_wire import DIR, PRM, STATUS_REQUEST, UNCONFIRMED, Peer, frames, link

PORT = 20000
# More than so many of each: replies, what the device saw, audit lines by verdict.
LEAST = {"replies": 120, "device": 25, "allow": 30, "deny": 50, "malformed": 20}
MASTER, OUTSTATION = 1, 10
MARKER_MASTER, MARKER_OUTSTATION = 3, 13
WITHOUT_ANSWER = ("00", "06", "08", "0a", "0c")  # functions: confirm, and those without acknowledgement
PATIENCE = 60  # seconds for what comes unless something is broken

CONFIG = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
  sessions: 16
  outstanding: 16
  buffers: 16
  audit: { lines: each }
hosts: { scada: 192.168.96.10 }
services:
  - name: substation
    protocol: dnp3
    listen: 192.168.96.2:20000
    device: 192.168.95.2:20000
    timeout: 800ms
    unsolicited: allow
    response-fragments: 4
    stations:
      - { master: 1, outstation: 10 }
      - { master: 2, outstation: 11, device-master: 100, device-outstation: 7 }
      - { master: 1, outstation: 65535 }
      - { master: 3, outstation: 13 }
    rules:
      - { name: classes, allow: read, from: scada, group: 60 }
      - { name: points, allow: read, from: scada, group: [1, 20, 30], index: 0-99 }
      - { name: breaker, allow: [select, operate], from: scada, group: 12, index: 3,
          operation: pulse-on, trip-close: [close, trip], on-time: 0-200, select-before-operate: required }
      - { name: outputs, allow: direct-operate, from: scada, group: 12, index: 0-9, operation: latch-on }
      - { name: setpoint, allow: [direct-operate, direct-operate-no-ack], from: scada, group: 41,
          index: 0-3, value: -5-100.5 }
      - { name: clock, allow: write, from: scada, group: [50, 80] }
      - { name: freeze, allow: freeze, from: scada, group: 20 }
      - { name: never, deny: direct-operate, group: 12, index: 5 }
"""


def _block(function, index, code, on_time=100, sequence=0):
    return f"c{sequence:x}{function:02x} 0c0117 01 {index:02x} {code:02x} 01 {on_time:02x}000000 00000000 00"


def fragments():
    """(fragment, master, outstation) of requests."""
    texts = ["c001 3c0206 3c0306 3c0406 3c0106", "c001 3c0106", "c001 010000 0009", "c001 010000 0063",
             "c001 010000 0064", "c001 1e0501 0000 6300", "c001 010000 0900", "c001 010006", "c001",
             "c001 020006", "c001 ff0006", "c001 0100 0b 00", "c001 140017 02 0001", "c001 140017 00",
             "c000", "c301 3c0106", "c001 3c0106 00", "8001 3c0106", "c050 3c0106", "c0", ""]
    for function in (3, 4, 5, 6):
        for index, code, on_time in ((3, 0x41, 100), (3, 0x81, 200), (3, 0x81, 201), (3, 0x01, 100),
                                     (4, 0x41, 100), (0, 3, 0), (5, 3, 0), (9, 3, 0), (10, 3, 0), (3, 0x05, 0)):
            texts.append(_block(function, index, code, on_time))
    texts += [_block(3, 3, 0x41), _block(4, 3, 0x41, sequence=1), _block(4, 3, 0x41, sequence=2)]
    texts += [_block(3, 3, 0x41), _block(4, 3, 0x81, sequence=1)]
    for value in ("00000000", "64000000", "65000000", "fbffffff", "faffffff"):
        texts.append(f"c005 290117 01 02 {value} 00")
    for value in ("0000c942", "0100c942", "0000a0c0", "0000c07f", "0000807f"):
        texts.append(f"c005 290317 01 02 {value} 00")
    texts += ["c005 290417 01 02 0000000000205940 00", "c005 290217 01 04 0100 00", "c006 290117 01 02 01000000 00",
              "c002 320107 01 00e8b4fa9d01", "c002 320107 02 00e8b4fa9d01", "c002 500100 0707 00",
              "c002 220117 01 00 0500", "c007 140006", "c008 140006", "c009 1400 00 0009", "c007 1e0006",
              "c00d", "c00e", "c00d 3c0106", "c012", "c014 3c0206", "c015 3c0206 3c0306", "c016 3c0206 010006",
              "c017", "c018", "c019 46035b 01 1b00 1a000100 000000000000 0000 00000000 00000000 0100 0000 0000 61",
              "c01f", "c020", "c021", "c022", "c081 0000", "c0ff"]
    for text in texts:
        yield text, MASTER, OUTSTATION
    for master, outstation in ((2, 11), (2, 10), (1, 11), (5, 10), (1, 65535), (1, 65534), (1, 1)):
        yield "c001 3c0106", master, outstation
        yield _block(5, 0, 3), master, outstation


def requests():
    """Bytes to send; what breaks the framing comes too."""
    for text, master, outstation in fragments():
        yield b"".join(frames(text, outstation, master, DIR | PRM | UNCONFIRMED)) or b"\x05"
    good = frames("c001 3c0106", OUTSTATION, MASTER, DIR | PRM | UNCONFIRMED)[0]
    yield good
    yield link(DIR | PRM | STATUS_REQUEST, OUTSTATION, MASTER)
    yield link(DIR | PRM | STATUS_REQUEST, 12, MASTER)
    yield b"".join(frames("c001" + "010000 0009" * 60, OUTSTATION, MASTER, DIR | PRM | UNCONFIRMED, size=100))
    yield good[:-1] + bytes([good[-1] ^ 1])
    yield good[:8] + bytes([good[8] ^ 1]) + good[9:]
    yield b"\xde\xad\xbe\xef" + good
    yield b"GET / HTTP/1.1\r\n\r\n"


def _answers(number, fragment):
    """What the outstation sends back to its `number`th request, as fragments."""
    data = bytes.fromhex(fragment)
    sequence, function = data[0] & 15, data[1]
    body = ""
    if function in (3, 4, 5):
        body = fragment[4:]
    elif function == 1 and data[2:3] == b"\x01":
        body = "010200 0001 0181"
    elif function == 1:
        body = "1e0100 0000 01 2a000000"
    head = f"{0xc0 | sequence:02x}81"
    variant = number % 9
    if variant == 3:
        return [head + "0004"]
    if variant == 4 and function == 1:
        return [f"{0xa0 | sequence:02x}810000" + body, f"{0x40 | (sequence + 1) & 15:02x}810000" + body]
    if variant == 5:
        return [f"{0xc0 | (sequence + 3) & 15:02x}810000" + body]
    if variant == 6:
        return [head + "0000" + body + "01"]
    if variant == 7:
        return ["f082 0000 020117 01 03 81", head + "0000" + body]
    if variant == 8 and body:
        return [head + "0000" + body[:-2] + "7f"]
    return [head + "0000" + body]


def _at_once(connection):
    """What is sent on it is not held back, so that nothing on another connection overtakes it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Device:
    """Serves in a thread; self.seen has every fragment with its stations, less the markers."""

    def __init__(self, namespace, address=("192.168.95.2", PORT)):
        with namespace.inside():
            self.listener = socket.create_server(address)
        self.seen, self.stop = [], False
        self.held = {}  # connection: Peer
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.stop:
            ready, _, _ = select.select([self.listener, *self.held], [], [], .1)
            for one in ready:
                if one is self.listener:
                    self._accept()
                elif one in self.held:
                    self._answer(self.held[one])
            for one in [one for one, peer in self.held.items() if peer.closed]:
                self.held.pop(one).close()
        for one in [self.listener, *self.held]:
            one.close()

    def _accept(self):
        while select.select([self.listener], [], [], 0)[0]:
            connection = _at_once(self.listener.accept()[0])
            self.held[connection] = Peer(connection, master=False)

    def _answer(self, peer):
        while (got := peer.receive(0.02)) is not None:
            if isinstance(got[0], int):
                self.seen.append(f"link {got}")
                continue
            fragment, master, outstation = got
            if master == MARKER_MASTER:
                self._answer_marker(peer, fragment)
                continue
            self.seen.append(f"{master} > {outstation}: {fragment}")
            if fragment[2:4] == "00":
                continue  # a confirm
            for answer in _answers(len(self.seen), fragment):
                peer.reply(answer, source=outstation if outstation < 65000 else OUTSTATION,
                           destination=master)

    def _answer_marker(self, peer, fragment):
        """What came before it on other connections is answered first."""
        self._accept()
        for other in [other for other in self.held.values() if other is not peer]:
            self._answer(other)
        peer.reply(f"c{fragment[1]}810000", source=MARKER_OUTSTATION, destination=MARKER_MASTER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()


class _Exchange:
    """Messages one after the other, each with all that comes of it."""

    def __init__(self, lab, device, audit):
        self.lab, self.device, self.audit = lab, device, audit
        self.marker, self.marks = self._connect(MARKER_MASTER, MARKER_OUTSTATION), 0
        self.master = None

    def _connect(self, master, outstation):
        """Answered when the far side is there."""
        peer = Peer(_at_once(self.lab.connect(port=PORT, timeout=PATIENCE)), master=True)
        peer.socket.sendall(link(DIR | PRM | STATUS_REQUEST, outstation, master))
        assert peer.receive(PATIENCE), "no link status"
        return peer

    def close(self):
        for peer in filter(None, (self.marker, self.master)):
            peer.close()

    def _settle(self, got):
        self.marks += 1
        head = f"c{self.marks % 16:x}"
        self.marker.request(head + "01 3c0206", source=MARKER_MASTER, destination=MARKER_OUTSTATION)
        mark = self.marker.receive(PATIENCE)
        assert mark and mark[0] == head + "810000", mark
        self._take(got)

    def lines(self):
        """Of the log, of messages: all up to the last marker's."""
        until = time.monotonic() + PATIENCE
        while True:
            lines = [line for line in self.audit() if line["event"] in ("message", "request-failed")]
            if sum(MARKER_MASTER in _stations(line) for line in lines) >= self.marks:
                return lines
            assert time.monotonic() < until, "a marker has no line on the log"
            time.sleep(.05)

    def _failures(self):
        return sum(line["event"] == "request-failed" or
                   (line.get("direction") == "reply" and line.get("verdict") == "malformed")
                   for line in self.audit())

    def _take(self, got):
        while (one := self.master.receive(0.02)) is not None:  # it is there: the marker came after it
            got.append(one)

    def send(self, message):
        """What came back, as text."""
        if self.master is None:
            self.master = self._connect(MASTER, OUTSTATION)
        got, before, failures = [], len(self.device.seen), self._failures()
        try:
            self.master.socket.sendall(message)
        except ConnectionError:
            self.master = None
            return ["closed"]
        self._settle(got)
        seen = self.device.seen[before:]
        until = time.monotonic() + PATIENCE
        while any(map(_awaits_reply, seen)) and not any(map(_ends, got)) and self._failures() == failures:
            assert time.monotonic() < until, f"neither a reply nor a failure: {message.hex()}"
            self._take(got)
        if seen:
            self._settle(got)
        texts = list(map(str, got))
        if self.master.closed:
            self.master.close()
            self.master = None
            texts.append("closed")
        return texts


def _stations(line):
    return line["dnp3"].get("source"), line["dnp3"].get("destination")


def _awaits_reply(seen):
    stations, fragment = seen.split(": ")
    return fragment[2:4] not in WITHOUT_ANSWER and not stations.endswith(" 65535")


def _ends(got):
    """A response whose last fragment this is."""
    return isinstance(got[0], str) and got[0][2:4] == "81" and int(got[0][0:2], 16) & 0x40


def run(lab, device, audit):
    exchange = _Exchange(lab, device, audit)
    replies = [(message.hex(), exchange.send(message)) for message in requests()]
    exchange.close()
    lines = [line for line in exchange.lines() if MARKER_MASTER not in _stations(line)]
    said = sorted(json.dumps({key: line.get(key) for key in
                              ("event", "verdict", "reason", "rule", "direction", "dnp3", "new", "old",
                               "component", "service", "client")}, sort_keys=True) for line in lines)
    return {"replies": replies, "device": device.seen, "audit": said}

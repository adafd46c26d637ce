# SPDX-License-Identifier: BSD-2-Clause
"""Modbus messages of every kind, valid and not, and a device that answers well and badly.

run() plays them through a gateway and gives back all that could be seen of it, so that two hosts
can be compared.
"""
import json
import select
import socket
import struct
import threading

from lab import stands_still, until

# More than so many of each: replies, what the device saw, audit lines by verdict.
LEAST = {"replies": 180, "device": 60, "allow": 25, "deny": 25, "malformed": 25}

CONFIG = """
gateway:
  audit: { lines: each }
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: plant
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 1s
    opaque:
      - { function: 100, length: 1-8, bytes: "0e" }
    rules:
      - { name: readings, allow: read, from: hmi, unit: 1, address: 0-199 }
      - { name: everywhere, allow: [1, 3], from: hmi, unit: 3 }
      - { name: setpoints, allow: write, from: hmi, unit: 1, address: 10-99, value: 0-1000 }
      - { name: coils, allow: [5, 15], from: hmi, unit: 1, address: 0-63 }
      - { name: masks, allow: 22, from: hmi, unit: 1, address: 4 }
      - { name: files, allow: [20, 21], from: hmi, unit: 1, file: 1-10, record: 0-100 }
      - { name: diagnose, allow: [diagnostic, 43], from: hmi, unit: 1 }
      - { name: vendor, allow: 100, from: hmi, unit: 1 }
      - { name: never, deny: write, unit: 1, address: 50 }
"""

TRAILING = b"\x00"


def _pdus():
    """(unit, PDU) of requests."""
    def words(*values):
        return struct.pack(f">{len(values)}H", *values)

    def of(function, body):
        return bytes([function]) + body
    for function, most in ((1, 2000), (2, 2000), (3, 125), (4, 125)):
        for address, quantity in ((0, 1), (0, 7), (0, most), (0, most + 1), (0, 0), (199, 1),
                                  (199, 2), (200, 1), (65535, 1), (65535, 2), (0, 65535)):
            yield 1, of(function, words(address, quantity))
        yield 3, of(function, words(65535, 1))
        yield 3, of(function, words(65000, most))
        yield 2, of(function, words(0, 1))
        yield 1, of(function, words(0, 1)) + TRAILING
        yield 1, of(function, words(0, 1))[:-1]
        yield 1, of(function, b"")
    for address, value in ((0, 0xff00), (0, 0), (0, 1), (63, 0xff00), (64, 0xff00)):
        yield 1, of(5, words(address, value))
    for address, value in ((10, 0), (10, 1000), (10, 1001), (9, 1), (99, 1), (100, 1), (50, 1)):
        yield 1, of(6, words(address, value))
    yield 1, of(6, words(10, 1)) + TRAILING
    for function in (7, 11, 12, 17):
        yield 1, of(function, b"")
        yield 1, of(function, TRAILING)
        yield 2, of(function, b"")
    for subfunction in range(0, 24):
        yield 1, of(8, words(subfunction, 0))
    yield 1, of(8, words(0) + b"abcdef")
    yield 1, of(8, words(1, 0xff00))
    yield 1, of(8, words(1, 0x1234))
    for quantity, count, data in ((1, 1, b"\x01"), (9, 2, b"\xff\x01"), (9, 2, b"\xff\xff"),
                                  (9, 1, b"\xff"), (0, 0, b""), (8, 1, b"\x55\x55")):
        yield 1, of(15, words(0, quantity) + bytes([count]) + data)
    yield 1, of(15, words(60, 9) + b"\x02\xff\x01")
    for address, values in ((10, [1]), (10, [1, 2, 3]), (10, [1, 2000]), (98, [1, 1]),
                            (99, [1, 1]), (49, [1, 1]), (10, [7] * 123)):
        yield 1, of(16, words(address, len(values)) + bytes([2 * len(values) & 255])
                    + words(*values))
    yield 1, of(16, words(10, 1) + b"\x01\x00")
    yield 1, of(16, words(10, 124) + bytes([248]) + bytes(248))
    for part in (b"\x06" + words(1, 0, 1), b"\x06" + words(10, 100, 2), b"\x06" + words(11, 0, 1),
                 b"\x06" + words(1, 100, 2), b"\x05" + words(1, 0, 1), b"\x06" + words(0, 0, 1),
                 b"\x06" + words(1, 10000, 1)):
        yield 1, of(20, bytes([len(part)]) + part)
        yield 1, of(21, bytes([len(part) + 2]) + part + words(5))
    yield 1, of(20, bytes([14]) + (b"\x06" + words(1, 0, 1)) + (b"\x06" + words(2, 0, 1)))
    yield 1, of(20, b"\x08" + b"\x06" + words(1, 0, 1))
    for address in (4, 5):
        yield 1, of(22, words(address, 0xf2, 0x25))
    for read, write, values in ((0, 10, [1]), (0, 9, [1]), (300, 10, [1]), (0, 10, [1, 2])):
        yield 1, of(23, words(read, 3, write, len(values)) + bytes([2 * len(values)])
                    + words(*values))
    yield 1, of(23, words(0, 126, 10, 1) + b"\x02" + words(1))
    yield 1, of(23, words(0, 1, 10, 1) + b"\x03" + words(1))
    for address in (0, 199, 200):
        yield 1, of(24, words(address))
    yield 1, of(43, b"\x0d" + bytes(4))
    for code, obj in ((1, 0), (2, 3), (3, 128), (4, 1), (0, 0), (5, 0)):
        yield 1, of(43, bytes([14, code, obj]))
    yield 1, of(43, b"\x0f\x00")
    yield 1, of(100, b"\x0e\x01")
    yield 1, of(100, b"\x0f\x01")
    yield 1, of(100, b"\x0e" + bytes(9))
    for function in (0, 9, 10, 13, 19, 25, 42, 44, 65, 99, 127, 128, 131, 255):
        yield 1, of(function, b"\x00\x00\x00\x01")


def requests():
    """Bytes to send, one message each; what breaks the framing comes too."""
    for number, (unit, pdu) in enumerate(_pdus()):
        yield struct.pack(">HHHB", number & 0xffff, 0, len(pdu) + 1, unit) + pdu
    good = struct.pack(">BHH", 3, 0, 1)
    yield struct.pack(">HHHB", 1, 1, 6, 1) + good       # another protocol
    yield struct.pack(">HHHB", 1, 0, 0, 1) + good       # lengths that cannot be
    yield struct.pack(">HHHB", 1, 0, 1, 1) + good
    yield struct.pack(">HHHB", 1, 0, 255, 1) + bytes(254)
    yield struct.pack(">HHHB", 1, 0, 65535, 1) + good
    yield b"GET / HTTP/1.1\r\nHost: plant\r\n\r\n"


def _answer(pdu):
    """A good reply to a request that is well-formed."""
    function, body = pdu[0], pdu[1:]
    if function in (1, 2):
        count = (struct.unpack(">H", body[2:4])[0] + 7) // 8
        return bytes([function, count]) + bytes([0xff] * count)
    if function in (3, 4):
        count = struct.unpack(">H", body[2:4])[0]
        return bytes([function, 2 * count]) + bytes(range(2 * count))
    if function in (5, 6, 8, 21, 22):
        return pdu
    if function == 7:
        return b"\x07\x55"
    if function == 11:
        return b"\x0b\xff\xff\x00\x05"
    if function == 12:
        return b"\x0c\x08\x00\x00\x00\x05\x00\x07\x20\x00"
    if function in (15, 16):
        return pdu[:5]
    if function == 17:
        return b"\x11\x03\x01\xffx"
    if function == 20:
        parts = b""
        for at in range(1, len(body), 7):
            count = struct.unpack(">H", body[at + 5:at + 7])[0]
            parts += bytes([2 * count + 1, 6]) + bytes(2 * count)
        return bytes([20, len(parts)]) + parts
    if function == 23:
        count = struct.unpack(">H", body[2:4])[0]
        return bytes([23, 2 * count]) + bytes(2 * count)
    if function == 24:
        return b"\x18\x00\x06\x00\x02\x01\xb8\x12\x84"
    if function == 43 and body[0] == 14:
        if body[1] == 4:
            return bytes([43, 14, 4, 0x83, 0, 0, 1, body[2], 3]) + b"abc"
        return bytes([43, 14, body[1], 0x83, 0, 0, 1, 0, 3]) + b"abc"
    return pdu


def _reply(number, adu):
    """What the device sends back to its `number`th request."""
    transaction, unit, pdu = adu[:2], adu[6], adu[7:]
    answer = _answer(pdu)
    variant = number % 11
    if variant == 3:
        answer = bytes([pdu[0] | 0x80, 2])
    elif variant == 5:
        answer = bytes([answer[0] ^ 1]) + answer[1:]
    elif variant == 6:
        unit ^= 2
    elif variant == 7:
        answer = answer[:-1] if len(answer) > 2 else answer + b"\x00"
    elif variant == 8:
        answer += b"\x00"
    elif variant == 9:
        transaction = bytes([transaction[0] ^ 0x40, transaction[1]])
    return transaction + struct.pack(">HHB", 0, len(answer) + 1, unit) + answer


class Device:
    """Serves in a thread; self.seen has every ADU without its transaction."""

    def __init__(self, namespace, address=("192.168.95.2", 502)):
        with namespace.inside():
            self.listener = socket.create_server(address)
        self.seen, self.stop = [], False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        held = {}
        while not self.stop:
            ready, _, _ = select.select([self.listener, *held], [], [], 0.1)
            for one in ready:
                if one is self.listener:
                    held[one.accept()[0]] = b""
                    continue
                try:
                    chunk = one.recv(4096)
                except OSError:
                    chunk = b""
                if not chunk:
                    one.close()
                    del held[one]
                    continue
                held[one] = self._take(one, held[one] + chunk)
        for one in [self.listener, *held]:
            one.close()

    def _take(self, connection, got):
        while len(got) >= 6 and len(got) >= 6 + struct.unpack(">H", got[4:6])[0]:
            length = 6 + struct.unpack(">H", got[4:6])[0]
            adu, got = got[:length], got[length:]
            connection.sendall(_reply(len(self.seen), adu))
            self.seen.append(adu[2:].hex())
        return got

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()


def _exchange(lab, connection, message):
    """(connection to go on with, what came back)."""
    if connection is None:
        connection = lab.connect(timeout=30)
        connection.settimeout(3.5)  # more than three times the service's timeout
    connection.sendall(message)
    got = b""
    try:
        while len(got) < 6 or len(got) < 6 + struct.unpack(">H", got[4:6])[0]:
            chunk = connection.recv(4096)
            if not chunk:
                connection.close()
                return None, got.hex() + " closed"
            got += chunk
    except (TimeoutError, socket.timeout):
        return connection, got.hex() + " nothing more"
    except ConnectionResetError:
        connection.close()
        return None, got.hex() + " closed"
    return connection, got.hex()


def run(lab, device, audit):
    """Plays all through the gateway that answers in `lab`. `audit()` gives its audit lines."""
    replies, connection = [], None
    for message in requests():
        connection, reply = _exchange(lab, connection, message)
        replies.append((message.hex(), reply))
    until(lambda: stands_still(lambda: len(audit())))  # a busy machine may hold up the last lines
    lines = [line for line in audit() if line["event"] in ("message", "request-failed")]
    for line in lines:
        if line["direction"] == "reply":
            line["modbus"].pop("transaction", None)  # towards the device: random
    said = sorted(json.dumps({key: line.get(key) for key in
                              ("event", "verdict", "reason", "rule", "direction", "modbus",
                               "component", "service", "client")}, sort_keys=True)
                  for line in lines)
    return {"replies": replies, "device": device.seen, "audit": said}

# SPDX-License-Identifier: BSD-2-Clause
"""DNP3 by hand: link frames, transport segments and sockets that read whole frames. Nothing here
knows what a message means; tests write application fragments in hex."""
import socket
import struct
import time

MASTER, OUTSTATION = 1, 10
LIMIT = 20  # seconds for what must come: a busy machine may need some
DIR, PRM, FCB, FCV = 0x80, 0x40, 0x20, 0x10
RESET, CONFIRMED, UNCONFIRMED, STATUS_REQUEST = 0, 3, 4, 9
ACK, NACK, STATUS = 0, 1, 11


def crc(data):
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xa6bc if value & 1 else 0)
    return struct.pack("<H", value ^ 0xffff)


def link(control, destination, source, data=b""):
    head = struct.pack("<BBBBHH", 5, 0x64, 5 + len(data), control, destination, source)
    out = head + crc(head)
    for at in range(0, len(data), 16):
        out += data[at:at + 16] + crc(data[at:at + 16])
    return out


def segments(fragment, size=249, first=0):
    parts = [fragment[at:at + size] for at in range(0, len(fragment), size)]
    for i, part in enumerate(parts):
        head = (first + i) & 63 | (64 if i == 0 else 0) | (128 if i == len(parts) - 1 else 0)
        yield bytes([head]) + part


def frames(fragment, destination, source, control, **options):
    data = bytes.fromhex(fragment) if isinstance(fragment, str) else fragment
    return [link(control, destination, source, part) for part in segments(data, **options)]


class Peer:
    """One end of a connection. Link frames of user data become fragments; others are kept as
    (control, destination, source)."""

    def __init__(self, connection, master):
        self.socket, self.master = connection, master
        self.buffer, self.fragment = b"", b""
        self.closed = False

    def send(self, *frames_):
        self.socket.settimeout(LIMIT)  # receive() may have left a shorter one
        self.socket.sendall(b"".join(frames_))

    def request(self, fragment, source=MASTER, destination=OUTSTATION, **options):
        self.send(*frames(fragment, destination, source, DIR | PRM | UNCONFIRMED, **options))

    def reply(self, fragment, source=OUTSTATION, destination=MASTER, **options):
        self.send(*frames(fragment, destination, source, PRM | UNCONFIRMED, **options))

    def _frame(self):
        if len(self.buffer) < 10:
            return None
        head = self.buffer[:10]
        assert head[:2] == b"\x05\x64" and head[8:] == crc(head[:8]), head.hex()
        size = head[2] - 5
        whole = 10 + size + 2 * ((size + 15) // 16)
        if len(self.buffer) < whole:
            return None
        body, self.buffer = self.buffer[10:whole], self.buffer[whole:]
        data = b""
        for at in range(0, len(body), 18):
            block = body[at:at + 18]
            assert block[-2:] == crc(block[:-2])
            data += block[:-2]
        control, destination, source = struct.unpack("<BHH", head[3:8])
        return control, destination, source, data

    def receive(self, seconds=LIMIT):
        """The next fragment as (hex, source, destination), or the next frame without user data as
        (control, source, destination); None when nothing came, or the connection ended."""
        until = time.monotonic() + seconds
        while True:
            frame = self._frame()
            if frame:
                control, destination, source, data = frame
                assert bool(control & DIR) != self.master
                if not data:
                    return control, source, destination
                if data[0] & 64:
                    self.fragment = b""
                self.fragment += data[1:]
                if data[0] & 128:
                    return self.fragment.hex(), source, destination
                continue
            left = until - time.monotonic()
            if left <= 0 or self.closed:
                return None
            self.socket.settimeout(left)
            try:
                got = self._read()
            except TimeoutError:
                return None
            except ConnectionError:
                got = b""
            self.closed = not got
            self.buffer += got

    def _read(self):
        return self.socket.recv(65536)

    def ended(self, seconds=LIMIT):
        while not self.closed and self.receive(seconds):
            pass
        return self.closed

    def close(self):
        self.socket.close()


class Datagrams(Peer):
    """The same over UDP: `far` is where to send to; None: to whoever sent last."""

    def __init__(self, namespace, address, far, master):
        with namespace.inside():
            socket_ = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            socket_.bind(address)
        super().__init__(socket_, master)
        self.far = far

    def send(self, *frames_):
        for frame in frames_:
            self.socket.sendto(frame, self.far)

    def _read(self):
        got, self.far = self.socket.recvfrom(65536)
        self.sizes = getattr(self, "sizes", []) + [len(got)]
        return got


class Device:
    """Where the gateway connects to."""

    def __init__(self, lab, address, port=20000):
        with lab.device.inside():
            self.listener = socket.create_server((address, port))

    def accept(self, seconds=LIMIT):
        self.listener.settimeout(seconds)
        connection, _ = self.listener.accept()
        return Peer(connection, master=False)

    def close(self):
        self.listener.close()

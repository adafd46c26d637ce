# SPDX-License-Identifier: BSD-2-Clause
"""tcpdump on a wire of the lab, into a file that is whole when it is ended."""
import pathlib
import secrets
import socket
import subprocess
import time

MARK_TYPE = 0x88b5  # IEEE Std 802, local experimental ethertype 1
NOBODY = bytes.fromhex("020000000000")


class Capture:
    """What goes over `interface` from now on. end() returns when all that went before it is in the
    file: a frame of our own is the last one there. `longest`: bytes kept of a frame; where they are
    as on a cable a smaller number has room for more of them."""

    def __init__(self, namespace, interface, path, expression="tcp", longest=2048):
        self.namespace, self.interface, self.path = namespace, interface, pathlib.Path(path)
        self.process = namespace.popen(
            ["tcpdump", "-i", interface, "-U", "-s", longest, "-B", "16384", "-w", path,
             "--immediate-mode", f"({expression}) or ether proto {MARK_TYPE:#x}"],
            stderr=subprocess.PIPE, text=True)
        while "listening on" not in self.process.stderr.readline():
            assert self.process.poll() is None, "tcpdump did not start"

    def end(self):
        if self.process.poll() is not None:
            return
        time.sleep(0.2)  # what was sent a moment ago may still be between the interfaces
        mark = secrets.token_bytes(50)
        with self.namespace.inside():
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with wire:
            wire.bind((self.interface, 0))
            wire.send(NOBODY + NOBODY + MARK_TYPE.to_bytes(2, "big") + mark)
        until = time.monotonic() + 30
        while mark not in self.path.read_bytes():
            assert time.monotonic() < until, "tcpdump does not write what it sees"
            time.sleep(0.02)
        self.process.terminate()
        _, said = self.process.communicate(timeout=30)
        print(said)  # for who wonders whether it was given all

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

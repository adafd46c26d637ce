# SPDX-License-Identifier: BSD-2-Clause
"""Changing the memory of a machine from outside it, to break one protection domain.

QEMU is told to keep the machine's memory in a file; we change bytes there. Which: the pointer to
a component's wake() in its read-only data, so that the domain's next wake-up jumps to nowhere.
Code that QEMU has translated already is changed through its debugger port instead.
"""
import mmap
import os
import socket
import struct
import subprocess

NOWHERE = 0xdead0000
PAGE = 4096


def arguments(path, size="2G"):
    """More arguments for QEMU: its memory, `size` as the machine has it, in the file `path`."""
    return ["-object", f"memory-backend-file,id=ram,size={size},mem-path={path},share=on",
            "-machine", "memory-backend=ram"]


def _symbols(elf):
    text = subprocess.run(["readelf", "-sW", elf], capture_output=True, text=True, check=True)
    found = {}
    for line in text.stdout.splitlines():
        words = line.split()
        if len(words) == 8 and words[1] != "Value":
            found[words[7]] = int(words[1], 16)
    return found


def _sizes(elf):
    text = subprocess.run(["readelf", "-sW", elf], capture_output=True, text=True, check=True)
    return {words[7]: int(words[2], 0) for words in map(str.split, text.stdout.splitlines())
            if len(words) == 8 and words[1] != "Value"}


def _section_words(elf, name):
    text = subprocess.run(["readelf", "-SW", elf], capture_output=True, text=True, check=True)
    return next(line.split("]")[1].split() for line in text.stdout.splitlines()
                if f"] {name} " in line)


def _bytes_at(elf, address, length):
    text = subprocess.run(["readelf", "-lW", elf], capture_output=True, text=True, check=True)
    for line in text.stdout.splitlines():
        words = line.split()
        if words[:1] == ["LOAD"]:
            offset, start, size = (int(words[i], 16) for i in (1, 2, 4))
            if start <= address and address + length <= start + size:
                with open(elf, "rb") as file:
                    file.seek(offset + address - start)
                    return file.read(length)
    raise ValueError(f"{elf}: nothing at {address:#x}")


class Section:
    """The whole content of a section of one image."""

    def __init__(self, elf, name):
        words = _section_words(elf, name)
        address = int(words[2], 16)
        self.struct = _bytes_at(elf, address, int(words[4], 16))
        self.in_page = address % PAGE


class Component:
    """struct sl_component of one image: name, self_size, init, wake, each 8 bytes."""

    def __init__(self, elf, symbol):
        address = _symbols(elf)[symbol]
        self.struct = _bytes_at(elf, address, 32)
        self.in_page = address % PAGE
        self.broken = self.struct[:24] + struct.pack("<Q", NOWHERE)


def _places(memory, file, wanted):
    """Offsets at which `wanted` stands."""
    end, at = os.fstat(file).st_size, 0
    while True:
        try:
            start = os.lseek(file, at, os.SEEK_DATA)
        except OSError:
            return
        stop = os.lseek(file, start, os.SEEK_HOLE)
        found = memory.find(wanted, start, stop)
        while found >= 0:
            yield found
            found = memory.find(wanted, found + 1, stop)
        at = stop
        if at >= end:
            return


class Memory:
    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR)
        self.map = mmap.mmap(self.file, 0)

    def find(self, wanted):
        return _places(self.map, self.file, wanted)

    def places(self, component):
        """Where it may be in use: a loader's copies need not stand where they would in a page."""
        return [place for place in self.find(component.struct)
                if place % PAGE == component.in_page]

    def write(self, place, content):
        self.map[place:place + len(content)] = content

    def close(self):
        self.map.close()
        os.close(self.file)


UNDEFINED = struct.pack("<I", 0)  # UDF #0: no instruction
FOR_EVER = struct.pack("<I", 0x14000000)  # B to itself
RAM_BASE = 0x40000000             # of QEMU's virt machine


def functions(elf, least=64):
    """The names of those of at least so many bytes."""
    text = subprocess.run(["readelf", "-sW", elf], capture_output=True, text=True, check=True)
    return {words[7] for words in map(str.split, text.stdout.splitlines())
            if len(words) == 8 and words[3] == "FUNC" and int(words[2], 0) >= least}


class Code:
    """A function of one image, as far as it lies in one page."""

    def __init__(self, elf, function):
        address, size = _symbols(elf)[function], _sizes(elf)[function]
        self.in_page = address % PAGE
        self.struct = _bytes_at(elf, address, min(size, PAGE - self.in_page))


class Debugger:
    """QEMU's debugger port (GDB's remote protocol): the machine stands still inside of `with`."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(self.path))
        self.socket.settimeout(60)
        self.got = b""
        self._ask("Qqemu.PhyMemMode:1")
        return self

    def _packet(self):
        while True:
            start = self.got.find(b"$")
            end = self.got.find(b"#", start)
            if start >= 0 and 0 <= end <= len(self.got) - 3:
                packet, self.got = self.got[start + 1:end], self.got[end + 3:]
                self.socket.sendall(b"+")
                return packet.decode()
            self.got += self.socket.recv(4096)

    def _ask(self, packet):
        self.socket.sendall(f"${packet}#{sum(packet.encode()) & 255:02x}".encode())
        reply = self._packet()
        while reply[:1] in ("T", "S"):  # that the machine stopped, whenever it says so
            reply = self._packet()
        assert reply == "OK", (packet, reply)

    def write(self, address, content):
        """`address` counts from the start of the machine's memory."""
        for at in range(0, len(content), 1024):  # QEMU takes packets of 4096 characters
            part = content[at:at + 1024]
            self._ask(f"M{RAM_BASE + address + at:x},{len(part):x}:{part.hex()}")

    def __exit__(self, *_):
        self._ask("D")
        self.socket.close()


def break_code(debugger_path, memory, code, instruction=UNDEFINED):
    """Every instruction of it, wherever it lies. Returns what restores it."""
    places = memory.places(code)
    assert places

    def write(content):
        with Debugger(debugger_path) as debugger:
            for place in places:
                debugger.write(place, content)
    write(instruction * (len(code.struct) // 4))
    return lambda: write(code.struct)

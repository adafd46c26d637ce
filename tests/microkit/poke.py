# SPDX-License-Identifier: BSD-2-Clause
"""Changing the memory of a machine from outside it, to break one protection domain.

QEMU is told to keep the machine's memory in a file; we change bytes there. Which: the pointer to
a component's wake() in its read-only data, so that the domain's next wake-up jumps to nowhere.
"""
import mmap
import os
import struct
import subprocess

NOWHERE = 0xdead0000
PAGE = 4096


def arguments(path):
    """More arguments for QEMU: memory in the file `path`."""
    return ["-object", f"memory-backend-file,id=ram,size=2G,mem-path={path},share=on",
            "-machine", "memory-backend=ram"]


def _symbols(elf):
    text = subprocess.run(["readelf", "-sW", elf], capture_output=True, text=True, check=True)
    found = {}
    for line in text.stdout.splitlines():
        words = line.split()
        if len(words) == 8 and words[1] != "Value":
            found[words[7]] = int(words[1], 16)
    return found


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
        text = subprocess.run(["readelf", "-SW", elf], capture_output=True, text=True, check=True)
        words = next(line.split("]")[1].split() for line in text.stdout.splitlines()
                     if f"] {name} " in line)
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


def _places(memory, file, wanted, in_page):
    """Offsets at which `wanted` stands at `in_page` of a page."""
    end, at = os.fstat(file).st_size, 0
    while True:
        try:
            start = os.lseek(file, at, os.SEEK_DATA)
        except OSError:
            return
        stop = os.lseek(file, start, os.SEEK_HOLE)
        found = memory.find(wanted, start, stop)
        while found >= 0:
            if found % PAGE == in_page:
                yield found
            found = memory.find(wanted, found + 1, stop)
        at = stop
        if at >= end:
            return


class Memory:
    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR)
        self.map = mmap.mmap(self.file, 0)

    def places(self, component):
        return list(_places(self.map, self.file, component.struct, component.in_page))

    def write(self, place, content):
        self.map[place:place + len(content)] = content

    def close(self):
        self.map.close()
        os.close(self.file)

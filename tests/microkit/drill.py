# SPDX-License-Identifier: BSD-2-Clause
"""An image whose components can be made to misbehave one by one, while it runs (drill_domain.c)."""
import contextlib
import json
import os
import pathlib
import struct
import subprocess
import time

import poke
from microkit_sdk import sdk_or_skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = b"sluice drill 1 \0"
NAME_LENGTH = 64
REAL, HOSTILE, STILL, SPINS, BLOCKED, FAULTS = range(6)
ONE_WAY = """
gateway:
  mode: one-way
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: boiler
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 1s
    one-way-reply: echo
    rules:
      - { allow: write-single-register, from: hmi, unit: 1, address: 2, value: 150-250 }
"""
FEWER = "gateway:\n  sessions: 48\n  outstanding: 48\n"  # the hostile twins take their room
TICK = os.sysconf("SC_CLK_TCK")


def builder():
    """The program that builds such images, and what they are linked from, made."""
    subprocess.run(["make", "-s", "-C", ROOT, "microkit-drill-objects",
                    f"MICROKIT_SDK={sdk_or_skip()}"], check=True, timeout=1800,
                   env={name: value for name, value in os.environ.items()
                        if name not in ("MAKEFLAGS", "MFLAGS")})
    return ROOT / "build/sluice-drill"


def site(mode):
    """Its configuration: the heating plant, or the same with nothing that needs a reply."""
    path = ROOT / f"build/microkit/{mode}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ONE_WAY if mode == "one-way" else \
        (ROOT / "systems/heating-plant/sluice.yaml").read_text()
    path.write_text(text.replace("gateway:\n", FEWER))
    return path


def supervisor_lines(gateway, event):
    """In order; a hostile monitor's lines may be anything."""
    found = []
    for text in gateway.read_log().split("\n"):
        with contextlib.suppress(ValueError):
            line = json.loads(text[text.index('{"'):]) if '"supervisor"' in text else {}
            if line.get("component") == "supervisor" and line.get("event") == event:
                found.append(line)
    return found


class Machine:
    """Such an image at work."""

    def __init__(self, directory, gateway, ram):
        self.directory, self.gateway = directory, gateway
        self.memory, self._switches = poke.Memory(ram), {}

    def switch(self, component):
        if component not in self._switches:
            self._switches[component] = Switch(self.memory, component)
        return self._switches[component]

    def elf(self, component):
        return self.directory / f"{component.replace('monitor', 'sluice_monitor')}.elf"

    def deaths(self):
        return supervisor_lines(self.gateway, "component-died")

    def restarts(self):
        return supervisor_lines(self.gateway, "restarted")


class Switch:
    """What one component of a running image is to do."""

    def __init__(self, memory, component):
        domain = "sluice_monitor" if component == "monitor" else component
        wanted = MARK + domain.encode() + b"\0"
        self.memory = memory
        until = time.monotonic() + 60  # it says its name when it starts
        while not (places := list(memory.find(wanted))) and time.monotonic() < until:
            time.sleep(0.05)
        assert len(places) == 1, (component, places)
        self.place = places[0] + len(MARK) + NAME_LENGTH

    def set(self, state, seed=None):
        if seed is not None:
            self.memory.write(self.place + 8, struct.pack("<Q", seed))
        self.memory.write(self.place, struct.pack("<I", state))

    @property
    def lives(self):
        return struct.unpack("<I", self.memory.map[self.place + 4:self.place + 8])[0]


def busy(pid, seconds=0.3):
    """How much of a processor a process takes."""
    def ticks():
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    before, began = ticks(), time.monotonic()
    time.sleep(seconds)
    return (ticks() - before) / TICK / (time.monotonic() - began)


def looks_until_rest(pid):
    """How often one looked; what was left to do may take some seconds, one that spins never ends. A
    slow machine takes more of a processor for the clock's ticks alone."""
    for number in range(1, 101):
        if busy(pid) < 0.5:
            return number
    raise AssertionError("busy with the hostile one still and no client asking")


def rest(switch, clients, pid):
    """looks_until_rest() with the hostile one still and no client asking; then all go on."""
    switch.set(STILL)
    for client in clients:
        client.pause = True
    looks = looks_until_rest(pid)
    for client in clients:
        client.pause = False
    switch.set(HOSTILE)
    return looks

# SPDX-License-Identifier: BSD-2-Clause
"""A component that dies on CAmkES is not restarted: the port says which and why, and the gateway
stays closed."""
import contextlib
import json
import socket
import struct
import time

import poke
import pytest
import qemu
from dying import PROGRAMS, answered, deaths, debugger_arguments, wait_until

pytestmark = pytest.mark.camkes

RAM = "1024M"


@pytest.fixture
def boot_memory(build, lab, tmp_path):
    """A context: a booted image, and its memory."""
    @contextlib.contextmanager
    def booted():
        ram = tmp_path / "ram"
        extra = poke.arguments(ram, RAM) + debugger_arguments(tmp_path)
        with qemu.Gateway(lab, build(), tmp_path / "serial", extra=extra) as gateway:
            memory = poke.Memory(ram)
            try:
                yield gateway, memory
            finally:
                memory.close()
                ram.unlink()
    return booted


def is_closed(lab, gateway, plant, died):
    """`died` is told of, nothing passes, and no other is told of. Gives its line."""
    assert gateway.wait_audit(lambda line: line["event"] == "closed", 30), gateway.read_log()[-3000:]
    seen = len(plant.seen())
    assert not any(answered(lab) for _ in range(2)), "answered by a gateway that is closed"
    assert len(plant.seen()) == seen
    assert gateway.process.poll() is None  # the machine is up: it is closed, not gone
    line, closed = gateway.audit()[-2:]
    assert deaths(gateway) == [line] and line["died"] in died
    assert (closed["event"], closed["component"]) == ("closed", "supervisor")
    assert [line["supervisor_seq"], closed["supervisor_seq"]] == [0, 1]
    return line


def kill_one(lab, gateway, memory, component, places):
    """Makes the component jump to nowhere at its next wake-up: the copies of its image in memory,
    the loader's among them, are broken one by one, until it is the one that runs."""
    for place in places:
        memory.write(place, component.broken)
        assert wait_until(lambda: answered(lab) or deaths(gateway))
        if deaths(gateway):
            return
        memory.write(place, component.struct)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_fault_closes_the_gateway(build, boot_memory, lab, plant, program):
    """Each instance of the program, a boot for each."""
    names, died = PROGRAMS[program], set()
    for name in names:
        component = poke.Component(build() / "elf" / name, f"{program}_component")
        with boot_memory() as (gateway, memory):
            assert wait_until(lambda: answered(lab))
            first = gateway.wait_audit(lambda line: True, 30)
            places = memory.places(component)
            if program == "monitor":  # it answers nobody
                for place in places:
                    memory.write(place, component.broken)
                assert wait_until(lambda: deaths(gateway) or answered(lab) and False)
            else:  # of two images that are the same, the first copy, then the last
                kill_one(lab, gateway, memory, component, places[::-1] if died else places)
            line = is_closed(lab, gateway, plant, set(names) - died)
            died.add(line["died"])
            assert line["cause"] == "memory-fault" and int(line["address"], 16) == poke.NOWHERE
            for key in ("boot", "epoch", "policy"):
                assert line[key] == first[key], key
            assert "timestamp" in line


def test_the_clock_faults(build, boot_memory, lab, plant, tmp_path):
    with boot_memory() as (gateway, memory):
        assert wait_until(lambda: answered(lab))
        poke.break_code(tmp_path / "gdb", memory, poke.Code(build() / "elf/clock", "run"))
        assert is_closed(lab, gateway, plant, {"clock"})["cause"] == "exception"


def proceed(path):
    """Tells the machine, which waits (-S), to begin."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        answers = connection.makefile("r")
        answers.readline()
        for command in ("qmp_capabilities", "cont"):
            connection.sendall(json.dumps({"execute": command}).encode())
            while "return" not in answers.readline():  # events besides
                pass


@contextlib.contextmanager
def booted_with(lab, image, tmp_path, old, new):
    """The image with `new` in place of `old` wherever that stands, before anything has run."""
    ram, control = tmp_path / "ram", tmp_path / "control"
    extra = [*poke.arguments(ram, RAM), "-S", "-qmp", f"unix:{control},server=on,wait=off"]
    with qemu.Gateway(lab, image, tmp_path / "serial", extra=extra, wait=False) as gateway:
        until, memory, places = time.monotonic() + 20, None, []
        while not (control.exists() and places) and time.monotonic() < until:
            time.sleep(0.05)
            if not memory and ram.exists() and ram.stat().st_size:
                memory = poke.Memory(ram)
            places = list(memory.find(old)) if memory else []
        assert places
        for place in places:
            memory.write(place, new)
        proceed(control)
        yield gateway
        memory.close()


def test_a_broken_invariant_names_itself(build, lab, plant, tmp_path):
    """sl_fault: here a component that finds too little room for its state."""
    component = poke.Component(build() / "elf/request_parser_norm", "parser_norm_component")
    name, size, init, wake = struct.unpack("<4Q", component.struct)
    larger = struct.pack("<4Q", name, size + 1, init, wake)
    with booted_with(lab, build(), tmp_path, component.struct, larger) as gateway:
        line = is_closed(lab, gateway, plant, {"request_parser_norm", "reply_parser_norm"})
        assert line["cause"] == "fault"
        assert line["fault"] == "the image has too little room for the component's state"[:40]
        assert (line["found"], line["expected"]) == (size, size + 1)


def test_entropy_faults(build, lab, plant, tmp_path):
    """It runs at the start only, before anybody knows boot or time."""
    code = poke.Code(build() / "elf/entropy", "run")
    broken = poke.UNDEFINED * (len(code.struct) // 4)
    with booted_with(lab, build(), tmp_path, code.struct, broken) as gateway:
        line = is_closed(lab, gateway, plant, {"entropy"})
        assert line["cause"] == "exception" and line["boot"] == "0" * 16 and "uptime_us" in line

# SPDX-License-Identifier: BSD-2-Clause
"""A component that dies on CAmkES is not restarted: the port says which and why, and the gateway
stays closed."""
import contextlib
import shutil
import struct

import poke
import pytest
import qemu
import synthetic
from dying import PROGRAMS, answered, deaths, debugger_arguments, wait_until
from lab import stands_still, until

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
    assert gateway.wait_audit(lambda line: line["event"] == "closed", 60), gateway.read_log()[-3000:]
    # A busy machine may hold up what the plant has to say.
    until(lambda: stands_still(lambda: len(plant.seen())))
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
            first = gateway.wait_audit(lambda line: True)
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


def with_bytes(image, tmp_path, old, new):
    """The image with `new` in place of `old` wherever that stands: broken from the start."""
    changed = tmp_path / "changed"
    changed.mkdir()
    shutil.copy(image / "machine.json", changed)
    content = (image / "capdl-loader-image").read_bytes()
    assert old in content
    (changed / "capdl-loader-image").write_bytes(content.replace(old, new))
    return changed


def test_a_broken_invariant_names_itself(build, lab, plant, tmp_path):
    """sl_fault: here a component that finds too little room for its state."""
    component = poke.Component(build() / "elf/request_parser_norm", "parser_norm_component")
    name, size, init, wake = struct.unpack("<4Q", component.struct)
    image = with_bytes(build(), tmp_path, component.struct,
                       struct.pack("<4Q", name, size + 1, init, wake))
    with qemu.Gateway(lab, image, tmp_path / "serial", wait=False) as gateway:
        line = is_closed(lab, gateway, plant, {"request_parser_norm"})
        assert line["cause"] == "fault"
        assert line["fault"] == "the image has too little room for the component's state"[:40]
        assert (line["found"], line["expected"]) == (size, size + 1)


def test_entropy_faults(build, lab, plant, tmp_path):
    """It runs at the start only, before anybody knows boot or time."""
    code = poke.Code(build() / "elf/entropy", "run")
    image = with_bytes(build(), tmp_path, code.struct, poke.UNDEFINED * (len(code.struct) // 4))
    with qemu.Gateway(lab, image, tmp_path / "serial", wait=False) as gateway:
        line = is_closed(lab, gateway, plant, {"entropy"})
        assert line["cause"] == "exception" and line["boot"] == "0" * 16 and "uptime_us" in line


def test_one_way_a_fault_inside_stops_the_inside_alone(build, sluice, tmp_path):
    """Outside nobody can tell: all is made, looked at and counted as with a good sink."""
    linux = synthetic.count(synthetic.linux(sluice=sluice))
    image = build(synthetic.SITE)
    component = poke.Component(image / "elf/int_nic_drv", "sink_component")
    image = with_bytes(image, tmp_path, component.struct, component.broken)
    lines = synthetic.image(image, done=lambda now: now[:3] == linux[:3])
    counts = synthetic.count(lines)
    assert counts[:3] == linux[:3] and counts.delivered == 0
    died, closed = [line for line in lines if line["component"] == "supervisor"]
    assert (died["event"], died["died"], died["part"]) == ("component-died", "int_nic_drv", "internal")
    assert (closed["event"], closed["part"]) == ("closed", "internal")

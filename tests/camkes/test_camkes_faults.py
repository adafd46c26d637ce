# SPDX-License-Identifier: BSD-2-Clause
"""A component that dies on CAmkES is not restarted: the gateway stays closed."""
import json
import socket
import struct
import time

import poke
import pytest
import qemu
import walk

pytestmark = pytest.mark.camkes

PIPELINE = {"ext_nic_drv": "nic_drv", "ext_frontend": "ext_frontend",
            "request_parser_norm": "parser_norm", "request_policy_emit": "policy_emit",
            "int_frontend": "int_frontend", "int_nic_drv": "nic_drv",
            "reply_parser_norm": "parser_norm", "reply_policy_emit": "policy_emit"}
BEFORE_REPLY = [name for name in PIPELINE if not name.startswith("reply_")]


def ask(lab):
    """One allowed read; True when it is answered within a second."""
    try:
        connection = lab.connect(timeout=1)
    except OSError:
        return False
    try:
        connection.sendall(walk.adu(1, walk.read(0, 1)))
        return len(walk.receive(connection, 1, 1)) == 1
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture
def machine(build, lab, plant, tmp_path):
    """A booted image, its directory, its memory and the device behind it."""
    ram = tmp_path / "ram"
    image = build()
    with qemu.Gateway(lab, image, tmp_path / "serial", extra=poke.arguments(ram, "1024M")) as gateway:
        memory = poke.Memory(ram)
        yield gateway, image, memory, plant
        memory.close()
    ram.unlink()


def kill(lab, memory, component):
    """Makes the component jump to nowhere at its next wake-up: the copies of its image in memory
    are broken one by one, until it is the one that runs."""
    for place in memory.places(component):
        memory.write(place, component.broken)
        if not ask(lab):
            return True
    return False


@pytest.mark.parametrize("name", PIPELINE)
def test_nothing_passes_when_one_has_died(lab, machine, name):
    gateway, image, memory, plant = machine
    assert ask(lab)
    component = poke.Component(image / "elf" / name, f"{PIPELINE[name]}_component")
    assert kill(lab, memory, component)
    time.sleep(1)  # what was under way
    seen = len(plant.seen())
    assert not any(ask(lab) for _ in range(3)), "answered by a gateway with a dead component"
    if name in BEFORE_REPLY:
        assert len(plant.seen()) == seen
    assert gateway.process.poll() is None  # the machine is up: it is closed, not gone
    # docs/caveats.md: nobody is told.
    assert not [line for line in gateway.audit() if line["event"] == "component-died"]


def test_without_the_monitor_traffic_goes_on_unseen(lab, machine):
    """docs/caveats.md: audit rings have no way back, so nobody notices."""
    gateway, image, memory, plant = machine
    assert ask(lab)
    component = poke.Component(image / "elf/monitor", "monitor_component")
    places = memory.places(component)
    for place in places:
        memory.write(place, component.broken)
    time.sleep(1)
    ask(lab)
    lines = len(gateway.audit())
    assert places and ask(lab) and ask(lab)
    time.sleep(1)
    assert len(gateway.audit()) == lines


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


def test_a_broken_invariant_names_itself(build, lab, plant, tmp_path):
    """sl_fault: here a component that finds too little room for its state."""
    image, ram, control = build(), tmp_path / "ram", tmp_path / "control"
    component = poke.Component(image / "elf/request_parser_norm", "parser_norm_component")
    name, size, init, wake = struct.unpack("<4Q", component.struct)
    extra = [*poke.arguments(ram, "1024M"), "-S", "-qmp", f"unix:{control},server=on,wait=off"]
    with qemu.Gateway(lab, image, tmp_path / "serial", extra=extra, wait=False) as gateway:
        until, memory, places = time.monotonic() + 20, None, []
        while not (control.exists() and places) and time.monotonic() < until:
            time.sleep(0.05)
            if not memory and ram.exists() and ram.stat().st_size:
                memory = poke.Memory(ram)
            places = list(memory.find(component.struct)) if memory else []
        assert places
        for place in places:
            memory.write(place, struct.pack("<4Q", name, size + 1, init, wake))
        proceed(control)
        line = gateway.wait_audit(lambda line: line["event"] == "component-died", 60)
        memory.close()
        assert line, gateway.read_log()[-3000:]
        assert line["died"] in ("request_parser_norm", "reply_parser_norm")
        assert (line["cause"], line["action"]) == ("fault", "closed")
        assert line["fault"] == "the image has too little room for the component's state"
        assert (line["found"], line["expected"]) == (size, size + 1)
        assert not ask(lab) and not plant.seen()

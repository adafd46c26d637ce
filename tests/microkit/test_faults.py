# SPDX-License-Identifier: BSD-2-Clause
"""Each domain made to fault in turn: traffic stops, the port says which, and it starts anew."""
import poke
import pytest
from dying import PROGRAMS, answered, deaths, debugger_arguments, wait_until

pytestmark = pytest.mark.microkit


@pytest.fixture
def machine(build, boot, lab, libmodbus_device, tmp_path):
    """A booted image, its directory, and its memory."""
    directory = build()[0]
    ram = tmp_path / "ram"
    gateway = boot(directory, extra=poke.arguments(ram) + debugger_arguments(tmp_path))
    memory = poke.Memory(ram)
    yield gateway, directory, memory
    memory.close()
    ram.unlink()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_fault_stops_all_and_starts_anew(lab, machine, program):
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    domains = PROGRAMS[program]
    elf = directory / f"{domains[0].replace('monitor', 'sluice_monitor')}.elf"
    component = poke.Component(elf, f"{program}_component")
    died = set()
    # The loader's copies are among them: nothing happens then, and what was asked is answered. The
    # monitor answers nobody.
    places = memory.places(component)
    for some in [places] if program == "monitor" else [[place] for place in places]:
        before = len(deaths(gateway))
        for place in some:
            memory.write(place, component.broken)
        assert wait_until(lambda: len(deaths(gateway)) > before or
                          answered(lab) and program != "monitor")
        for place in some:
            memory.write(place, component.struct)
        if len(deaths(gateway)) > before:
            line = deaths(gateway)[before]
            died.add(line["died"])
            assert line["cause"] == "memory-fault"
            assert int(line["address"], 16) == poke.NOWHERE
            assert wait_until(lambda: answered(lab)), gateway.read_log()[-3000:]
    assert died == set(domains)

    def restarted():
        return [line for line in gateway.audit() if line["event"] == "restarted"]
    # The monitor's clients wait for nothing, and one that dies again within a minute waits.
    assert wait_until(lambda: len(restarted()) == len(deaths(gateway)) >= len(domains))
    restarts = restarted()
    assert [line["epoch"] for line in restarts] == list(range(1, len(restarts) + 1))
    # The epoch stands on the monitor's lines too.
    assert wait_until(lambda: gateway.audit()[-1]["epoch"] == len(restarts) or
                      answered(lab) and False)


def test_a_domain_that_keeps_faulting_waits_longer_each_time(lab, machine):
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    component = poke.Component(directory / "ext_frontend.elf", "ext_frontend_component")
    places = memory.places(component)
    for place in places:
        memory.write(place, component.broken)

    def waits():  # from the first on after a life of a second, which waits for nothing
        found = [line["back_off_ms"] for line in gateway.audit() if line["event"] == "restarted"]
        return found[len(found) - found[::-1].index(0):] if 0 in found else found
    assert wait_until(lambda: waits()[:4] == [10, 20, 40, 80]), gateway.read_log()[-3000:]
    for place in places:
        memory.write(place, component.struct)
    assert wait_until(lambda: answered(lab)), gateway.read_log()[-3000:]


def test_nothing_passes_while_it_is_down(lab, machine):
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    component = poke.Component(directory / "int_frontend.elf", "int_frontend_component")
    places = memory.places(component)
    for place in places:
        memory.write(place, component.broken)
    answered(lab)
    assert wait_until(lambda: len(deaths(gateway)) >= 8)  # waits of more than a second now
    assert not answered(lab)
    for place in places:
        memory.write(place, component.struct)
    assert wait_until(lambda: answered(lab))


def test_a_broken_invariant_names_itself(lab, machine):
    """sl_fault: here a domain that finds its configuration broken when it starts anew."""
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    elf = directory / "request_parser_norm.elf"
    config = poke.Section(elf, ".sluice_config")
    wake = poke.Component(elf, "parser_norm_component")
    for place in memory.places(config):
        memory.write(place, b"\x01\x00\x00\x00")
    broken = list(memory.places(wake))  # the other parser's too: one program
    for place in broken:
        memory.write(place, wake.broken)
    assert wait_until(lambda: deaths(gateway) or answered(lab) and False)
    for place in broken:
        memory.write(place, wake.struct)
    assert wait_until(lambda: [line for line in deaths(gateway) if line["cause"] == "fault"])
    line = next(line for line in deaths(gateway) if line["cause"] == "fault")
    assert line["died"] == "request_parser_norm"
    assert line["fault"] == "no configuration in the image"
    assert (line["found"], line["expected"]) == (1, 0x4d504c53)


def test_the_clock_faults(lab, machine, tmp_path):
    """Trusted, and its fault is seen like any other: all stops, and starts anew with it."""
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    restore = poke.break_code(tmp_path / "gdb", memory, poke.Code(directory / "clock.elf", "init"))
    assert wait_until(lambda: len(deaths(gateway)) >= 3)
    assert {(line["died"], line["cause"]) for line in deaths(gateway)} == {("clock", "exception")}
    restore()
    assert wait_until(lambda: answered(lab)), gateway.read_log()[-3000:]


def test_entropy_faults_at_a_start(lab, machine, tmp_path):
    """It runs at a start only. Nothing passes without it, the frontends having no keys."""
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    restore = poke.break_code(tmp_path / "gdb", memory,
                              poke.Code(directory / "entropy.elf", "init"))
    assert wait_until(lambda: answered(lab))  # its work was done
    component = poke.Component(directory / "ext_frontend.elf", "ext_frontend_component")
    places = memory.places(component)
    for place in places:
        memory.write(place, component.broken)
    assert wait_until(lambda: len(deaths(gateway)) >= 5)
    for place in places:
        memory.write(place, component.struct)
    died = [(line["died"], line["cause"]) for line in deaths(gateway)]
    assert died[0] == ("ext_frontend", "memory-fault")
    assert set(died[1:]) == {("entropy", "exception")}
    assert not answered(lab)
    restore()
    assert wait_until(lambda: answered(lab)), gateway.read_log()[-3000:]


def test_the_clock_hangs(lab, machine, tmp_path):
    """Nothing passes, and those that decide, who hear no tick between two requests three seconds apart,
    tell the supervisor, which starts the clock anew with all."""
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    restore = poke.break_code(tmp_path / "gdb", memory, poke.Code(directory / "clock.elf", "init"),
                              poke.FOR_EVER)
    assert wait_until(lambda: not answered(lab))
    assert wait_until(lambda: answered(lab) and False or deaths(gateway)), gateway.read_log()[-3000:]
    restore()
    assert wait_until(lambda: answered(lab)), gateway.read_log()[-3000:]
    assert {(line["died"], line["cause"], line["component"]) for line in deaths(gateway)} == \
        {("clock", "hung", "supervisor")}


def test_the_supervisor_hangs(lab, machine, tmp_path):
    """It is above all others, and not all of the time: nothing passes, and the monitor says so."""
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    poke.break_code(tmp_path / "gdb", memory, poke.Code(directory / "supervisor.elf", "notified"),
                    poke.FOR_EVER)
    line = gateway.wait_audit(lambda line: line["event"] == "component-died", timeout=60)
    assert line, gateway.read_log()[-3000:]
    assert (line["died"], line["cause"], line["component"]) == ("supervisor", "silent", "monitor")
    assert not wait_until(lambda: answered(lab), 5)
    assert len(deaths(gateway)) == 1


def test_the_supervisor_faults(lab, machine, tmp_path):
    """Nobody is above it that could start it anew: those that decide let nothing pass any more,
    and the monitor says so."""
    gateway, directory, memory = machine
    assert wait_until(lambda: answered(lab))
    restore = poke.break_code(tmp_path / "gdb", memory,
                              poke.Code(directory / "supervisor.elf", "notified"))
    line = gateway.wait_audit(lambda line: line["event"] == "component-died", timeout=60)
    assert line, gateway.read_log()[-3000:]
    assert (line["died"], line["cause"], line["action"]) == ("supervisor", "silent", "closed")
    assert line["component"] == "monitor" and line["boot"] == gateway.audit()[0]["boot"]
    restore()
    assert not wait_until(lambda: answered(lab), 3)
    assert len(deaths(gateway)) == 1
    # What is refused still has its line, and so has what comes in: the monitor goes on.
    assert gateway.audit()[-1]["event"] != "component-died"

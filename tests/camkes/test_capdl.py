# SPDX-License-Identifier: BSD-2-Clause
"""The capDL that a build made: no component has more than the topology says, or less."""
import pathlib
import re
import subprocess

import pytest

pytestmark = pytest.mark.camkes
HEATING_PLANT = pathlib.Path(__file__).resolve().parents[2] / "systems/heating-plant/sluice.yaml"


@pytest.fixture(scope="module")
def built(build):
    return build()


def check(sluice, capdl, kernel=None):
    options = ["--kernel-config", kernel] if kernel else []
    result = subprocess.run([sluice, "check", HEATING_PLANT, "--capdl", capdl, *options],
                            capture_output=True, text=True, timeout=600)
    return result.returncode, [line for line in result.stdout.splitlines() if "VIOLATION" in line], \
        result.stdout + result.stderr


def test_what_was_built_is_the_topology(sluice, built):
    status, violations, said = check(sluice, built / "sluice.cdl", built / "gen_config.h")
    assert status == 0 and violations == [], said
    assert "capdl: ok:" in said
    for trusted in ("clock", "entropy", "supervisor", "capdl-loader", "kernel"):
        assert f"flow: trusted, not followed: {trusted}:" in said


def test_no_page_is_writable_and_executable(built):
    assert not re.search(r"\(R?WX", (built / "sluice.cdl").read_text())


# What is changed in the capDL: a pattern, what replaces its first match, what must be said.
IN = "request_parser_norm"
MUTATIONS = {
    "a read-only mapping made writable":
        (r"(pt_%s_group_bin_0002 \{[^}]*share_ext_frontend_to_%s_producer_data_00_obj) \(R\)" % (IN, IN),
         r"\1 (RW)", "has rw of share_ext_frontend_to_request_parser_norm_producer"),
    "a mapping made executable":
        (r"(pt_ext_frontend_group_bin_0002 \{[^}]*share_ext_frontend_to_%s_producer_data_00_obj) \(RW\)" % IN,
         r"\1 (RWX)", "may write and execute"),
    "a mapping taken away":
        (r"0x[0-9a-f]+: share_ext_frontend_seed_data_0_obj \(R\)\n", "", "has no right of"),
    "a ring of others mapped":
        (r"(pt_ext_frontend_group_bin_0002 \{\n)",
         r"\g<1>0x1ff: share_request_policy_emit_to_int_frontend_consumer_data_0_obj (RW)\n",
         "ext_frontend has rw of share_request_policy_emit_to_int_frontend_consumer"),
    "private memory shared":
        (r"(pt_ext_frontend_group_bin_0002 \{\n)",
         r"\g<1>0x1ff: frame_int_frontend_group_bin_0100 (R)\n", "share frame_int_frontend"),
    "a device page of the other side":
        (r"(pt_ext_nic_drv_group_bin_0002 \{\n)",
         r"\g<1>0x1ff: int_nic_drv_device_page_data_0_obj (RW)\n",
         "ext_nic_drv has rw of int_nic_drv_device_page"),
    "another page's address":
        (r"(ext_nic_drv_device_page_data_0_obj = frame \(4k, paddr: )0xa000000", r"\g<1>0xa003000",
         "where the plan has no device"),
    "a notification too many":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0xf: int_frontend_wake (W, badge: 1)\n",
         "ext_frontend holds int_frontend_wake"),
    "a right to wait for another's notification":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0xf: request_parser_norm_wake (R)\n",
         "ext_frontend holds request_parser_norm_wake"),
    "another's badge":
        (r"(ext_frontend_cnode \{[^}]*request_parser_norm_wake \(W, badge: )1\)", r"\g<1>4)",
         "ext_frontend holds request_parser_norm_wake (w, badge 4)"),
    "a bell taken away":
        (r"0x[0-9a-f]+: request_policy_emit_wake \(W, badge: 1\)\n", "", "cannot wake request_policy_emit"),
    "another's thread":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0xf: int_frontend_int_frontend_0_control_tcb\n",
         "ext_frontend holds int_frontend_int_frontend_0_control_tcb"),
    "another's page tables":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0xf: pt_int_frontend_group_bin_0002\n",
         "ext_frontend holds pt_int_frontend_group_bin_0002"),
    "a capability space of two":
        (r"cspace: int_frontend_cnode", "cspace: ext_frontend_cnode", "are one"),
    "another's endpoint":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0xf: int_frontend_pre_init_ep (W)\n",
         "ext_frontend holds int_frontend_pre_init_ep"),
    "an interrupt of the other side":
        (r"(ext_nic_drv_cnode \{\n)", r"\g<1>0x3f: int_nic_drv_interrupt_interrupt_irq\n",
         "ext_nic_drv holds int_nic_drv_interrupt"),
    "an interrupt that signals the other side":
        (r"(int_nic_drv_interrupt_interrupt_irq \{\n0x0: )int_nic_drv_wake", r"\g<1>ext_nic_drv_wake",
         "interrupt 56 signals ext_nic_drv_wake"),
    "another frame at the other side's device page":
        (r"(objects \{\n)(?s:(.*?))(pt_ext_nic_drv_group_bin_0002 \{\n)",
         r"\g<1>alias = frame (4k, paddr: 0xa001000)\n\g<2>\g<3>0x1ff: alias (RW)\n",
         "ext_nic_drv has rw of alias"),
    "a large frame over both sides' device pages":
        (r"(objects \{\n)(?s:(.*?))(pd_ext_nic_drv_group_bin_0001 \{\n)",
         r"\g<1>alias = frame (2M, paddr: 0xa000000)\n\g<2>\g<3>0x1ff: alias (RW)\n",
         "alias has 2097152 bytes at 0xa000000"),
    "the serial port for another":
        (r"(pt_ext_frontend_group_bin_0002 \{\n)",
         r"\g<1>0x1ff: monitor_uart_page_data_0_obj (RW)\n",
         "ext_frontend has rw of monitor_uart_page"),
    "an address space of two":
        (r"vspace: int_frontend_group_bin_pd", "vspace: ext_frontend_group_bin_pd", "are one"),
    "another's page table hung in":
        (r"(pd_ext_frontend_group_bin_0001 \{\n)",
         r"\g<1>0x1ff: pt_int_frontend_group_bin_0002\n", "ext_frontend and int_frontend share"),
    "another's message buffer":
        (r"ipc_buffer_slot: int_frontend_frame\w+",
         "ipc_buffer_slot: ext_frontend_frame__camkes_ipc_buffer_ext_frontend_0_control",
         "the thread of int_frontend has ext_frontend_frame"),
    "another's time":
        (r"sc_slot: int_frontend_int_frontend_0_control_sc",
         "sc_slot: ext_frontend_ext_frontend_0_control_sc", "as its sc_slot"),
    "more time than planned":
        (r"(ext_frontend_ext_frontend_0_control_sc = sc \(period: 1000, budget: )1000", r"\g<1>2000",
         "ext_frontend has 2000 of each 1000 microseconds, the plan says 1000 of 1000"),
    "another fault handler":
        (r"fault_ep_slot: supervisor_faults \(WP, badge: 2\)",
         "fault_ep_slot: int_frontend_pre_init_ep (WP, badge: 2)",
         "the thread of ext_frontend has int_frontend_pre_init_ep as its fault_ep_slot"),
    "no fault handler":
        (r"fault_ep_slot: supervisor_faults \(WP, badge: 2\)\n", "",
         "faults of ext_frontend go to nobody"),
    "faults in another's name":
        (r"(fault_ep_slot: supervisor_faults \(WP, badge: )2\)", r"\g<1>5)",
         "the thread of ext_frontend has supervisor_faults as its fault_ep_slot"),
    "a right to receive all faults":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0x3f: supervisor_faults (R)\n",
         "ext_frontend holds supervisor_faults"),
    "a right to make up faults":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0x3f: supervisor_faults (W, badge: 5)\n",
         "ext_frontend holds supervisor_faults"),
    "a supervisor that receives none":
        (r"0x[0-9a-f]+: supervisor_faults \(R\)\n", "", "supervisor receives no faults"),
    "a supervisor that cannot stop one":
        (r"(\nsupervisor_cnode \{[^}]*)0x[0-9a-f]+: ext_frontend_ext_frontend_0_control_tcb\n", r"\1",
         "supervisor cannot stop ext_frontend"),
    "a priority above the supervisor's":
        (r"(ext_frontend_ext_frontend_0_control_tcb = tcb \([^)]*,prio: )\d+", r"\g<1>255",
         "ext_frontend has priority 255"),
    "a right to such a priority":
        (r"(ext_frontend_ext_frontend_0_control_tcb = tcb \([^)]*,max_prio: )\d+", r"\g<1>255",
         "ext_frontend has priority 100, at most 255"),
    "a thread without time":
        (r"sc_slot: ext_frontend_ext_frontend_0_control_sc\n", "", "the thread of ext_frontend has no sc_slot"),
    "an interrupt that signals nobody":
        (r"(ext_nic_drv_interrupt_interrupt_irq \{\n)0x0: .*\n", r"\1", "interrupt 48 signals nobody"),
    "another's turns":
        (r"(pt_ext_frontend_group_bin_0002 \{\n)",
         r"\g<1>0x1ff: share_int_frontend_life_data_0_obj (R)\n",
         "ext_frontend has r of share_int_frontend_life"),
    "a supervisor that may write turns":
        (r"(share_ext_frontend_life_data_0_obj) \(R\)", r"\1 (RW)",
         "supervisor has rw of share_ext_frontend_life"),
    "a component that counts no turns":
        (r"0x[0-9a-f]+: share_ext_frontend_life_data_0_obj \(RW\)\n", "",
         "ext_frontend has no right of share_ext_frontend_life"),
    "a supervisor that hears no clock":
        (r"bound_notification: supervisor_wake \(R\)\n", "", "supervisor hears no wake-up"),
    "a supervisor that another may wake":
        (r"(ext_frontend_cnode \{\n)", r"\g<1>0x3f: supervisor_wake (W, badge: 33554432)\n",
         "ext_frontend holds supervisor_wake"),
    "a clock that does not wake the supervisor":
        (r"0x[0-9a-f]+: supervisor_wake \(W, badge: 33554432\)\n", "", "clock cannot wake supervisor"),
    "a notification that is bound to another's thread":
        (r"(\nint_frontend_int_frontend_0_control_tcb \{\n)", r"\g<1>bound_notification: ext_frontend_wake (R)\n",
         "the thread of int_frontend has ext_frontend_wake as its bound_notification"),
    "untyped memory":
        (r"(objects \{\n)(?s:(.*?))(ext_frontend_cnode \{\n)",
         r"\g<1>loose = ut (12 bits)\n\g<2>\g<3>0xf: loose\n", "loose"),
}


# Those that join the sides, and by what: the path must be shown. `>` is an arrow.
PATHS = {
    "a ring of others mapped":
        "ext_frontend > writes request_policy_emit_to_int_frontend_consumer, mapped by > int_frontend",
    "private memory shared":
        "int_frontend > writes frame_int_frontend_group_bin_0100, mapped by > ext_frontend",
    "a device page of the other side":
        "ext_nic_drv > writes int_nic_drv_device_page_data_0_obj, mapped by > int_nic_drv",
    "another frame at the other side's device page":
        "ext_nic_drv > writes alias, which overlaps int_nic_drv_device_page_data_0_obj, mapped by > "
        "int_nic_drv",
    "a large frame over both sides' device pages":
        "int_nic_drv > writes int_nic_drv_device_page_data_0_obj, which overlaps alias, mapped by > "
        "ext_nic_drv",
    "the serial port for another":
        "monitor > writes monitor_uart_page_data_0_obj, mapped by > ext_frontend",
    "a notification too many": "ext_frontend > signals int_frontend_wake, held by > int_frontend",
    "another's thread":
        "ext_frontend > shares int_frontend_int_frontend_0_control_tcb, held by > int_frontend",
    "another's endpoint":
        "ext_frontend > signals int_frontend_pre_init_ep, held by > int_frontend",
    "an interrupt of the other side":
        "ext_nic_drv > shares int_nic_drv_interrupt_interrupt_irq, held by > int_nic_drv",
    "an interrupt that signals the other side":
        "int_nic_drv > owns int_nic_drv_interrupt_interrupt_irq, which wakes > ext_nic_drv",
    "another fault handler":
        "ext_frontend > has its faults sent to int_frontend_pre_init_ep, held by > int_frontend",
    "a right to receive all faults":
        "int_frontend > has its faults sent to supervisor_faults, held by > ext_frontend",
    "a notification that is bound to another's thread":
        "ext_nic_drv > signals ext_frontend_wake, bound to the thread of > int_frontend",
    "another's message buffer":
        "int_frontend > has messages in ext_frontend_frame__camkes_ipc_buffer_ext_frontend_0_control, "
        "mapped by > ext_frontend",
}


def arrows(path):
    names = path.split(" > ")
    return f"{names[0]} -> [{names[1]}] -> {names[2]}"


def test_each_path_is_one_of_the_changes():
    assert set(PATHS) < set(MUTATIONS)


@pytest.mark.parametrize("what", MUTATIONS)
def test_one_change_is_found(sluice, built, tmp_path, what):
    pattern, replacement, expected = MUTATIONS[what]
    text = (built / "sluice.cdl").read_text()
    changed, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1, "the pattern is not in the capDL any more"
    (tmp_path / "changed.cdl").write_text(changed)
    status, violations, said = check(sluice, tmp_path / "changed.cdl")
    assert status == 1, said
    assert any(expected in line for line in violations), said
    if what in PATHS:
        assert any(line.endswith(arrows(PATHS[what])) for line in violations), said


def test_a_path_is_shown(sluice, built, tmp_path):
    """A shared page between the sides is not only one right too many, but a path."""
    text = (built / "sluice.cdl").read_text().replace(
        "pt_int_frontend_group_bin_0002 {\n", "pt_int_frontend_group_bin_0002 {\n"
        "0x1ff: share_ext_frontend_to_request_parser_norm_producer_data_00_obj (R)\n", 1)
    (tmp_path / "changed.cdl").write_text(text)
    status, violations, said = check(sluice, tmp_path / "changed.cdl")
    assert status == 1
    assert any("ext_frontend" in line and "int_frontend" in line and "->" in line
               for line in violations), said


def test_an_exported_timer_is_a_path(sluice, built, tmp_path):
    text = (built / "gen_config.h").read_text() + "#define CONFIG_EXPORT_PTMR_USER  1\n"
    (tmp_path / "gen_config.h").write_text(text)
    status, violations, said = check(sluice, built / "sluice.cdl", tmp_path / "gen_config.h")
    assert status == 1, said
    path = arrows("int_frontend > writes an exported timer register, read by > ext_frontend")
    assert any(line.endswith(path) for line in violations), said


@pytest.mark.parametrize("text,said", [
    ("", "no objects"), ("objects {\n", "ends too early"), ("nonsense\n", "outside of all sections"),
    ("objects {\na = frame (4q)\n}\n", "size that is none"),
    ("objects {\na = cnode (4 bits)\n}\ncaps {\na {\n0x1: b (R)\n}\n}\n", "an object that is none"),
    ("objects {\na = ep\nb = cnode (4 bits)\n}\ncaps {\nb {\n0x1: a (RZ)\n}\n}\n", "not known"),
])
def test_what_is_no_capdl_is_refused(sluice, tmp_path, text, said):
    (tmp_path / "wrong.cdl").write_text(text)
    status, _, output = check(sluice, tmp_path / "wrong.cdl")
    assert status == 2 and said in output

# SPDX-License-Identifier: BSD-2-Clause
"""`sluice check --system`: what was built passes, and a system description that somebody changed by one
map, right, notification, device page or exported timer is refused, with what it joins."""
import json
import pathlib
import re
import subprocess

import drill
import microkit_sdk
import pytest

pytestmark = pytest.mark.microkit
SITES = {mode: drill.site(mode) for mode in ("two-way", "one-way")}


@pytest.fixture(scope="module", params=list(SITES))
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def system(build, mode):
    directory, _ = build(site=SITES[mode],
                         options=[] if mode == "two-way" else ["--accept-open-timer"])
    return (directory / "sluice.system").read_text()


def kernel_config():
    return pathlib.Path(microkit_sdk.SDK) / \
        "board/qemu_virt_aarch64/release/include/kernel/gen_config.json"


@pytest.fixture
def check(sluice, mode, tmp_path):
    """check(text, **options in the kernel's configuration) -> (status, violations, all that was said)"""
    def check_text(text, *options, **exported):
        kernel = json.loads(kernel_config().read_text())
        kernel.update(dict.fromkeys((name for name in kernel if name.startswith("EXPORT_")), False))
        kernel.update(exported)
        (tmp_path / "gen_config.json").write_text(json.dumps(kernel))
        (tmp_path / "sluice.system").write_text(text)
        result = subprocess.run([sluice, "check", SITES[mode], "--system", tmp_path / "sluice.system",
                                 "--kernel-config", tmp_path / "gen_config.json", *options],
                                capture_output=True, text=True, timeout=600)
        return result.returncode, re.findall("(?m)^flow: (?:violation|VIOLATION): (.*)$",
                                             result.stdout), result.stdout + result.stderr
    return check_text


def inside(domain, more):
    """`more` first in a domain."""
    return rf'(<protection_domain name="{domain}".*?>\n)', rf"\g<1>{more}\n"


def channel(source, target):
    return r"(</protection_domain>\n)(    <channel>)", \
        rf'\g<1><channel><end pd="{source}" id="50" />' \
        rf'<end pd="{target}" id="50" notify="false" /></channel>\n\g<2>'


# What is changed: a pattern, what replaces its first match, what must be said. Some of the one mode are
# no path in the other, but always refused.
MUTATIONS = {
    "one more mapping, from outside to inside": (
        *inside("int_frontend", '<map mr="ext_frontend_to_request_parser_norm_producer" '
                                'vaddr="0x50000000" perms="r" />'),
        "int_frontend without policy_emit: ext_frontend -> [writes "
        "ext_frontend_to_request_parser_norm_producer, read by] -> int_frontend"),
    "one more mapping, from inside to outside": (
        *inside("ext_nic_drv", '<map mr="int_frontend_to_int_nic_drv_buffers" vaddr="0x50000000" '
                               'perms="r" />'),
        "int_frontend -> [writes int_frontend_to_int_nic_drv_buffers, read by] -> ext_nic_drv"),
    "one more right": (
        r'(<protection_domain name="request_parser_norm".*?mr="ext_frontend_to_request_parser_norm'
        r'_producer" vaddr="\w+" perms=")r"', r'\g<1>rw"',
        "request_parser_norm: a map or right that the topology does not give: "
        "ext_frontend_to_request_parser_norm_producer"),
    "an executable mapping": (
        r'(<protection_domain name="ext_frontend".*?perms=")rw"', r'\g<1>rwx"',
        "ext_frontend: maps as executable: "),
    "one more notification": (*channel("int_frontend", "ext_frontend"),
                              "int_frontend -> [notifies] -> ext_frontend"),
    "a notification back": (
        r'(<end pd="ext_frontend" id="\d+" notify=")true(" />\s*<end pd="request_parser_norm" '
        r'id="\d+" notify=")false', r"\g<1>true\g<2>true",
        "request_parser_norm: a notification that the topology does not give: ext_frontend"),
    "a device page that both have": (
        *inside("ext_nic_drv", '<map mr="int_nic_drv_registers" vaddr="0x50000000" perms="r" />'),
        "int_nic_drv -> [shares the device page int_nic_drv_registers with] -> ext_nic_drv"),
    "two devices on one page": (
        r'(name="int_nic_drv_registers".*?phys_addr=")0xa001000', r"\g<1>0xa000e00",
        "ext_nic_drv -> [shares the device page ext_nic_drv_registers with] -> int_nic_drv"),
    "the memory for another's DMA": (
        *inside("entropy", '<map mr="int_nic_drv_dma" vaddr="0x50000000" perms="rw" />'),
        "entropy: a map or right that the topology does not give: int_nic_drv_dma"),
    "another's key": (
        *inside("clock", '<map mr="ext_frontend_seed" vaddr="0x50000000" perms="r" />'),
        "clock: a map or right that the topology does not give: ext_frontend_seed"),
    "another's interrupt": (
        r'(<protection_domain name="ext_nic_drv".*?<irq irq=")48', r"\g<1>56",
        "ext_nic_drv: has the interrupt of another device"),
    "a domain that nobody knows": (
        r'(        <protection_domain name="clock")',
        r'<protection_domain name="stranger" id="50" priority="1"><program_image path="stranger.elf" />'
        r'</protection_domain>\n\g<1>', "stranger has no side"),
}


def test_what_was_built_passes(check, system):
    status, violations, said = check(system)
    assert (status, violations) == (0, []), said
    assert "flow: system description: ok: " in said
    for trusted in ("supervisor", "clock", "entropy", "ext_nic_drv's device"):
        assert f"flow: trusted, not followed: {trusted}: " in said


@pytest.mark.parametrize("what", list(MUTATIONS))
def test_one_thing_more_is_refused(check, system, what):
    pattern, replacement, wanted = MUTATIONS[what]
    changed, count = re.subn(pattern, replacement, system, count=1, flags=re.S)
    assert count == 1
    status, violations, said = check(changed)
    assert status == 1 and any(wanted in violation for violation in violations), said


@pytest.mark.parametrize("option,register", [("EXPORT_PTMR_USER", "cntp_cval_el0"),
                                             ("EXPORT_VTMR_USER", "cntv_cval_el0"),
                                             ("EXPORT_PMU_USER", "performance monitor")])
def test_an_exported_timer_is_a_path_back(check, system, mode, option, register):
    status, violations, said = check(system, **{option: True})
    assert register in said
    if mode == "two-way":
        assert (status, violations) == (0, []), said
        return
    assert status == 1 and "--accept-open-timer takes it as it is" in said
    assert any("int_frontend -> [writes an exported register, read by] -> ext_frontend" in violation
               for violation in violations), said
    assert check(system, "--accept-open-timer", **{option: True})[0] == 0


@pytest.mark.parametrize("options,status,said", [
    (["--system", "/nowhere"], 2, "/nowhere: cannot read"),
    (["--system", "/etc/hostname"], 1, "system description: cannot be read"),
    (["--system", "{system}", "--kernel-config", "/etc/hostname"], 1, "kernel configuration: is none"),
    (["--system", "{system}"], 0, "not looked at: the kernel's configuration"),
    (["--system", "{system}", "--board", "toaster"], 2, "board toaster is not known"),
    (["--board", "qemu_virt_aarch64"], 2, "usage: "),
    (["--system", "{system}", "--capdl", "{system}"], 2, "usage: "),
])
def test_what_is_missing_is_named(sluice, build, options, status, said):
    built = build(site=SITES["two-way"])[0] / "sluice.system"
    result = subprocess.run([sluice, "check", SITES["two-way"],
                             *(option.format(system=built) for option in options)],
                            capture_output=True, text=True, timeout=600)
    assert result.returncode == status and said in result.stdout + result.stderr

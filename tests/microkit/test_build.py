# SPDX-License-Identifier: BSD-2-Clause
"""What `sluice build --host microkit` makes, read with other eyes than the builder's."""
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree

import microkit_sdk
import pytest

pytestmark = pytest.mark.microkit

NAME = {"sluice_monitor": "monitor"}


@pytest.fixture(scope="module")
def built(build):
    return build()


@pytest.fixture(scope="module")
def system(built):
    return xml.etree.ElementTree.parse(built[0] / "sluice.system").getroot()


def plan(root, *options):
    """What make would do."""
    return subprocess.run(["make", "-n", "microkit-objects", f"MICROKIT_SDK={microkit_sdk.SDK}",
                           *options], cwd=root, capture_output=True, text=True, check=True).stdout


def domains(system):
    return list(system.iter("protection_domain"))


def maps(domain):
    return {m.get("mr"): m.get("perms") for m in domain.findall("map")}


@pytest.mark.parametrize("changed,made", [
    ("src/net/port/lwipopts.h", "src/net/connection.o"),  # seen only by way of lwIP's headers
    ("include/sluice/config.h", "lwip/core/tcp.o"),
    ("include/sluice/component.h", "program_monitor.o"),
    ("make/microkit.mk", "monitor.program")])
def test_what_changed_is_made_anew(built, root, changed, made):
    assert f"/{made} " not in plan(root)
    assert f"/{made} " in plan(root, "-W", changed)


def test_other_options_make_all_anew(built, root):
    told = root / "build/microkit/objects/compiler"
    text, times = told.read_bytes(), told.stat()
    anew = plan(root, "CROSS=other-")
    told.write_bytes(text)
    os.utime(told, ns=(times.st_atime_ns, times.st_mtime_ns))
    for made in ("src/net/connection.o", "lwip/core/tcp.o", "program_monitor.o", "monitor.program"):
        assert f"/{made} " in anew
    assert "/monitor.program " not in plan(root)


def test_blanks_in_paths_and_another_sdk_of_one_name(sluice, root, tmp_path):
    sdk = tmp_path / "my sdk"
    sdk.mkdir()
    for name in ("bin", "board"):
        (sdk / name).symlink_to(pathlib.Path(microkit_sdk.sdk_or_skip()) / name)
    (sdk / "VERSION").write_text("1\n")
    site = tmp_path / "my site.yaml"
    site.write_bytes((root / "systems/heating-plant/sluice.yaml").read_bytes())

    def make(*options):
        return subprocess.run(["make", *options, "microkit", "MICROKIT_SDK=~/my sdk",
                               "CONFIG=~/my site.yaml", f"MICROKIT_OUTPUT={tmp_path / 'out put'}"],
                              cwd=root, env={**os.environ, "HOME": str(tmp_path)},
                              capture_output=True, text=True, timeout=1800)
    result = make("-s")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "out put/loader.img").stat().st_size > 1 << 20
    assert "/program_monitor.o " not in plan(root, f"MICROKIT_SDK={sdk}")
    (sdk / "VERSION").write_text("2\n")
    assert "/program_monitor.o " in plan(root, f"MICROKIT_SDK={sdk}")


def test_loader_image_and_report(built):
    directory, printed = built
    assert (directory / "loader.img").stat().st_size > 1 << 20
    assert (directory / "report.txt").stat().st_size > 0
    assert "loader.img" in printed


def test_maps_have_the_rights_of_their_kind(system):
    """Each region of a link: who may write it, who may read it, and no one else but the
    supervisor, which zeroes it."""
    rights = {}
    for domain in domains(system):
        for region, perms in maps(domain).items():
            rights.setdefault(region, {})[NAME.get(domain.get("name"), domain.get("name"))] = perms
    assert all(perms in ("r", "rw") for region in rights.values() for perms in region.values())
    checked = 0
    for region, holders in rights.items():
        match = re.fullmatch(r"(\w+)_to_(\w+)_(producer|consumer|ring|free|active|buffers)", region)
        if not match:
            continue
        source, target, part = match.groups()
        expected = {"producer": ("rw", "r"), "consumer": ("r", "rw"), "ring": ("rw", "r"),
                    "free": ("rw", "rw"), "active": ("rw", "rw"), "buffers": ("rw", "r")}[part]
        assert holders == {source: expected[0], target: expected[1], "supervisor": "rw"}, region
        checked += 1
    assert checked == 36


def test_devices_have_one_owner(system):
    devices = {r.get("name"): int(r.get("phys_addr"), 0)
               for r in system.findall("memory_region") if r.get("phys_addr")}
    owners = {name: [d.get("name") for d in domains(system) if name in maps(d)] for name in devices}
    assert owners == {"ext_nic_drv_registers": ["ext_nic_drv"],
                      "int_nic_drv_registers": ["int_nic_drv"],
                      "entropy_registers": ["entropy"],
                      "uart": ["supervisor", "sluice_monitor"], "rtc": ["supervisor"]}
    assert len({address // 4096 for address in devices.values()}) == len(devices)
    cached = {m.get("cached") for d in domains(system) for m in d.findall("map")
              if m.get("mr") in devices}
    assert cached == {"false"}


def test_what_the_supervisor_tells_is_read_only(system):
    """The wall clock and the supervisor's sign of life."""
    assert {d.get("name"): maps(d)["status"] for d in domains(system) if "status" in maps(d)} == {
        "supervisor": "rw", "sluice_monitor": "r", "request_policy_emit": "r",
        "reply_policy_emit": "r"}


def test_notifications_go_one_way_where_they_may(system):
    ways = {}
    for channel in system.findall("channel"):
        one, other = channel.findall("end")
        key = NAME.get(one.get("pd"), one.get("pd")), NAME.get(other.get("pd"), other.get("pd"))
        ways[key] = one.get("notify"), other.get("notify")
    assert ways[("ext_frontend", "request_parser_norm")] == ("true", "false")
    assert ways[("request_policy_emit", "int_frontend")] == ("true", "false")
    assert ways[("reply_policy_emit", "ext_frontend")] == ("true", "false")
    assert ways[("ext_nic_drv", "ext_frontend")] == ("true", "true")
    assert {way for (source, _), way in ways.items() if source == "clock"} == {("true", "false")}
    assert not any("monitor" in key for key in ways if "clock" not in key)


def test_stacks_are_set(system):
    assert all(int(d.get("stack_size"), 0) >= 4096 for d in domains(system))


def test_no_segment_is_writable_and_executable(built):
    directory, _ = built
    images = sorted(directory.glob("*.elf"))
    assert len(images) == 12
    for image in images:
        lines = subprocess.run(["readelf", "-lW", image], capture_output=True, text=True,
                               check=True).stdout.splitlines()
        flags = [re.search(r"LOAD.*0x\w+ (R?)(?: )?(W| )(E| ) 0x", line) for line in lines
                 if line.strip().startswith("LOAD")]
        assert flags and all(flags)
        assert not any(f.group(2) == "W" and f.group(3) == "E" for f in flags), image
        assert not any("GNU_STACK" in line and "E" in line.split()[-2] for line in lines), image


def sections(image):
    text = subprocess.run(["readelf", "-SW", image], capture_output=True, text=True,
                          check=True).stdout
    return {m.group(1): (int(m.group(2), 16), m.group(3)) for m in re.finditer(
        r"\] (\.\S+)\s+\w+\s+\w+ \w+ (\w+) \w+\s+([A-Z]*)\s+\d", text)}


def test_configuration_and_policy_have_sections_of_their_own(built):
    directory, _ = built
    for name in ("request_parser_norm", "request_policy_emit", "reply_parser_norm",
                 "reply_policy_emit", "sluice_monitor"):
        found = sections(directory / f"{name}.elf")
        assert found[".sluice_config"][0] > 0 and "W" not in found[".sluice_config"][1]
        assert found[".sluice_policy"][0] > 0 and "W" not in found[".sluice_policy"][1]
    for name in ("ext_nic_drv", "ext_frontend", "int_frontend", "int_nic_drv", "supervisor"):
        found = sections(directory / f"{name}.elf")
        assert found[".sluice_config"][0] > 0 and "W" not in found[".sluice_config"][1]
        assert found.get(".sluice_policy", (0, ""))[0] == 0


def test_memory_is_within_the_budget(built):
    _, printed = built
    total = re.search(r"^total +([\d.]+)  of (\d+) allowed$", printed, re.M)
    assert float(total.group(1)) <= float(total.group(2)) == 4096
    parts = [float(re.search(rf"^{part} +([\d.]+)$", printed, re.M).group(1))
             for part in ("images", "stacks and IPC buffers", "regions", "page tables")]
    assert sum(parts) == pytest.approx(float(total.group(1)), abs=0.5)
    for beside in ("sel4", "loader"):
        assert re.search(rf"^{beside} +[\d.]+$", printed, re.M)


def test_the_tool_reports_no_more_pages_than_we_do(built):
    """Microkit's own report lists every small page: data, images, stacks, IPC buffers."""
    directory, printed = built
    report = (directory / "report.txt").read_text()
    pages = len(re.findall(r"(?m)^.*Page\(4 KiB\).*$", report))
    if pages == 0:
        pytest.skip("this SDK's report does not list pages")
    ours = sum(float(re.search(rf"^{part} +([\d.]+)$", printed, re.M).group(1))
               for part in ("images", "stacks and IPC buffers", "regions")) / 4
    assert pages <= ours + 40


def test_the_checker_says_what_the_kernel_exports(built):
    _, printed = built
    assert "flow: open: " in printed and "cntp_cval_el0" in printed
    for trusted in ("supervisor", "clock", "entropy", "ext_nic_drv's device",
                    "int_nic_drv's device"):
        assert f"trusted, not followed: {trusted}" in printed
    assert "system description: ok" in printed


@pytest.mark.parametrize("config", ["debug", "benchmark"])
def test_other_configurations_build(build, config):
    build(config)


@pytest.mark.parametrize("config", ["debug", "release", "benchmark"])
def test_the_older_sdk_builds(build, config):
    build(config, "2.0.1")


def test_mistakes_are_said(sluice, tmp_path):
    def run(*arguments):
        return subprocess.run([sluice, "build", *arguments], capture_output=True, text=True)
    result = run("x.yaml", "--host", "toaster")
    assert result.returncode == 2 and "--host" in result.stderr
    site = tmp_path / "site.yaml"
    site.write_text("gateway: {}\n")
    result = run(site, "--host", "microkit", "-o", tmp_path / "out")
    assert result.returncode == 2 and "site.yaml:" in result.stderr


@pytest.mark.parametrize("options,said", [
    (["--sdk", "/nowhere"], "no Microkit SDK at /nowhere: give --sdk or MICROKIT_SDK"),
    (["--sdk", "/usr"], "/usr is no Microkit SDK: it has no bin/microkit"),
    (["--board", "toaster"], "has no board toaster; it has qemu_virt_aarch64"),
    (["--board", ".."], "has no board ..; it has"),
    (["--config", "relaese"], "has no configuration relaese for qemu_virt_aarch64; it has "
                              "benchmark, debug, release"),
    (["--config", "../.."], "has no configuration ../.. for"),
    (["--output", ""], "--output is empty"),
    (["--output", "/proc/nowhere"], "cannot make /proc/nowhere/link: "),
    (["--ext-nic", "e1000"], "e1000: expected virtio, or sddf:DRIVER.elf,CONFIG.json"),
    (["--int-nic", "sddf:/nowhere.elf,/nowhere.json"], "/nowhere.json: No such file"),
    (["--int-nic", "sddf:/nowhere.elf,/etc/hostname"], "/etc/hostname: describes a driver with"),
])
def test_what_is_missing_is_named(sluice, tmp_path, root, options, said):
    sdk = microkit_sdk.sdk_or_skip()
    result = subprocess.run(
        [sluice, "build", root / "systems/heating-plant/sluice.yaml", "--host", "microkit", "--sdk",
         sdk, "-o", tmp_path / "out", *options], capture_output=True, text=True)
    assert result.returncode in (1, 2) and said in result.stderr, result.stderr
    assert not (tmp_path / "out/loader.img").exists()


def test_missing_tools_are_named(sluice, tmp_path, root):
    result = subprocess.run(
        [sluice, "build", root / "systems/heating-plant/sluice.yaml", "--host", "microkit", "--sdk",
         microkit_sdk.sdk_or_skip(), "-o", tmp_path / "out"], capture_output=True, text=True,
        env={**os.environ, "CROSS": "nowhere-"})
    assert result.returncode == 1
    assert "nowhere-gcc does not run: `tools/install-deps microkit` installs it" in result.stderr


def test_an_image_has_only_the_protocols_of_its_site(built):
    directory, _ = built
    for name in ("request_parser_norm", "request_policy_emit", "sluice_monitor", "int_frontend"):
        symbols = subprocess.run(["readelf", "-sW", directory / f"{name}.elf"],
                                 capture_output=True, text=True, check=True).stdout
        assert "modbus_tcp_protocol" in symbols
        assert not re.findall(r"dnp3_|cip_|enip_", symbols)

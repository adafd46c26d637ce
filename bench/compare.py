# SPDX-License-Identifier: BSD-2-Clause
"""`make compare`: the same requests through the gateway as a CAmkES and as a Microkit system.

A client and a device inside the machine make one request after the other, under `-icount
shift=0,sleep=off`: one instruction is one nanosecond of the machine's time, so the same image
gives the same number every time (each is run twice). Writes docs/compare.md and its plot.

usage: bench/compare.py [OUTPUT]
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bench")]
import camkes
import microkit
import plot

TICK = microkit.TICK
SLUICE = ROOT / "build/sluice"
SDK = pathlib.Path(os.environ.get("MICROKIT_SDK", "/opt/microkit-sdk"))
BOARD = pathlib.Path("board/qemu_virt_aarch64/release")

# The way of a request and of its reply: whom the one before wakes. NICs wake themselves.
REQUEST = ["ext_nic_drv", "ext_frontend", "request_parser_norm", "request_policy_emit",
           "int_frontend", "int_nic_drv"]
REPLY = ["int_nic_drv", "int_frontend", "reply_parser_norm", "reply_policy_emit", "ext_frontend",
         "ext_nic_drv"]
# What of a kernel's configuration tells in time or in what user code may reach.
CONFIGURATION = {
    "KERNEL_MCS": "scheduling contexts (MCS)", "FASTPATH": "fast path for calls",
    "SIGNAL_FASTPATH": "fast path for signals", "DEBUG_BUILD": "debugging",
    "ENABLE_BENCHMARKS": "benchmarks", "ARM_HYPERVISOR_SUPPORT": "kernel at EL2",
    "EXPORT_PMU_USER": "performance monitor for all", "EXPORT_VCNT_USER": "virtual counter for all",
    "EXPORT_PCNT_USER": "physical counter for all",
    "EXPORT_PTMR_USER": "physical timer for all", "EXPORT_VTMR_USER": "virtual timer for all"}


def boot_camkes(image, wanted):
    return microkit.boot(["-machine", "virt,secure=off", "-m", "1024", "-kernel",
                          f"{image}/capdl-loader-image"], image, wanted)


def configuration(header):
    text = pathlib.Path(header).read_text()
    return {name: bool(re.search(rf"^#define CONFIG_{name}\s+1\s*$", text, re.M))
            for name in CONFIGURATION}


def bells(assembly):
    """(who wakes, whom) -> bit of the badge."""
    badge = {(who, number): int(value).bit_length() - 1 for who, number, value in
             re.findall(r"(\w+)\.bell_(\d+)_badge = (\d+);", assembly)}
    found = {}
    for whom, ends in re.findall(r"connection SluiceWake wakes_(\w+)\((.*)to ", assembly):
        for who, number in re.findall(r"from (\w+)\.bell_(\d+)", ends):
            found[who, whom] = badge[who, number]
    return found


def on_the_way(line, bits):
    """Each wake of one request, in order: component, who woke it, instructions."""
    rows = []
    for way in (REQUEST, REPLY):
        for before, name in zip([None] + way, way):
            bit = bits[before, name] if before else microkit.DEVICE
            rows.append((name, before or "its NIC", line["wakes"][name][bit]))
    return rows


def result(line, again, bits, memory, image_file):
    total = line["ticks"] * TICK / line["requests"]
    rows = on_the_way(line, bits)
    return {"total": total, "exact": line["ticks"] == again["ticks"], "wakes": rows,
            "passing": (total - sum(row[2] for row in rows)) / len(rows),
            "audit line": line["monitor"], "memory": memory, "file": image_file.stat().st_size}


def camkes_requests(scratch):
    site, app, image = scratch / "site.yaml", scratch / "app", scratch / "image"
    site.write_text(microkit.SITE)
    subprocess.run([SLUICE, "build", site, "--host", "camkes", "--ext-nic", "synthetic",
                    "--int-nic", "synthetic", "-o", app], check=True, capture_output=True)
    camkes.build(app, scratch / "build", image)
    first, second = (microkit.read(boot_camkes(image, '"event":"bench"')) for _ in range(2))
    bits = bells((app / "sluice.camkes").read_text())
    found = result(first, second, bits, camkes.memory(image), image / "capdl-loader-image")
    found["configuration"] = configuration(image / "gen_config.h")
    return found, bits, app


def camkes_connectors(scratch, app):
    """Round trips in instructions, by connector: in the gateway's own kernel configuration."""
    folder, image = scratch / "connectors", scratch / "connectors-image"
    shutil.copytree(ROOT / "bench/connectors", folder)
    shutil.copytree(app / "templates", folder / "templates")
    shutil.copy(app / "settings.cmake", folder / "settings.cmake")
    (folder / "machine.json").write_text("{}")
    camkes.build(folder, scratch / "connectors-build", image, capdl="connectors.cdl")
    return round_trips(boot_camkes(image, "done"), "CAmkES ")


def round_trips(text, prefix):
    found = [json.loads(line) for line in text.splitlines() if '"connector"' in line]
    return {prefix + line["connector"]: line["ticks"] * TICK / line["rounds"] for line in found}


def microkit_channel(scratch):
    """The same over a Microkit channel."""
    places = SDK / BOARD
    for name in ("ping", "pong"):
        subprocess.run(
            ["aarch64-linux-gnu-gcc", "-std=gnu11", "-O2", "-mcpu=cortex-a53",
             "-mgeneral-regs-only", "-mno-outline-atomics", "-ffreestanding", "-fno-pic",
             "-fno-pie", "-fno-stack-protector", "-isystem", places / "include", "-c", "-o",
             scratch / f"{name}.o", ROOT / f"bench/channel/{name}.c"], check=True)
        subprocess.run(["aarch64-linux-gnu-ld", "-L", places / "lib", "-o",
                        scratch / f"{name}.elf", scratch / f"{name}.o", "-lmicrokit",
                        "-Tmicrokit.ld"], check=True)
    subprocess.run([SDK / "bin/microkit", ROOT / "bench/channel/channel.system", "--search-path",
                    scratch, "--board", BOARD.parts[1], "--config", "release", "-o",
                    scratch / "loader.img", "-r", scratch / "report.txt"], check=True,
                   capture_output=True)
    return round_trips(microkit.boot_microkit(scratch, "done"), "Microkit ")


def microkit_requests(output, bits):
    image = microkit.build(SLUICE, "release", output / "release", ["--sdk", SDK])
    first, second = microkit.measure(image), microkit.measure(image)
    found = result(first, second, bits, (image / "memory.txt").read_text(), image / "loader.img")
    found["configuration"] = configuration(SDK / BOARD / "include/kernel/gen_config.h")
    return found


def kib(text, label):
    """The number of the row `label` of a memory account."""
    return float(re.search(rf"^{re.escape(label)}\s+([\d.]+)", text, re.M)[1])


def table(rows):
    return "\n".join("| " + " | ".join(cell if isinstance(cell, str) else f"{cell:,.0f}"
                                       for cell in row) + " |" for row in rows)


def report(results):
    one, two = results["camkes"], results["microkit"]
    both = (one, two)
    own = [sum(row[2] for row in entry["wakes"]) for entry in both]
    first = table([
        ["instructions a request, in total", *(entry["total"] for entry in both)],
        ["of these in the components", *own],
        ["of these in passing on: kernel, runtime, clock", *(entry["total"] - part
                                                             for entry, part in zip(both, own))],
        ["the request's audit line besides", *(entry["audit line"] for entry in both)],
        ["memory (KiB)", *(kib(entry["memory"], "total") for entry in both)],
        ["image file (KiB)", *(entry["file"] / 1024 for entry in both)]])
    ways = [table([[f"{a[1]} > **{a[0]}**", a[2], b[2], a[2] + one["passing"],
                    b[2] + two["passing"]]
                   for a, b in zip(one["wakes"][part], two["wakes"][part])])
            for part in (slice(0, 6), slice(6, 12))]
    words = {True: "yes", False: "no"}
    configured = [[what, *(words[entry["configuration"][name]] for entry in both)]
                  for name, what in CONFIGURATION.items()]
    exact = all(entry["exact"] for entry in both)
    return f"""# CAmkES and Microkit, the same gateway

Made by one run of `make compare` on QEMU's `virt` (Cortex-A53), release builds, under `-icount
shift=0,sleep=off`: one instruction is one nanosecond of the machine's time. A client and a device
inside the machine, in place of the NICs, make 1000 requests one after the other (read one
register) after 100 for warming up. Each image was run twice{", with the same count"
if exact else "; the counts were NOT the same"}.

| | CAmkES | Microkit {results["sdk"]} |
|---|---:|---:|
{first}

![instructions](compare.svg)

## Hop by hop

Who wakes whom on the way of a request and of its reply, what the one who is woken executes until
it has rung its last bell, and the same with one twelfth of what passing on takes in all. Each
component counts for itself, on both hosts by the same code around the same call (`hosts/*/host.c`,
`hosts/microkit/wakes.h`), by a counter that moves every 16 instructions; each number is the average of the
wakes after the first 100, about a thousand. Counting itself takes some 20 instructions a wake, in the
total too.

| request | CAmkES | Microkit | hop, CAmkES | hop, Microkit |
|---|---:|---:|---:|---:|
{ways[0]}
| **reply** | | | | |
{ways[1]}

The monitor has the lowest priority here, on both, so that its slow serial port does not stand in
these numbers; what it does for one audit line is in the first table.

## A round trip of an empty message between two components

| | instructions |
|---|---:|
{table(results["connectors"].items())}

## What was held equal, and what could not be

Equal: component sources, compiler and level of the components (gcc, -O2, no floating point, strict
alignment), limits (sessions, outstanding, buffers), policy, requests, one priority for the pipeline. The
kernels' configurations, as the build and the SDK have them:

| | CAmkES | Microkit |
|---|---|---|
| version | {results["kernel"]} | the SDK's {results["sdk"]} |
{table(configured)}

Not equal: the kernels' version and exception level above; the components are compiled for any Armv8-A on
CAmkES, for the Cortex-A53 on Microkit, and there freestanding, so that small copies are calls (with
builtins, tried once, it takes 1.4 % less in total); on CAmkES `memcpy` and its kin are the C library's, on
Microkit the host's own plain ones; CAmkES's runtime is compiled at -O3, its kernel at -O2, and with what
the SDK's was is not written in it; libmicrokit wakes a component once for each channel of a wake-up, ours
on CAmkES once for all. A bell on CAmkES is rung when the component returns, on Microkit at once: neither
loses one.

Memory is of these images, which have no NICs: add 196 KiB of DMA for each. What a whole gateway takes
is in [camkes.md](camkes.md) and [microkit.md](microkit.md). Both have a supervisor, and here a page of
each component to count wakes in. Microkit's has a saved copy of each domain's data besides, for
restarts; CAmkES's the start code of its runtime in each component.
"""


def draw(results):
    colours = {"CAmkES": "#2e7d5b", "Microkit": "#c4622d"}
    both = {"CAmkES": results["camkes"], "Microkit": results["microkit"]}
    parts, top = [], 12

    def panel(title, rows):
        nonlocal top
        text, top = plot.panel(title, [(name, colour, value, f"{value:,.0f}")
                                       for name, colour, value in rows], top)
        parts.append(text)
    panel("instructions for one request, both ways",
          [(name, colours[name], entry["total"]) for name, entry in both.items()])
    for title, part in (("request", slice(0, 6)), ("reply", slice(6, 12))):
        rows = []
        for a, b in zip(*(entry["wakes"][part] for entry in both.values())):
            rows += [(f"{a[0]}, CAmkES", colours["CAmkES"], a[2]),
                     ("Microkit", colours["Microkit"], b[2])]
        panel(f"{title}: instructions in each component, in order", rows)
    panel("kernel, runtime and clock, for each wake-up",
          [(name, colours[name], entry["passing"]) for name, entry in both.items()])
    panel("round trip of an empty message (instructions)",
          [(name, colours[name.split()[0]], value)
           for name, value in results["connectors"].items()])
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plot.WIDTH} {top}" '
            f'width="{plot.WIDTH}" height="{top}" font-family="sans-serif" font-size="12" '
            f'fill="#222">\n<style>.title{{font-weight:bold;font-size:13px}}</style>\n'
            f'<rect width="{plot.WIDTH}" height="{top}" fill="#fff"/>\n' + "\n".join(parts) +
            "\n</svg>\n")


def kernel_version(checkout):
    described = subprocess.run(["git", "-C", checkout / "kernel", "describe", "--tags"],
                               capture_output=True, text=True)
    return described.stdout.strip() or (checkout / "kernel/VERSION").read_text().strip()


def main():
    output = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/bench/compare").resolve()
    reason = camkes.why_not()
    if not reason and not (SDK / "bin/microkit").exists():
        reason = f"no Microkit SDK at {SDK}: set MICROKIT_SDK (docs/microkit.md)"
    if reason:
        sys.exit(f"compare: {reason}")
    output.mkdir(parents=True, exist_ok=True)
    results = {"sdk": (SDK / "VERSION").read_text().strip(),
               "kernel": kernel_version(camkes.checkout())}
    with tempfile.TemporaryDirectory(prefix="sluice-compare-") as scratch:
        scratch = pathlib.Path(scratch)
        results["camkes"], bits, app = camkes_requests(scratch)
        results["connectors"] = camkes_connectors(scratch, app)
        results["connectors"] |= microkit_channel(scratch)
    results["microkit"] = microkit_requests(output, bits)
    (output / "results.json").write_text(json.dumps(results, indent=1))
    text = report(results)
    (ROOT / "docs/compare.md").write_text(text)
    (ROOT / "docs/compare.svg").write_text(draw(results))
    print(text)


if __name__ == "__main__":
    main()

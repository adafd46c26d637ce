# SPDX-License-Identifier: BSD-2-Clause
"""`make compare`: the same requests through the gateway as a CAmkES and as a Microkit system.

A client and a device inside the machine make one request after the other, under `-icount
shift=0,sleep=off`: one instruction is one nanosecond of the machine's time, so the same image
gives the same number every time (each is run twice). Writes docs/compare.md and its plot.

usage: bench/compare.py [OUTPUT]
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "bench")]
import camkes
import microkit
import plot

TICK = microkit.TICK
SLUICE = ROOT / "build/sluice"
NOT_DOMAINS = ("total", "exact", "kernel entries", "memory", "file")


def boot_camkes(image, wanted, timeout=180):
    """The serial port's text once `wanted` stands in it."""
    serial = image / "serial"
    serial.write_bytes(b"")
    process = subprocess.Popen(
        ["qemu-system-aarch64", "-machine", "virt,secure=off", "-cpu", "cortex-a53", "-m", "1024",
         "-nodefaults", "-display", "none", "-monitor", "none", "-serial", f"file:{serial}",
         "-icount", "shift=0,sleep=off", "-rtc", "clock=vm", "-kernel",
         f"{image}/capdl-loader-image"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            text = serial.read_text(errors="replace")
            if wanted in text and text.endswith("\n"):
                return text
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    raise RuntimeError(f"no measurement within {timeout} s; see {serial}")


def lines(text, key):
    return [json.loads(line) for line in text.splitlines() if f'"{key}"' in line]


def camkes_requests(scratch):
    site, app, image = scratch / "site.yaml", scratch / "app", scratch / "image"
    site.write_text(microkit.SITE)
    subprocess.run([SLUICE, "build", site, "--host", "camkes", "--ext-nic", "synthetic",
                    "--int-nic", "synthetic", "-o", app], check=True, capture_output=True)
    camkes.build(app, scratch / "build", image)
    runs = [next(line for line in lines(boot_camkes(image, '"bench"'), "event")
                 if line["event"] == "bench") for _ in range(2)]
    return {"total": runs[0]["ticks"] * TICK / runs[0]["requests"],
            "exact": runs[0]["ticks"] == runs[1]["ticks"], "memory": camkes.memory(image),
            "file": (image / "capdl-loader-image").stat().st_size}, app


def camkes_connectors(scratch, app):
    """Round trips in instructions, by connector: in the gateway's own kernel configuration."""
    folder, image = scratch / "connectors", scratch / "connectors-image"
    shutil.copytree(ROOT / "bench/connectors", folder)
    shutil.copytree(app / "templates", folder / "templates")
    shutil.copy(app / "settings.cmake", folder / "settings.cmake")
    (folder / "machine.json").write_text("{}")
    camkes.build(folder, scratch / "connectors-build", image, capdl="connectors.cdl")
    found = lines(boot_camkes(image, "done"), "connector")
    return {line["connector"]: line["ticks"] * TICK / line["rounds"] for line in found}


def microkit_requests(output, config):
    image = microkit.build(SLUICE, config, output / config)
    first, second = microkit.measure(image), microkit.measure(image)
    found = microkit.per_request(first)
    found["exact"] = first["ticks"] == second["ticks"]
    found["memory"] = (image / "memory.txt").read_text()
    found["file"] = (image / "loader.img").stat().st_size
    return found


def kib(text, label):
    """The number of the row `label` of a memory account."""
    return float(re.search(rf"^{re.escape(label)}\s+([\d.]+)", text, re.M)[1])


def report(results):
    one, two, three = results["camkes"], results["microkit release"], results["microkit benchmark"]
    domains = {name: value for name, value in three.items()
               if name not in NOT_DOMAINS and value >= 1}
    rows = "\n".join(f"| {name} | {value:,.0f} |" for name, value in domains.items())
    connectors = "\n".join(f"| CAmkES {name} | {value:,.0f} |"
                           for name, value in results["connectors"].items())
    hops = 10
    exact = all(entry["exact"] for entry in (one, two, three))
    return f"""# CAmkES and Microkit, the same gateway

Made by `make compare` on QEMU's `virt` (Cortex-A53), under `-icount shift=0,sleep=off`: one
instruction is one nanosecond of the machine's time. A client and a device inside the machine, in
place of the NICs, make 1000 requests one after the other (read one register) after 100 for warming
up, with one audit line each to the serial port. Each image was run twice{", with the same count"
if exact else "; the counts were NOT the same"}.

| | CAmkES, release | Microkit, release | Microkit, benchmark |
|---|---:|---:|---:|
| instructions a request, in total | {one["total"]:,.0f} | {two["total"]:,.0f} | {three["total"]:,.0f} |
| a hop ({hops} between NICs and back) | {one["total"] / hops:,.0f} | {two["total"] / hops:,.0f} | {three["total"] / hops:,.0f} |
| memory (KiB) | {kib(one["memory"], "total"):,.0f} | {kib(two["memory"], "total"):,.0f} | {kib(three["memory"], "total"):,.0f} |
| image file (KiB) | {one["file"] / 1024:,.0f} | {two["file"] / 1024:,.0f} | {three["file"] / 1024:,.0f} |

![instructions](compare.svg)

A request passes eight components in ten hops: 1 NIC to frontend, 2 to parser_norm, 3 to policy_emit, 4 to
int_frontend, 5 to the NIC, and back. "A hop" is the total over ten, with the work of the component
in it. Where the instructions of one request go, by domain, is counted by Microkit's benchmark
kernel (no CAmkES kernel of this checkout counts so); the sources are the same on both:

| Microkit, benchmark | instructions |
|---|---:|
{rows}
| kernel and the rest | {three["total"] - sum(domains.values()):,.0f} |

A round trip of an empty notification between two components:

| | instructions |
|---|---:|
{connectors}
| Microkit channel, SDK 2.0.1 and 2.3.0, release (measured before, not by this command) | 1,956 and 2,261 |

## What was held equal, and what could not be

Equal: component sources, compiler and flags of the components (gcc, -O2, no floating point),
limits (sessions, outstanding, buffers), policy, requests, MCS kernels without debugging, the
fast path on and the signal fast path off (on in the benchmark kernel), one priority for pipeline and
monitor, one wake-up a notification.

Not equal: the kernel's version (CAmkES checkout 14.0.0-48, SDK 2.3.0: 16.0.0); the SDK's kernel is
built as a hypervisor and runs at EL2, the checkout's at EL1; CAmkES compiles kernel and libraries at
-O3; CAmkES images carry a C library and the CAmkES runtime, Microkit's do not; Microkit's memory has
the supervisor and a saved copy of each domain's data for restarts, which CAmkES has not.
libmicrokit wakes a component once for each channel of a wake-up, ours on CAmkES once for all.
`memcpy` and its kin are the C library's on CAmkES and the Microkit host's own plain ones there,
which tells most in the frontends and the monitor. These images have no NICs, so no DMA pools: add
196 KiB for each.
"""


def draw(results):
    rows = [("CAmkES, release", "#2e7d5b", results["camkes"]["total"]),
            ("Microkit, release", "#c4622d", results["microkit release"]["total"]),
            ("Microkit, benchmark", "#e0a03c", results["microkit benchmark"]["total"])]
    parts, top = [], 12
    text, top = plot.panel("instructions for one request, both ways",
                           [(name, colour, value, f"{value:,.0f}") for name, colour, value in rows],
                           top)
    parts.append(text)
    text, top = plot.panel("round trip of a notification, CAmkES connectors (instructions)",
                           [(name, "#7f9bb3", value, f"{value:,.0f}")
                            for name, value in results["connectors"].items()], top)
    parts.append(text)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plot.WIDTH} {top}" '
            f'width="{plot.WIDTH}" height="{top}" font-family="sans-serif" font-size="12" '
            f'fill="#222">\n<style>.title{{font-weight:bold;font-size:13px}}</style>\n'
            f'<rect width="{plot.WIDTH}" height="{top}" fill="#fff"/>\n' + "\n".join(parts) +
            "\n</svg>\n")


def main():
    output = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/bench/compare").resolve()
    reason = camkes.why_not()
    if reason:
        sys.exit(f"compare: {reason}")
    output.mkdir(parents=True, exist_ok=True)
    results = {}
    with tempfile.TemporaryDirectory(prefix="sluice-compare-") as scratch:
        scratch = pathlib.Path(scratch)
        results["camkes"], app = camkes_requests(scratch)
        results["connectors"] = camkes_connectors(scratch, app)
    for config in ("release", "benchmark"):
        results[f"microkit {config}"] = microkit_requests(output, config)
    (output / "results.json").write_text(json.dumps(results, indent=1))
    text = report(results)
    (ROOT / "docs/compare.md").write_text(text)
    (ROOT / "docs/compare.svg").write_text(draw(results))
    print(text)


if __name__ == "__main__":
    main()

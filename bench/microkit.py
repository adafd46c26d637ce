# SPDX-License-Identifier: BSD-2-Clause
"""Instructions for one request from the outer NIC to the inner one and back, on seL4 in QEMU.

Client and device are inside the machine in place of the NICs' drivers, and QEMU counts: with
`-icount shift=0,sleep=off` one instruction is one nanosecond of the machine's time, so the same
image gives the same number every time. Each image is run twice to show it.

usage: bench/microkit.py [SLUICE [OUTPUT]]
"""
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SITE = """
gateway:
  audit: { lines: each }
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
services:
  - name: plant
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    rules:
      - { allow: read, unit: 1, address: 0-99 }
"""
TICK = 16  # instructions: nanoseconds of a 62.5 MHz counter
EARLY = 100  # wakes of each kind before those that are averaged (hosts/microkit/wakes.h)
DEVICE = 62  # bit of the badge of a component that its own device woke (sluice/component.h)


def build(sluice, config, output, options=()):
    output.mkdir(parents=True, exist_ok=True)
    site = output / "site.yaml"
    site.write_text(SITE)
    result = subprocess.run([sluice, "build", site, "--host", "microkit", "--config", config,
                             "--ext-nic", "synthetic", "--int-nic", "synthetic", "-o", output,
                             *options], capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(result.stdout + result.stderr)
    return output


def boot(machine, image, wanted, timeout=300):
    """What the image has written to the serial port by the time that `wanted` stands in it."""
    serial = image / "serial"
    serial.write_bytes(b"")
    process = subprocess.Popen(
        ["qemu-system-aarch64", *machine, "-cpu", "cortex-a53", "-nodefaults", "-display", "none",
         "-monitor", "none", "-serial", f"file:{serial}", "-icount", "shift=0,sleep=off", "-rtc",
         "clock=vm,base=2026-01-01T00:00:00"],
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


def boot_microkit(image, wanted):
    return boot(["-machine", "virt,virtualization=on", "-m", "2G", "-device",
                 f"loader,file={image}/loader.img,addr=0x70000000,cpu-num=0"], image, wanted)


def read(text):
    """The line of the measurement; in it, under "wakes", each component's by the bit of the badge
    that woke it: instructions a request, connecting and warming up left out. And how many audit lines
    there were."""
    lines = [json.loads(line) for line in text.splitlines()
             if line.startswith("{") and line.endswith("}")]
    line = next(line for line in lines if line.get("event") == "bench")
    line["wakes"], line["audit"] = {}, sum("seq" in other for other in lines)
    wakes = [other for other in lines if other.get("event") == "wakes"]
    requests = next(other["counts"][1] for other in wakes if other["of"] == "request_parser_norm")
    for other in wakes:
        counts = other["counts"]
        # A component may be woken more than once for a request, and find nothing to do.
        line["wakes"][other["of"]] = {
            badge: (ticks - early) * TICK / (wakes - EARLY) * wakes / requests
            for badge, wakes, ticks, early in zip(*[iter(counts)] * 4) if wakes > 2 * EARLY}
        if other["of"] == "monitor":
            line["monitor"] = sum(counts[2::4]) * TICK / line["audit"]
    return line


def measure(image):
    return read(boot_microkit(image, '"event":"bench"'))


def per_request(line):
    """Instructions a request: in total, and by domain where the kernel counted it."""
    requests = line["requests"]
    found = {"total": line["ticks"] * TICK / requests}
    for name, value in line.items():
        if isinstance(value, dict) and "cycles" in value:
            found[name] = value["cycles"] / requests
    if "total_entries" in line:
        found["kernel entries"] = line["total_entries"] / requests
    return found


def main():
    sluice = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/sluice").resolve()
    output = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "build/bench/microkit").resolve()
    results = {}
    for config in ("release", "benchmark"):
        image = build(sluice, config, output / config)
        first, second = measure(image), measure(image)
        results[config] = per_request(first)
        results[config]["exact"] = first["ticks"] == second["ticks"]
        results[config]["monitor"] = first["monitor"]
    (output / "results.json").write_text(json.dumps(results, indent=1))
    domains = [name for name in results["benchmark"]
               if name not in ("total", "exact", "kernel entries", "monitor")]
    rest = results["benchmark"]["total"] - sum(results["benchmark"][name] for name in domains)
    print("| instructions a request (read one register, both ways) | |\n|---|---:|")
    for config in ("release", "benchmark"):
        again = "same in both runs" if results[config]["exact"] else "NOT the same in both runs"
        print(f"| in total, {config} ({again}) | {results[config]['total']:,.0f} |")
    for name in domains:
        if results["benchmark"][name] >= 1:
            print(f"| {name}, benchmark | {results['benchmark'][name]:,.0f} |")
    entries = results["benchmark"]["kernel entries"]
    print(f"| kernel, benchmark ({entries:.1f} entries) | {rest:,.0f} |")
    print(f"| an audit line besides, rendered and written to the serial port, release | "
          f"{results['release']['monitor']:,.0f} |")
    print("\nDrivers are the synthetic client and device with their TCP. The monitor runs when "
          "nobody else does, so its lines come after the requests.")


if __name__ == "__main__":
    main()

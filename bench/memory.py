# SPDX-License-Identifier: BSD-2-Clause
"""Memory by kind, of a running gateway: shared regions by link, private pages by process."""
import pathlib
import re
import subprocess
import time

import roundtrip

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/sluice"


def topology_regions():
    """[(name, bytes)] of every shared region, from `sluice topology --text`."""
    config = ROOT / "systems/heating-plant/sluice.yaml"
    text = subprocess.run([PROGRAM, "topology", config, "--text"], capture_output=True, text=True,
                          check=True).stdout
    found = [(name, int(size)) for name, size in
            re.findall(r"^ *region +(\S+) +(\d+)", text, re.MULTILINE)]
    if not found:
        raise RuntimeError("`sluice topology --text` lists no region that this script knows")
    return found


def shared_regions():
    return sum(size for _, size in topology_regions())


def children(pid):
    found = [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def private_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kib) for kib in re.findall(r"Private_\w+: +(\d+)", text))


def measure(scratch):
    rows = [("shared regions, all", shared_regions() // 1024)]
    kinds = {}
    for name, size in topology_regions():
        kind = "audit rings" if "monitor" in name else "frame queues and buffers" if any(
            name.endswith(word) for word in ("_free", "_active", "_buffers")) else "message rings"
        kinds[kind] = kinds.get(kind, 0) + size
    rows += [(f"- {kind}", size // 1024) for kind, size in sorted(kinds.items())]
    size = subprocess.run(["size", PROGRAM], capture_output=True, text=True,
                          check=True).stdout.splitlines()[1].split()
    rows += [("program, text", int(size[0]) // 1024), ("program, data and bss",
                                                       (int(size[1]) + int(size[2])) // 1024)]
    for name in ("isolated", "fused"):
        contender = roundtrip.CONTENDERS[name](f"memory {name}", scratch, "0", "0")
        try:
            contender.measure(64, 0.5)
            time.sleep(0.2)
            # taskset is the parent's child only when it did not exec; it does
            launcher = contender.gateway.process.pid
            rows += [(f"{name}: private pages of the launcher", private_kib(launcher)),
                     (f"{name}: private pages of its processes, together",
                      sum(map(private_kib, children(launcher))))]
        finally:
            contender.close()
    return rows

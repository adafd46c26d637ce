# SPDX-License-Identifier: BSD-2-Clause
"""Mixed clients without a loss and without growth in memory: 30000 requests here, a million by
`make soak` (SOAK_REQUESTS)."""
import json
import os
import pathlib
import re
import sys
import time

import lab as lab_module

ROOT = pathlib.Path(__file__).resolve().parents[2]
REQUESTS = int(os.environ.get("SOAK_REQUESTS", "30000"))
GROWTH_KIB = 64  # pages that a first use of a path may still touch, over all processes


def processes(pid):
    found = [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid] + [process for child in found for process in processes(child)]


def memory(pid):
    """KiB private to the gateway's processes, and how many descriptors they hold."""
    kib = files = 0
    for process in processes(pid):
        text = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text()
        kib += sum(int(found) for found in re.findall(r"Private_\w+: +(\d+)", text))
        files += len(os.listdir(f"/proc/{process}/fd"))
    return kib, files


def soak(lab, requests):
    result = lab.client.run([ROOT / "build/tests/e2e/soak_clients", lab_module.LISTEN_ADDRESS, 502, 40,
                             requests], timeout=3600)
    assert result.returncode == 0, result.stderr
    counts = json.loads(result.stdout)
    assert counts["read"] + counts["denied"] + counts["malformed"] >= requests
    assert counts["denied"] and counts["malformed"]
    return counts


def test_mixed_clients(lab, heating_plant, tmp_path, sluice):
    device = lab.device.popen([ROOT / "build/bench/device", lab_module.DEVICE_ADDRESS, 502])
    try:
        audit = "/dev/null" if REQUESTS > 100000 else tmp_path / "audit.json"
        with lab_module.Gateway(lab, sluice, heating_plant, tmp_path / "log", "--audit", audit) as gateway:
            soak(lab, max(REQUESTS // 5, 10000))  # every path once, before memory is looked at
            time.sleep(0.5)
            for _ in range(3):  # a path may be used first in any round, a leak grows in each
                before = memory(gateway.process.pid)
                counts = soak(lab, REQUESTS)
                time.sleep(0.5)
                after = memory(gateway.process.pid)
                print(f"{counts}; private KiB and descriptors before {before}, after {after}",
                      file=sys.stderr)
                assert gateway.process.poll() is None and "restarted" not in gateway.read_log()
                assert after[1] == before[1]
                if after[0] - before[0] <= GROWTH_KIB:
                    break
            else:
                raise AssertionError(f"memory grows: {before[0]} KiB, {after[0]} KiB")
    finally:
        device.kill()
        device.wait()

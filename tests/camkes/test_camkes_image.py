# SPDX-License-Identifier: BSD-2-Clause
"""The CAmkES image at work: the demo's walk, and load."""
import concurrent.futures
import io

import lab as lab_module
import pytest
import walk

pytestmark = pytest.mark.camkes


def test_walk(build, boot, lab, plant):
    gateway = boot(build())
    out = io.StringIO()
    assert walk.walk(lab.connect, plant, gateway.audit, out) == 0, out.getvalue()
    lines = gateway.audit()
    assert len({line["boot"] for line in lines}) == 1 and lines[0]["boot"] != "0" * 16
    assert len({line["policy"] for line in lines}) == 1
    assert [line["seq"] for line in lines] == list(range(len(lines)))  # each reached the port
    assert abs(walk.time.time() - timestamp(lines[-1])) < 600  # the real-time clock's word


def timestamp(line):
    import datetime
    return datetime.datetime.strptime(line["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


LOAD = """
gateway:
  external: { nic: ext0, address: 192.168.96.2/24 }
  internal: { nic: int0, address: 192.168.95.1/24 }
hosts: { hmi: 192.168.96.10 }
services:
  - name: plant
    protocol: modbus-tcp
    listen: 192.168.96.2:502
    device: 192.168.95.2:502
    timeout: 60s
    rules:
      - { allow: read, from: hmi, unit: 1, address: 0-99 }
"""


def test_16_connections_1000_requests_each(build, boot, lab, libmodbus_device, root, tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(LOAD)
    boot(build(site))
    peer = root / "build/tests/e2e/libmodbus_peer"
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = list(pool.map(
            lambda _: lab.client.run([peer, "flood", lab_module.LISTEN_ADDRESS, 502, 1000],
                                     timeout=600),
            range(16)))
    assert [r.stdout for r in results if r.returncode] == []

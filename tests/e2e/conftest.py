# SPDX-License-Identifier: BSD-2-Clause
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import lab as lab_module
import walk
from capture import Capture


@pytest.fixture
def lab():
    if os.geteuid() != 0:
        pytest.skip("network namespaces for these tests need root: run `sudo make test`, or "
                    "`unshare -Urn make test` where user namespaces are allowed")
    reason = lab_module.why_not()
    if reason:
        pytest.skip(reason)
    with lab_module.Lab() as network:
        yield network


@pytest.fixture
def heating_plant(tmp_path):
    """The example site; its device has more than its second, for this machine may be a busy one."""
    config = tmp_path / "heating-plant.yaml"
    example = (ROOT / "systems/heating-plant/sluice.yaml").read_text()
    config.write_text(example.replace("timeout: 1s ", "timeout: 5s "))
    return config


@pytest.fixture
def plant(lab):
    device = walk.Plant(lab.device, ROOT)
    yield device
    device.close()


@pytest.fixture(params=["isolated", "fused"])
def gateway(request, lab, heating_plant, tmp_path, sluice):
    options = ["--fused"] if request.param == "fused" else []
    config = getattr(request.module, "CONFIG", None)
    if config:
        heating_plant = tmp_path / "sluice.yaml"
        heating_plant.write_text(config)
    with lab_module.Gateway(lab, sluice, heating_plant, tmp_path / "audit.json", *options) as it:
        yield it


class Peer:
    """libmodbus as the device."""

    def __init__(self, lab):
        self.process = lab.device.popen(
            [ROOT / "build/tests/e2e/libmodbus_peer", "device", lab_module.DEVICE_ADDRESS, 502],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"


@pytest.fixture
def libmodbus_device(lab):
    peer = Peer(lab)
    yield peer
    peer.process.kill()
    peer.process.wait()


class Observer:
    """tcpdump on the device's wire; afterwards tshark says what the device was sent."""

    def __init__(self, lab, path):
        self.path, self.capture = path, Capture(lab.device, "dev0", path)

    def requests(self):
        """Each request to port 502, as tshark decodes it: dictionaries of numbers."""
        self.capture.end()
        fields = ["mbtcp.trans_id", "mbtcp.unit_id", "modbus.func_code", "modbus.reference_num",
                  "modbus.word_cnt", "modbus.bit_cnt", "modbus.data", "mbtcp.len"]
        command = ["tshark", "-r", self.path, "-Y", "mbtcp && tcp.dstport == 502", "-T", "json",
                   "-o", "mbtcp.desegment:TRUE"]
        import json
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        found = []

        def pairs(items):
            # Several ADUs of one segment are several equal keys: keep them all.
            out = {}
            for key, value in items:
                out.setdefault(key, []).append(value)
            return out
        for packet in json.loads(result.stdout or "[]", object_pairs_hook=pairs):
            layers = packet["_source"][0]["layers"][0]
            for mbap, pdu in zip(layers.get("mbtcp", []), layers.get("modbus", [])):
                flat = {}
                _flatten({"a": [mbap], "b": [pdu]}, flat)
                found.append({field: [_number(v) for v in flat.get(field, [])]
                              for field in fields})
        return found

    def payload(self):
        """All bytes sent to the device, per connection, as tshark follows them."""
        self.capture.end()
        result = subprocess.run(
            ["tshark", "-r", self.path, "-Y", "tcp.dstport == 502 && tcp.len > 0", "-T", "fields",
             "-e", "tcp.stream", "-e", "tcp.payload"], capture_output=True, text=True, check=True)
        streams = {}
        for line in result.stdout.splitlines():
            stream, payload = line.split("\t")
            streams[stream] = streams.get(stream, b"") + bytes.fromhex(payload)
        return streams


def _number(text):
    return int(text.replace(":", ""), 16) if ":" in text else int(text, 0)


def _flatten(node, out):
    for key, values in node.items():
        for value in values:
            if isinstance(value, dict):
                _flatten(value, out)
            else:
                out.setdefault(key, []).append(value)


@pytest.fixture
def observer(lab, tmp_path):
    it = Observer(lab, tmp_path / "device.pcap")
    yield it
    it.capture.kill()

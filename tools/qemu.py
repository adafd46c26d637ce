# SPDX-License-Identifier: BSD-2-Clause
"""A built image in QEMU, in the lab's gateway namespace, in place of `sluice run`.

Each NIC of the machine is a tap device, bridged to the cable that the lab has laid to the client
or the device. Audit lines are what the image writes to its serial port.
"""
import json
import os
import shutil
import subprocess
import time

KIND = {"qemu_virt_aarch64": {
    "machine": ["-machine", "virt,virtualization=on", "-cpu", "cortex-a53", "-m", "2G"],
    "slot": {"ext": 0, "int": 8, "entropy": 16},  # a page of its own each: docs/microkit.md
    "load": ["-device", "loader,file={}/loader.img,addr=0x70000000,cpu-num=0"],
}, "camkes_qemu_arm_virt": {  # memory and device tree are those of the build: docs/camkes.md
    "machine": ["-machine", "virt,secure=off", "-cpu", "cortex-a53", "-m", "1024"],
    "slot": {"ext": 0, "int": 8, "entropy": 16},
    "load": ["-kernel", "{}/capdl-loader-image"],
}}


def why_not():
    """None where an image can be booted between namespaces here, else the reason."""
    if shutil.which("qemu-system-aarch64") is None:
        return "no qemu-system-aarch64: tools/install-deps microkit"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no access to /dev/net/tun: run as root"
    return None


def command(image, nics, serial="file:/dev/stdout", extra=()):
    """The QEMU command line for the image in directory `image`.

    `nics` maps "ext" and "int" to a -netdev specification without its id."""
    machine = json.loads((image / "machine.json").read_text())
    kind = KIND[machine["board"]]
    line = ["qemu-system-aarch64", *kind["machine"], "-display", "none", "-monitor", "none",
            "-nodefaults", "-serial", serial, "-global", "virtio-mmio.force-legacy=false",
            *[part.format(image) for part in kind["load"]]]
    for side, netdev in nics.items():
        line += ["-netdev", f"{netdev.split(',')[0]},id={side},{','.join(netdev.split(',')[1:])}",
                 "-device", f"virtio-net-device,netdev={side},mac={machine[side + '_mac']},"
                            f"bus=virtio-mmio-bus.{kind['slot'][side]}"]
    line += ["-object", "rng-random,filename=/dev/urandom,id=random",
             "-device", f"virtio-rng-device,rng=random,bus=virtio-mmio-bus.{kind['slot']['entropy']}"]
    return line + list(extra)


class Gateway:
    """The image at work; the same face as lab.Gateway."""

    def __init__(self, lab, image, serial, extra=(), wait=True):
        self._lab, self._wait = lab, wait
        self.serial = serial
        serial.write_bytes(b"")
        for side in ("ext", "int"):
            lab.gateway.ip("link", "add", f"br-{side}", "type", "bridge")
            lab.gateway.ip("tuntap", "add", f"tap-{side}", "mode", "tap")
            for port in (f"{side}0", f"tap-{side}"):
                lab.gateway.ip("link", "set", port, "master", f"br-{side}")
                lab.gateway.ip("link", "set", port, "up")
            lab.gateway.ip("link", "set", f"br-{side}", "up")
        nics = {side: f"tap,ifname=tap-{side},script=no,downscript=no" for side in ("ext", "int")}
        self.process = lab.gateway.popen(command(image, nics, f"file:{serial}", extra),
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        until = time.monotonic() + 180
        while self._wait:
            if self.process.poll() is not None:
                raise RuntimeError(f"qemu ended: {self.process.stderr.read()}")
            try:
                self._lab.connect(timeout=1).close()
                break
            except ConnectionRefusedError:  # it is there, and no service has this port
                break
            except OSError:
                if time.monotonic() > until:
                    self.__exit__()
                    raise RuntimeError(f"the image does not answer; serial:\n{self.read_log()}") \
                        from None
                time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for side in ("ext", "int"):
            self._lab.gateway.run(["ip", "link", "delete", f"tap-{side}"])
            self._lab.gateway.run(["ip", "link", "delete", f"br-{side}"])

    def read_log(self):
        return self.serial.read_text(errors="replace")

    def audit(self):
        """The JSON lines so far; what else is on the serial port (kernel, loader) is not ours."""
        lines = []
        for line in self.read_log().split("\n")[:-1]:
            if line.lstrip("\r").startswith("{"):
                try:
                    lines.append(json.loads(line))
                except json.JSONDecodeError:
                    pass  # cut by the supervisor's line when a domain died
        return lines

    def wait_audit(self, wanted, timeout=30):
        until = time.monotonic() + timeout
        while True:
            for line in self.audit():
                if wanted(line):
                    return line
            if time.monotonic() > until:
                return None
            time.sleep(0.02)

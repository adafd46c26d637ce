# SPDX-License-Identifier: BSD-2-Clause
"""`make microkit-run`: the demo's walk through a Microkit image in QEMU."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab
import qemu
import walk

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main(image):
    lab.enter()
    reason = lab.why_not() or qemu.why_not()
    if reason:
        sys.exit(f"microkit-run: {reason}")
    with tempfile.TemporaryDirectory(prefix="sluice-microkit-") as scratch, lab.Lab() as network:
        plant = walk.Plant(network.device, ROOT)
        try:
            with qemu.Gateway(network, image, pathlib.Path(scratch) / "serial") as gateway:
                print("client 192.168.96.10 === (slot 0) seL4 in QEMU (slot 8) === 192.168.95.2 "
                      "heating plant (pymodbus)\n")
                wrong = walk.walk(network.connect, plant, gateway.audit)
                print("\nthe serial port:")
                print("\n".join(gateway.read_log().splitlines()[:12]))
        finally:
            plant.close()
    print("\nAll as it must be." if not wrong else f"\n{wrong} steps went wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))

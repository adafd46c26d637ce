# SPDX-License-Identifier: BSD-2-Clause
"""`make demo`: the gateway between a client and a small heating plant, on this machine."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab
import walk

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    lab.enter()
    reason = lab.why_not()
    if reason:
        sys.exit(f"demo: {reason}")
    config = ROOT / "systems/heating-plant/sluice.yaml"
    with tempfile.TemporaryDirectory(prefix="sluice-demo-") as scratch, lab.Lab() as network:
        audit = pathlib.Path(scratch) / "audit.json"
        plant = walk.Plant(network.device, ROOT)
        try:
            with lab.Gateway(network, ROOT / "build/sluice", config, audit, *sys.argv[1:]) as gateway:
                print("client 192.168.96.10 === (ext0) sluice (int0) === 192.168.95.2 heating plant "
                      "(pymodbus)\n")
                wrong = walk.walk(network.connect, plant, gateway.audit)
                lines = gateway.audit()
                print(f"\n{len(lines)} audit lines; one of them, whole:")
                with open(audit) as text:
                    print(next((line for line in text if '"deny"' in line), "").strip())
        finally:
            plant.close()
    print("\nAll as it must be." if not wrong else f"\n{wrong} steps went wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSD-2-Clause
"""`make demo`: the gateway between a client and a small heating plant, and between a control centre
and a substation, on this machine. `make demo DEMO=dnp3` is the second alone."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import lab
import substation_walk
import walk

ROOT = pathlib.Path(__file__).resolve().parent.parent


def heating_plant(scratch, network, options):
    audit = scratch / "audit.json"
    plant = walk.Plant(network.device, ROOT)
    try:
        with lab.Gateway(network, ROOT / "build/sluice", ROOT / "systems/heating-plant/sluice.yaml",
                         audit, *options) as gateway:
            print("client 192.168.96.10 === (ext0) sluice (int0) === 192.168.95.2 heating plant "
                  "(pymodbus)\n")
            wrong = walk.walk(network.connect, plant, gateway.audit)
            show_audit(gateway)
    finally:
        plant.close()
    return wrong


def substation(scratch, network, options):
    site = substation_walk.Substation(network)
    try:
        with lab.Gateway(network, ROOT / "build/sluice", ROOT / "systems/substation/sluice.yaml",
                         scratch / "audit.json", *options) as gateway:
            print("\nmaster 1 at 192.168.96.10 === (ext0) sluice (int0) === 192.168.95.2 outstation 10 "
                  "(OpenDNP3)\n")
            site.connect()
            wrong = substation_walk.run(site, gateway.audit)
            show_audit(gateway)
    finally:
        site.close()
    return wrong


def show_audit(gateway):
    print(f"\n{len(gateway.audit())} audit lines; one of them, whole:")
    with open(gateway.audit_path) as text:
        print(next((line for line in text if '"deny"' in line), "").strip())


ACTS = {"modbus": heating_plant, "dnp3": substation}


def main():
    lab.enter()
    reason = lab.why_not()
    if reason:
        sys.exit(f"demo: {reason}")
    named = [word for word in sys.argv[1:] if word in ACTS]
    options = [word for word in sys.argv[1:] if word not in ACTS]
    wrong = 0
    for act in named or ACTS:
        with tempfile.TemporaryDirectory(prefix="sluice-demo-") as scratch, lab.Lab() as network:
            wrong += ACTS[act](pathlib.Path(scratch), network, options)
    print("\nAll as it must be." if not wrong else f"\n{wrong} steps went wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

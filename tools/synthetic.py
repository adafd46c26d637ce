# SPDX-License-Identifier: BSD-2-Clause
"""Runs the one-way assembly of systems/v1 on a host, and counts: every request that was made is
malformed, denied, delivered or lost."""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import qemu

ROOT = pathlib.Path(__file__).resolve().parent.parent
SITE = ROOT / "systems/v1/sluice.yaml"
Counts = collections.namedtuple("Counts", "sent malformed denied delivered lost")


def count(lines):
    """From each component's own counters: audit lines may be lost, a serial port being slow."""
    def last(component, verdict=None):
        return max((line["count"] for line in lines
                    if line["event"] == "counters" and line["component"] == component
                    and line.get("verdict") == verdict), default=0)
    return Counts(last("ext_nic_drv"), last("request_policy_emit", "malformed"),
                  last("request_policy_emit", "deny"), last("int_nic_drv"),
                  sum(line["count"] for line in lines if line["event"] == "dropped"))


def parse(text):
    lines = []
    for line in text.split("\n")[:-1]:
        if line.lstrip("\r").startswith("{"):
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError:
                pass
    return lines


def watch(process, path, messages, timeout, done=lambda now: False):
    """Audit lines until all requests are accounted for, or `done`, or the time is over."""
    until = time.monotonic() + timeout
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.5)
        lines = parse(path.read_text(errors="replace"))
        now = count(lines)
        if done(now) or now.sent == messages and now.malformed + now.denied + now.delivered + now.lost >= messages:
            break
    return parse(path.read_text(errors="replace"))


def run(command, path, messages=5000, timeout=180, **options):
    path.write_bytes(b"")
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=said)
        try:
            return watch(process, path, messages, timeout, **options)
        finally:
            if process.poll():  # it did not wait for our signal: it says why
                said.seek(0)
                sys.stderr.write(said.read())
            process.terminate()
            process.wait()


def linux(site=SITE, sluice=ROOT / "build/sluice", **options):
    with tempfile.TemporaryDirectory(prefix="sluice-v1-") as scratch:
        audit = pathlib.Path(scratch) / "audit.json"
        return run([sluice, "run", site, "--audit", audit], audit, **options)


def image(directory, extra=(), **options):
    """A Microkit or CAmkES image, in QEMU without NICs."""
    with tempfile.TemporaryDirectory(prefix="sluice-v1-") as scratch:
        serial = pathlib.Path(scratch) / "serial"
        return run(qemu.command(pathlib.Path(directory).resolve(), {}, f"file:{serial}", extra),
                   serial, **options)


def main(arguments):
    if not arguments or arguments[0] == "linux":
        lines = linux()
    elif arguments[0] in ("microkit", "camkes"):
        default = {"microkit": "build/microkit/image", "camkes": "build/camkes/image"}
        lines = image(arguments[1] if len(arguments) > 1 else ROOT / default[arguments[0]])
    else:
        sys.exit("usage: synthetic.py linux | microkit [IMAGE] | camkes [IMAGE]")
    counts = count(lines)
    print(counts)
    total = counts.malformed + counts.denied + counts.delivered + counts.lost
    print(f"sent {counts.sent} = {counts.malformed} malformed + {counts.denied} denied + "
          f"{counts.delivered} delivered + {counts.lost} lost")
    return 0 if counts.sent == total and counts.sent else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

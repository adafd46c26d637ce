# SPDX-License-Identifier: BSD-2-Clause
"""How much an insider who owns the internal network can tell an outsider through time alone.

The sender floods the gateway's internal interface in some time slots and not in others (one bit a
slot); the receiver, an allowed client, asks without end and decodes each slot from how long its
answers took. Prints for each slot length the bits decoded wrong and the channel's capacity
(of a binary symmetric channel with that error), one-way and two-way.

    sudo build/venv/bin/python bench/covert.py [BITS]
"""
import json
import math
import multiprocessing
import pathlib
import random
import socket
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/e2e")]
import lab as lab_module
import walk
from test_one_way import CONFIG

SLOTS = [0.1, 0.03, 0.01]


def send(lab, start, slot, bits, cpu):
    import os
    os.sched_setaffinity(0, {cpu})
    with lab.device.inside():
        flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    target = (lab_module.INT_ADDRESS, 9)
    for number, bit in enumerate(bits):
        end = start + (number + 1) * slot
        while time.monotonic() < start + number * slot:
            time.sleep(0.0005)
        while bit and time.monotonic() < end:
            flood.sendto(b"x" * 64, target)


def ask(connection, start, slot, count, pdu):
    """Median time of an answer in each slot, seconds."""
    times = [[] for _ in range(count)]
    while (now := time.monotonic()) < start + count * slot:
        connection.sendall(walk.adu(1, pdu))
        if not walk.receive(connection, 1, 2):
            raise SystemExit("no answer")
        number = int((now - start) / slot)
        if 0 <= number < count:
            times[number].append(time.monotonic() - now)
    return [statistics.median(t) if t else None for t in times]


def capacity(error):
    error = min(error, 1 - error)
    return 1 if error == 0 else 1 + error * math.log2(error) + (1 - error) * math.log2(1 - error)


def measure(mode, bits_wanted):
    config = CONFIG if mode == "one-way" else \
        (ROOT / "systems/heating-plant/sluice.yaml").read_text()
    with tempfile.TemporaryDirectory() as directory, lab_module.Lab() as lab:
        path = pathlib.Path(directory) / "sluice.yaml"
        path.write_text(config)
        plant = walk.Plant(lab.device, ROOT)
        with lab_module.Gateway(lab, ROOT / "build/sluice", path, f"{directory}/audit.json"):
            for slot in SLOTS:
                bits = [random.getrandbits(1) for _ in range(bits_wanted)]
                connection = lab.connect()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                start = time.monotonic() + 0.3
                sender = multiprocessing.Process(target=send, args=(lab, start, slot, bits, 0))
                sender.start()
                times = ask(connection, start, slot, len(bits), walk.write(2, 200))
                sender.join()
                known = sorted(t for t in times if t is not None)
                # The receiver's best threshold, as if it knew it: an upper bound for the channel.
                wrong = min(sum((t is None or t > limit) != bit for t, bit in zip(times, bits))
                            for limit in known)
                error = wrong / len(bits)
                print(json.dumps({
                    "mode": mode, "slot_ms": slot * 1000, "bits": len(bits), "wrong": wrong,
                    "bits_per_second": round(capacity(error) / slot, 1)}), flush=True)
                connection.close()
        plant.close()


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for each in ("one-way", "two-way"):
        measure(each, wanted)

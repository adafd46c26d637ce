# SPDX-License-Identifier: BSD-2-Clause
"""How much an insider who owns the internal network can tell an outsider through time alone.

Senders, one bit a time slot:
  flood  floods the gateway's internal interface in some slots and not in others
  death  makes the internal side die (here: kills int_frontend) in some slots and not in others
Receivers, an allowed client each:
  answer  asks without end; a slot is the median of how long its answers took
  ack     sends without end to a service that never answers; how long until TCP has acknowledged

Prints for each the bits decoded wrong with the best threshold, as if the receiver knew it, what
guessing gives by the same means (the same times against other random bits), and the capacity of
a binary symmetric channel with that error: an upper bound for this pair, none for better ones.

    sudo build/venv/bin/python bench/covert.py [BITS]
"""
import array
import fcntl
import json
import math
import multiprocessing
import os
import pathlib
import random
import signal
import socket
import statistics
import sys
import tempfile
import termios
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/e2e")]
import lab as lab_module
import walk
from test_one_way import CONFIG

TWO_WAY = (ROOT / "systems/heating-plant/sluice.yaml").read_text()
APART = CONFIG.replace("internal: { ", "internal: { cpu: 0, ")

CASES = [  # name, configuration, sender, receiver, slots in seconds
    ("one-way", CONFIG, "flood", "answer", [0.1, 0.03, 0.01]),
    ("one-way, a CPU each side", APART, "flood", "answer", [0.1, 0.03, 0.01]),
    ("one-way", CONFIG, "flood", "ack", [0.5]),
    ("one-way", CONFIG, "death", "answer", [0.5]),
    ("one-way, a CPU each side", APART, "death", "answer", [0.5]),
    ("two-way", TWO_WAY, "flood", "answer", [0.1, 0.03, 0.01]),
]


def internal_pid(gateway):
    lines = [line for line in gateway.audit() if line.get("event") in ("started", "restarted")]
    return next(entry["pid"] for entry in lines[-1]["processes"] if entry["name"] == "int_frontend")


def send(lab, gateway, kind, start, slot, bits):
    os.sched_setaffinity(0, {0})
    with lab.device.inside():
        flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    target = (lab_module.INT_ADDRESS, 9)
    for number, bit in enumerate(bits):
        end = start + (number + 1) * slot
        while time.monotonic() < start + number * slot:
            time.sleep(0.0005)
        if bit and kind == "death":
            try:
                os.kill(internal_pid(gateway), signal.SIGKILL)
            except ProcessLookupError:
                pass
        while bit and kind == "flood" and time.monotonic() < end:
            flood.sendto(b"x" * 64, target)


def wait_answer(connection):
    if not walk.receive(connection, 1, 2):
        raise SystemExit("no answer")


def wait_ack(connection):
    unsent = array.array("i", [1])
    limit = time.monotonic() + 2
    while unsent[0] and time.monotonic() < limit:
        fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)


def ask(connection, wait, start, slot, count):
    """Median time of what is waited for in each slot, seconds."""
    times = [[] for _ in range(count)]
    while (now := time.monotonic()) < start + count * slot:
        connection.sendall(walk.adu(1, walk.write(2, 200)))
        wait(connection)
        number = int((now - start) / slot)
        if 0 <= number < count:
            times[number].append(time.monotonic() - now)
    return [statistics.median(t) if t else None for t in times]


def capacity(error):
    error = min(error, 1 - error)
    return 1 if error == 0 else 1 + error * math.log2(error) + (1 - error) * math.log2(1 - error)


def wrong_bits(times, bits):
    known = sorted(t for t in times if t is not None)
    both = [sum((t is None or t > limit) != bit for t, bit in zip(times, bits)) for limit in known]
    return min(min(wrong, len(bits) - wrong) for wrong in both)


def measure(name, text, sender_kind, receiver, slots, count):
    with tempfile.TemporaryDirectory() as directory, lab_module.Lab() as lab:
        path = pathlib.Path(directory) / "sluice.yaml"
        path.write_text(text)
        plant = walk.Plant(lab.device, ROOT)
        with lab_module.Gateway(lab, ROOT / "build/sluice", path, f"{directory}/audit.json",
                                "--cpu", "1") as gateway:
            for slot in slots:
                bits = [random.getrandbits(1) for _ in range(count)]
                connection = lab.connect(port=1502 if receiver == "ack" else 502)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                start = time.monotonic() + 0.3
                sender = multiprocessing.Process(
                    target=send, args=(lab, gateway, sender_kind, start, slot, bits))
                sender.start()
                times = ask(connection, wait_ack if receiver == "ack" else wait_answer, start, slot,
                            count)
                sender.join()
                wrong = wrong_bits(times, bits)
                guess = statistics.mean(
                    wrong_bits(times, [random.getrandbits(1) for _ in bits]) for _ in range(50))
                print(json.dumps({
                    "mode": name, "sender": sender_kind, "receiver": receiver,
                    "slot_ms": slot * 1000, "bits": count, "wrong": wrong,
                    "wrong_by_guessing": round(guess, 1),
                    "bits_per_second": round(capacity(wrong / count) / slot, 1),
                    "by_guessing": round(capacity(guess / count) / slot, 1)}), flush=True)
                connection.close()
        plant.close()


if __name__ == "__main__":
    for case in CASES:
        measure(*case, int(sys.argv[1]) if len(sys.argv) > 1 else 100)

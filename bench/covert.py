# SPDX-License-Identifier: BSD-2-Clause
"""How much an insider who owns the internal network can tell an outsider through time alone.

Senders, one bit a time slot:
  flood  floods the gateway's internal interface in some slots and not in others
  death  kills int_frontend in some slots and not in others
Receivers, an allowed client each:
  answer  asks without end, and connects anew where it must; how long its answers took
  ack     sends without end to a service that never answers; how long until TCP has acknowledged

A slot's times are decoded by their median, their 90th percentile or the longest, whichever is best, with
the best threshold, as if the receiver knew both: this favours it. Printed for each: the bits wrong, what
guessing gives by the same means (the same times against other random bits), how often guessing does as
well, and the capacity of a binary symmetric channel with that error, with the upper 95 % bound
(Clopper-Pearson, one-sided): an upper bound for this pair, none for better ones.

    make bench-covert      as root; or: sudo build/venv/bin/python bench/covert.py [BITS [MODE or SENDER...]]
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

FLOODS, DEATHS = [0.1, 0.03, 0.01], [1.5]  # a part that dies more than once a second is held back
CASES = [  # name, configuration, options, sender, receiver, slots in seconds
    ("one-way", CONFIG, [], "flood", "answer", FLOODS),
    ("one-way, a CPU each side", APART, [], "flood", "answer", FLOODS),
    ("one-way, fused", CONFIG, ["--fused"], "flood", "answer", FLOODS),
    ("one-way", CONFIG, [], "flood", "ack", [0.5]),
    ("two-way", TWO_WAY, [], "flood", "answer", FLOODS),
    ("two-way, fused", TWO_WAY, ["--fused"], "flood", "answer", FLOODS),
    ("one-way", CONFIG, [], "death", "answer", DEATHS),
    ("one-way, a CPU each side", APART, [], "death", "answer", DEATHS),
    ("one-way, fused", CONFIG, ["--fused"], "death", "answer", DEATHS),
    ("two-way", TWO_WAY, [], "death", "answer", DEATHS),
]
STATISTICS = {"median": statistics.median, "longest": max,
              "p90": lambda times: sorted(times)[len(times) * 9 // 10]}


def internal_pid(gateway):
    """Of the process that int_frontend is in; None while it is down."""
    launcher = gateway.process.pid
    for pid in pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() in ("int_frontend",
                                                                         "sluice-fused"):
                return int(pid)
        except OSError:
            pass
    return None


def send(lab, gateway, kind, start, slot, bits):
    os.sched_setaffinity(0, {0})
    os.nice(15)  # another machine's work: not to be seen by the receiver's being kept waiting
    with lab.device.inside():
        flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    target = (lab_module.INT_ADDRESS, 9)
    for number, bit in enumerate(bits):
        end = start + (number + 1) * slot
        while time.monotonic() < start + number * slot:
            time.sleep(0.0005)
        if bit and kind == "death" and (pid := internal_pid(gateway)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while bit and kind == "flood" and time.monotonic() < end:
            flood.sendto(b"x" * 64, target)


def wait_answer(connection):
    if not walk.receive(connection, 1, 0.5):
        raise OSError("no answer")


def wait_ack(connection):
    unsent = array.array("i", [1])
    limit = time.monotonic() + 2
    while unsent[0] and time.monotonic() < limit:
        fcntl.ioctl(connection, termios.TIOCOUTQ, unsent)


def connect(lab, port):
    while True:
        try:
            connection = lab.connect(port=port, timeout=0.5)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError:
            time.sleep(0.005)


def ask(lab, port, wait, start, slot, count):
    """What is waited for in each slot, seconds each."""
    times = [[] for _ in range(count)]
    connection = connect(lab, port)
    while (now := time.monotonic()) < start + count * slot:
        try:
            connection.sendall(walk.adu(1, walk.write(2, 200)))
            wait(connection)
        except OSError:
            connection.close()
            connection = connect(lab, port)
        number = int((now - start) // slot)
        if 0 <= number < count:
            times[number].append(time.monotonic() - now)
    connection.close()
    return times


def entropy(error):
    return 0 if error in (0, 1) else -error * math.log2(error) - (1 - error) * math.log2(1 - error)


def capacity(error):
    return 1 - entropy(min(error, 0.5))


def lowest_error(wrong, count):
    """The error rate with which so few wrong bits still come in one of twenty runs."""
    low, high = 0.0, wrong / count
    for _ in range(50):
        middle = (low + high) / 2
        as_many = sum(math.comb(count, k) * middle**k * (1 - middle)**(count - k)
                      for k in range(wrong, count + 1))
        low, high = (low, middle) if as_many > 0.05 else (middle, high)
    return low


def wrong_bits(slots, bits):
    """With the best statistic and threshold."""
    best = len(bits)
    for statistic in STATISTICS.values():
        # a slot in which nothing came back was a long one
        order = sorted(range(len(bits)),
                       key=lambda i: statistic(slots[i]) if slots[i] else math.inf)
        wrong = len(bits) - sum(bits)  # all taken for ones
        best = min(best, wrong, len(bits) - wrong)
        for i in order:
            wrong += 1 if bits[i] else -1
            best = min(best, wrong, len(bits) - wrong)
    return best


def measure(name, text, options, sender_kind, receiver, slots, count):
    port = 1502 if receiver == "ack" else 502
    with tempfile.TemporaryDirectory() as directory, lab_module.Lab() as lab:
        path = pathlib.Path(directory) / "sluice.yaml"
        path.write_text(text)
        plant = walk.Plant(lab.device, ROOT)
        with lab_module.Gateway(lab, ROOT / "build/sluice", path, f"{directory}/audit.json",
                                "--cpu", "1", *options) as gateway:
            gateway.wait_audit(lambda line: line.get("event") == "started", 10)
            for slot in slots:
                bits = [random.getrandbits(1) for _ in range(count)]
                start = time.monotonic() + 0.5
                sender = multiprocessing.Process(
                    target=send, args=(lab, gateway, sender_kind, start, slot, bits))
                sender.start()
                times = ask(lab, port, wait_ack if receiver == "ack" else wait_answer, start, slot,
                            count)
                sender.join()
                wrong = wrong_bits(times, bits)
                guesses = [wrong_bits(times, [random.getrandbits(1) for _ in bits])
                           for _ in range(200)]
                print(json.dumps({
                    "mode": name, "sender": sender_kind, "receiver": receiver,
                    "slot_ms": round(slot * 1000), "bits": count, "wrong": wrong,
                    "wrong_by_guessing": round(statistics.mean(guesses), 1),
                    "guessing_does_as_well": sum(g <= wrong for g in guesses) / len(guesses),
                    "bits_per_second": round(capacity(wrong / count) / slot, 2),
                    "at_most": round(capacity(lowest_error(wrong, count)) / slot, 2)}), flush=True)
        plant.close()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for case in CASES:
        if len(sys.argv) <= 2 or {case[0], case[3]} & set(sys.argv[2:]):
            measure(*case, min(count, 40) if case[3] == "death" else count)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-2-Clause
"""`make bench`: everything measured in one run; a table (docs/bench.md) and a drawing."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import memory
import plot
import roundtrip

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULES = (1, 10, 100, 1000)
STREWN = 379  # bench/message.c: prime to all of these
STAGES = ("decode", "decide", "encode")


def instructions(protocol, rules, stage, stride=1):
    """Those of one message, by callgrind."""
    with tempfile.TemporaryDirectory() as scratch:
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--toggle-collect=measured_{stage}",
             f"--callgrind-out-file={scratch}/out", ROOT / "build/bench/message", protocol,
             str(rules), "2", str(stride)],
            capture_output=True, text=True, check=True)
    # measured_decode runs once more, for the setting up of the other two
    return round(int(re.search(r"Collected : (\d+)", result.stderr)[1]) / (2000 + (stage == "decode")))


def message_cost(protocol):
    """One row for each number of rules: nanoseconds, and instructions."""
    rows = []
    for rules in RULES:
        program = ROOT / "build/bench/message"
        row = json.loads(subprocess.run([program, protocol, str(rules)], capture_output=True, text=True,
                                        check=True).stdout)
        for stage in STAGES:
            row[f"{stage}_instructions"] = instructions(protocol, rules, stage)
        row["strewn_instructions"] = instructions(protocol, rules, "decide", STREWN)
        rows.append(row)
    return rows


def ratio(results, name, n, key, base="haproxy"):
    whole = results[base][n][key]  # 0: not one answer, on a machine that has no time
    return results[name][n][key] / whole if whole else float("nan")


# What is measured of each protocol.
READS = {"modbus-tcp": "a read of ten registers", "dnp3": "a read of ten analog inputs"}


def rules_ratio(rows):
    total = [sum(row[f"{stage}_instructions"] for stage in STAGES) for row in rows]
    return total[-1] / total[0]


def aims(results, messages):
    one = results["all on one CPU"]
    total = [sum(row[f"{stage}_ns"] for stage in STAGES) for row in messages["modbus-tcp"]]
    return [
        ("fused p50, 1 connection, to haproxy's", ratio(one, "fused", "1", "p50"), "at most", 1.0),
        ("isolated p50, 1 connection, to haproxy's", ratio(one, "isolated", "1", "p50"),
         "at most", 2.2),
        ("isolated with merged drivers, likewise",
         ratio(one, "isolated, merged drivers", "1", "p50"), "at most", 2.2),
        ("isolated requests/s, 64 connections, to haproxy's",
         ratio(one, "isolated", "64", "per_second"), "at least", 1.0),
        ("decode to encode, microseconds", max(total) / 1000, "at most", 0.1),
        ("instructions with 1000 rules to 1 rule", rules_ratio(messages["modbus-tcp"]), "at most",
         1.1),
        ("the same, DNP3", rules_ratio(messages["dnp3"]), "at most", 1.1),
        ("shared regions, MiB", memory.shared_regions() / 2**20, "at most", 4.0),
    ]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def report(results, messages, memory_rows, rounds):
    out = ["# Measurements", "",
           f"Made by `make bench` on {datetime.date.today()}: {os.cpu_count()} CPUs, Linux "
           f"{platform.release()}, {rounds} rounds, medians over the rounds. These machines are "
           "shared and noisy: trust the ratios, which are of one run, side by side.", "",
           "![Round trips and throughput](bench.svg)", "", "## Aims", "",
           table(("what", "measured", "aim", ""),
                 [(what, f"{value:.2f}", f"{how} {bound}",
                   "met" if (value <= bound if how == "at most" else value >= bound) else
                   f"missed by {abs(value / bound - 1):.0%}")
                  for what, value, how, bound in aims(results, messages)])]
    for placement, contenders in results.items():
        out += ["", f"## Round trip and throughput, {placement}", "",
                "One read of four registers outstanding on each connection; microseconds.", ""]
        rows = []
        for name in roundtrip.CONTENDERS:
            for n, m in contenders[name].items():
                rows.append((name, n, f"{m['p50']:.1f}", f"{m['p99']:.1f}", f"{m['p999']:.1f}",
                             f"{m['per_second']:.0f}",
                             f"{ratio(contenders, name, n, 'p50'):.2f}",
                             f"{ratio(contenders, name, n, 'per_second'):.2f}"))
        out.append(table(("through", "connections", "p50", "p99", "p99.9", "requests/s",
                          "p50 to haproxy's", "requests/s to haproxy's"), rows))
    out += ["", "## One message, decode to encode", "",
            "Nanoseconds, and instructions counted by callgrind. \"Strewn\": rules for the same points "
            "stand apart in the file."]
    for protocol, rows in messages.items():
        out += ["", f"{protocol}, {READS[protocol]}:", "",
                table(("rules", "policy image, bytes") +
                      tuple(f"{stage} {unit}" for stage in STAGES for unit in ("ns", "instructions")) +
                      ("together, ns", "decide instructions, strewn"),
                      [(row["rules"], row["image_bytes"]) +
                       tuple(row[f"{stage}_{unit}"] for stage in STAGES
                             for unit in ("ns", "instructions")) +
                       (f"{sum(row[f'{stage}_ns'] for stage in STAGES):.1f}",
                        row["strewn_instructions"]) for row in rows])]
    out += ["", "## Memory", "", table(("what", "KiB"), memory_rows), ""]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/bench")
    options = parser.parse_args()
    roundtrip.lab_module.enter()
    options.output.mkdir(parents=True, exist_ok=True)
    messages = {protocol: message_cost(protocol) for protocol in READS}
    with tempfile.TemporaryDirectory() as scratch:
        results = roundtrip.run(pathlib.Path(scratch), options.rounds, options.seconds)
        memory_rows = memory.measure(pathlib.Path(scratch))
    text = report(results, messages, memory_rows, options.rounds)
    (options.output / "bench.md").write_text(text)
    (options.output / "bench.svg").write_text(plot.draw(results))
    (options.output / "bench.json").write_text(json.dumps(
        {"roundtrip": results, "message": messages, "memory": memory_rows}, indent=1))
    print(text)
    print(f"written: {options.output}/bench.md, bench.svg, bench.json")


if __name__ == "__main__":
    main()

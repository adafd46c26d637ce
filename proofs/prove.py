#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`make prove`: Frama-C's Eva on each harness of proofs/. Eva lists every place where it cannot rule
out a run-time error. Those are compared with the table in docs/caveats.md, by file, function and
number: one that is not there fails, and so does a row that no longer stands for one."""
import collections
import csv
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODBUS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src/protocols/modbus").glob("*.c")
                if path.name not in ("describe.c", "rules.c", "rules_check.c", "modbus_tcp.c"))
DNP3 = [f"src/protocols/dnp3/{name}.c" for name in
        ("answer", "content", "crc", "fragment", "frame", "functions", "header", "link", "message",
         "names", "objects", "order", "phrase")]
TEXT = [f"src/util/{name}.c" for name in ("float_text", "phrase", "timestamp")]
RINGS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "src/ring").glob("*.c"))

# Harness: sources, Eva's precision
HARNESSES = {
    "cursor": ([], 5),
    "ring_consumers": (RINGS, 5),
    "modbus_decode": (MODBUS + ["src/util/phrase.c"], 3),
    "modbus_validate": (MODBUS + ["src/util/phrase.c"], 3),
    "modbus_accepted": (MODBUS + ["src/util/phrase.c"], 2),
    "dnp3_decode": (DNP3 + TEXT, 1),
    "dnp3_validate": (DNP3 + TEXT, 1),
    "dnp3_accepted": (DNP3 + TEXT, 0),
}


def analyse(harness, directory):
    sources, precision = HARNESSES[harness]
    table = directory / f"{harness}.csv"
    result = subprocess.run(
        ["frama-c", "-machdep", "gcc_x86_64", "-c11",
         "-cpp-extra-args=-Iinclude -Isrc -Iproofs -D_Atomic= -include proofs/barrier_any.h",
         f"proofs/{harness}.c", *sources, "-eva", "-eva-precision", str(precision),
         "-eva-split-limit", "200", "-eva-msg-key=-final-states,-initial-state",
         "-then", "-report-csv", str(table)],
        cwd=ROOT, capture_output=True, text=True)
    log = result.stdout + result.stderr
    if result.returncode != 0 or not table.exists():
        sys.exit(f"{harness}: Frama-C failed:\n{log[-3000:]}")
    reached = re.search(r"(\d+) statements reached", log)
    with open(table, newline="") as rows:
        found = {(row["directory"], row["file"], row["line"], row["function"], row["property"])
                 for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)
                 if row["status"] not in ("Valid", "Considered valid", "Dead", "Untried",
                                          "Valid under hypotheses", "Valid (but dead)")
                 and not row["directory"].startswith("FRAMAC_SHARE")}
    print(f"{harness}: {reached[1] if reached else '?'} statements, {len(found)} alarms", flush=True)
    return found


def grouped(alarms):
    """A function that is copied into each file that includes it counts once."""
    distinct = {(file, re.sub(r"_\d+$", "", function), line, re.sub(r"_\d+\b", "", text))
                for _, file, line, function, text in alarms}
    return collections.Counter((file, function) for file, function, _, _ in distinct)


def listed():
    rows = re.findall(r"^\| `(\S+\.[ch])` \| `(\w+)` \| (\d+) \|", (ROOT / "docs/caveats.md").read_text(), re.M)
    return {(file, function): int(count) for file, function, count in rows}


def main():
    wanted = sys.argv[1:] or list(HARNESSES)
    with tempfile.TemporaryDirectory() as directory:
        alarms = set().union(*(analyse(harness, pathlib.Path(directory)) for harness in wanted))
    found, known = grouped(alarms), listed()
    wrong = False
    for place in sorted(set(found) | set(known)):
        if found.get(place, 0) > known.get(place, 0) or (wanted == list(HARNESSES) and
                                                          found.get(place, 0) < known.get(place, 0)):
            wrong = True
            print(f"{place[0]} {place[1]}: {found.get(place, 0)} alarms, docs/caveats.md has "
                  f"{known.get(place, 0)}")
            for alarm in sorted(alarms):
                if (alarm[1], re.sub(r"_\d+$", "", alarm[3])) == place:
                    print(f"    {alarm[0]}/{alarm[1]}:{alarm[2]}: {alarm[4]}")
    print(f"{sum(found.values())} places, " + ("not as docs/caveats.md has them" if wrong else
                                              "each with its reason in docs/caveats.md"))
    sys.exit(wrong)


main()

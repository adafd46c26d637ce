# SPDX-License-Identifier: BSD-2-Clause
"""The program as a whole: its verbs, their help, and the man page that must say the same."""
import re
import shutil
import subprocess

import pytest

VERBS = ["check", "run", "decode", "replay", "topology"]


def call(sluice, *arguments):
    return subprocess.run([sluice, *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def manual(root):
    if not shutil.which("man"):
        pytest.skip("no man: apt-get install man-db")
    result = subprocess.run(
        ["man", "--warnings", "-E", "ascii", "-l", root / "docs" / "sluice.1"],
        capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100"})
    assert result.returncode == 0
    assert result.stderr == ""
    return re.sub(r".\x08", "", result.stdout)


def test_help_lists_every_verb(sluice):
    result = call(sluice, "--help")
    assert result.returncode == 0
    assert re.findall(r"^  (\w+) ", result.stdout, re.M) == VERBS
    assert call(sluice, "help").stdout == result.stdout


def test_nothing_to_do_is_an_error(sluice):
    result = call(sluice)
    assert result.returncode == 2
    assert result.stdout == ""
    assert "usage: sluice VERB" in result.stderr


def test_version(sluice):
    result = call(sluice, "--version")
    assert result.returncode == 0
    assert re.fullmatch(r"sluice \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize("word, meant", [("chekc", "check"), ("replya", "replay"), ("dekode", "decode")])
def test_unknown_verb_suggests_the_nearest(sluice, word, meant):
    result = call(sluice, word)
    assert result.returncode == 2
    assert f"did you mean '{meant}'?" in result.stderr


@pytest.mark.parametrize("word", ["frobnicate", "x" * 500, ""])
def test_unknown_verb_suggests_nothing_far_off(sluice, word):
    result = call(sluice, word)
    assert result.returncode == 2
    assert "did you mean" not in result.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_helps_and_the_manual_has_its_options(sluice, verb, manual):
    result = call(sluice, verb, "--help")
    assert result.returncode == 0
    assert result.stderr == ""
    assert result.stdout.startswith(f"usage: sluice {verb} ")
    synopsis = manual[manual.index("SYNOPSIS"):manual.index("DESCRIPTION")]
    assert f"sluice {verb} " in synopsis
    for option in set(re.findall(r"--[a-z-]+", result.stdout)) - {"--help"}:
        assert option in manual, f"the man page lacks {option} of {verb}"


def test_manual_has_no_option_that_no_verb_has(sluice, manual):
    help_texts = "".join(call(sluice, verb, "--help").stdout for verb in VERBS)
    options = set(re.findall(r"--[a-z-]*[a-z]", manual)) - {"--help", "--version"}
    assert options <= set(re.findall(r"--[a-z-]+", help_texts))


def test_manual_names_every_verdict_and_status(manual):
    for word in ("accept", "allow", "deny", "malformed", "incomplete"):
        assert re.search(rf"^\s+{word}\s", manual, re.M)
    assert "EXIT STATUS" in manual

# SPDX-License-Identifier: BSD-2-Clause
"""The program as a whole: its verbs, their help, and the man page that must say the same."""
import re
import shutil
import subprocess

import pytest

VERBS = {"check", "run", "decode", "replay", "topology"}  # at least


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


@pytest.fixture(scope="module")
def verbs(sluice):
    return re.findall(r"^  (\w+) ", call(sluice, "--help").stdout, re.M)


def test_help_lists_every_verb(sluice, verbs):
    assert VERBS <= set(verbs)
    result = call(sluice, "--help")
    assert result.returncode == 0
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


def options_in(text):
    return set(re.findall(r"--[a-z]+(?:-[a-z]+)*", text)) - {"--help", "--version"}


def test_each_verb_helps_and_the_manual_has_its_options(sluice, verbs, manual):
    synopsis = manual[manual.index("SYNOPSIS"):manual.index("DESCRIPTION")]
    for verb in verbs:
        result = call(sluice, verb, "--help")
        assert result.returncode == 0 and result.stderr == "", verb
        assert result.stdout.startswith(f"usage: sluice {verb} ")
        assert f"sluice {verb} " in synopsis
        missing = options_in(result.stdout) - options_in(manual)
        assert not missing, f"the man page lacks {missing} of {verb}"


def test_manual_has_no_option_that_no_verb_has(sluice, verbs, manual):
    help_texts = "".join(call(sluice, verb, "--help").stdout for verb in verbs)
    assert options_in(manual) <= options_in(help_texts)


def test_manual_names_every_verdict_and_status(manual):
    for word in ("accept", "allow", "deny", "malformed", "incomplete"):
        assert re.search(rf"^\s+{word}\s", manual, re.M)
    assert "EXIT STATUS" in manual

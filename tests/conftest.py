# SPDX-License-Identifier: BSD-2-Clause
"""One runner for everything: cmocka programs are collected as tests beside the Python ones."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


def pytest_collect_file(parent, file_path):
    if file_path.name.endswith("_test.c"):
        return UnitProgram.from_parent(parent, path=file_path)
    return None


class UnitProgram(pytest.File):
    """tests/unit/<module>/<name>_test.c, built as build/tests/unit/<module>/<name>_test."""

    def collect(self):
        yield UnitRun.from_parent(self, name=self.path.stem)


class UnitRun(pytest.Item):
    def runtest(self):
        program = BUILD / self.path.relative_to(ROOT).with_suffix("")
        result = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=600)
        if result.returncode != 0:
            raise UnitFailure(result.stdout + result.stderr)

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, UnitFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, f"unit: {self.name}"


class UnitFailure(Exception):
    pass


# Many tests run processes that share the processors with whatever else is at work on the machine:
# one failure may be noise. A test that failed is run once more, the summary shows what it said the
# first time, and more than a few of them fail the run. Not where one success of an attacker counts,
# nor where nothing but the code can differ.
AGAIN_AT_MOST = 3
NEVER_AGAIN = ("tests/unit/", "tests/ring/", "tests/fuzz/", "tests/drill/", "hostile", "test_attacks",
               "test_insertion")


def pytest_collection_modifyitems(items):
    for item in items:
        if not any(part in item.path.as_posix() for part in NEVER_AGAIN):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter):
    again = terminalreporter.getreports("rerun")
    if not again:
        return
    terminalreporter.section(f"run once more: {len(again)} (more than {AGAIN_AT_MOST} fail the run)")
    for report in again:
        terminalreporter.line(f"{report.nodeid}, the first time:")
        terminalreporter.line(report.longreprtext)
        for title, text in report.sections:
            terminalreporter.line(f"- {title} -\n{text}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if len(reporter.getreports("rerun")) > AGAIN_AT_MOST and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def sluice():
    """Path of the program under test."""
    return BUILD / "sluice"


@pytest.fixture(scope="session")
def captures():
    """Real traffic beside the project; not shipped with it."""
    path = ROOT.parent / "shared" / "captures"
    if not path.is_dir():
        pytest.skip(f"no captures at {path}: put the capture collection there to run this test")
    return path

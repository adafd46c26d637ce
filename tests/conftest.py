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

"""A small version of the proof of `benchmarks/archive.py`: what is killed leaves every result once, byte for byte."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from pathlib import Path

import pytest

from napari_lesion.batch import analyse_folder

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
STUDIES = 8


@pytest.fixture
def archive(monkeypatch):
    """The benchmark as a module, also for the processes that are started."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("archive", BENCHMARKS / "archive.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "archive", module)
    spec.loader.exec_module(module)
    return module


def test_runs_and_processes_that_are_killed_leave_every_result_once_and_the_same(archive, tmp_path):
    scans = tmp_path / "scans"
    archive.write_archive(scans, STUDIES, seed=3)
    analyse_folder([scans], tmp_path / "serial", detector=archive.QuickDetector(), device="cpu", measure=False)
    reference = archive.contents(tmp_path / "serial")
    assert len(reference) == 3 * STUDIES
    done = archive.killed_over_and_over(scans, tmp_path / "out", STUDIES, 1, 1, random.Random(3))
    assert archive.check(tmp_path / "out", reference, STUDIES) == []
    assert done["run"] + done["process"] > 0

"""The examples of the documents run as they stand, on the samples."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "sample_dicoms").symlink_to(ROOT / "sample_dicoms")
    monkeypatch.chdir(tmp_path)

    def call(name: str) -> str:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return capsys.readouterr().out

    return call


def test_a_folder_becomes_findings(run, tmp_path: Path) -> None:
    said = run("folder_to_findings")
    assert re.search(r"F1: \d+\.\d mm at \(-?\d+, -?\d+, -?\d+\), score [01]\.\d\d", said)
    assert "written: csv html" in said
    assert list((tmp_path / "results").glob("*.html"))
    lines = (EXAMPLES / "folder_to_findings.py").read_text().split("import napari_lesion as nl")[1].strip().splitlines()
    assert len(lines) <= 10


def test_a_detector_is_trained_on_scans_of_ones_own(run) -> None:
    said = run("train_on_your_own_ct")
    assert "my-nodules 0.1" in said
    assert "3 of 3; 2 crops of 32 mm" in said


def test_two_models_are_compared(run) -> None:
    said = run("compare_two_models")
    assert re.search(r"nodule-3d: CPM [01]\.\d+, \d+ nodules", said)
    assert re.search(r"CPM: [+-]\d\.\d+ \(95 % interval", said)


def test_documents_import_from_nowhere_deeper_than_the_public_face() -> None:
    deep = []
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *EXAMPLES.glob("*.py")):
        text = document.read_text(encoding="utf-8")
        deep += [
            f"{document.name}: {line}" for line in re.findall(r"^from napari_lesion\.(?!plugin import).*$", text, re.M)
        ]
    assert deep == []

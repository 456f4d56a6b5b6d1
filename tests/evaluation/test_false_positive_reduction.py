"""From results and scans on disk to a package with a false-positive reduction, as the command does it."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from fake_scan import FakeDetector, make_volume
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.detection import false_positive_reduction
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate
from napari_lesion.models import package_metadata, packages
from napari_lesion.models.networks import NoduleNet
from napari_lesion.pipeline import analyse
from napari_lesion.report.json import save_report

SCANS = 4


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans whose detector hardly tells lesions (x > 0) from false findings: most of its score is noise."""
    root = tmp_path_factory.mktemp("stage")
    metadata = package_metadata.Metadata(
        id="small",
        version="1.0.0",
        task="test",
        licence="none",
        threshold=0.3,
        network=package_metadata.NoduleNetSpec(width=2),
        preprocessing=package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
        training_cases=("none",),
    )
    about = packages.save_package(root / "small", NoduleNet(width=2).state_dict(), metadata, "# small\n").metadata
    rng = np.random.default_rng(5)
    rows: list[tuple[str, float, float, float, float]] = []
    for scan in range(SCANS):
        uid = f"1.2.3.{scan}"
        volume = make_volume(series_uid=uid)
        write_ct_series(volume, root / "scans" / uid, series_uid=uid)
        xs = (20.0, 40.0, 60.0, -20.0, -40.0, -60.0, -80.0)
        found = tuple(Candidate((x, 0.0, -280.0), 8.0, float(rng.uniform(0.3, 0.7)) + 0.15 * (x > 0)) for x in xs)
        report = analyse(volume, detector=FakeDetector(found), threshold=0).report
        model = report.model.model_copy(update={"id": about.id, "version": about.version, "sha256": about.sha256})
        save_report(report.model_copy(update={"model": model}), root / "results" / uid / "findings.json")
        rows += [(uid, x, 0.0, -280.0, 8.0) for x in xs if x > 0]
    with (root / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"), *rows])
    return root


def fit(project: Path, out: Path, **changes: Path):
    options = {
        "truth": project / "truth.csv",
        "results": project / "results",
        "scans": project / "scans",
        "model": project / "small",
        **changes,
    }
    words = ["second-stage", *(str(part) for name, value in options.items() for part in (f"--{name}", value))]
    return CliRunner().invoke(app, [*words, "-o", str(out)])


class KnowsTheSide:
    """A judge that is right: it says lesion where x > 0, with some doubt."""

    def __call__(self, volume, points_mm, device="auto"):
        x = np.array([point[0] for point in points_mm])
        return np.sign(x)[:, None] * np.array([[1.5, 2.0, 2.5]]), np.zeros((len(x), 3))


def test_a_judge_that_is_right_makes_a_half_blind_detector_good(project, tmp_path, monkeypatch):
    monkeypatch.setattr(false_positive_reduction, "load_classifier", lambda name: KnowsTheSide())
    done = fit(project, tmp_path / "new")
    assert done.exit_code == 0, done.output
    before, after = (float(line.split()[-1]) for line in re.findall(r"^small.*$", done.output, re.MULTILINE))
    assert before < 0.9
    assert after == 1.0
    new = packages.read_package(tmp_path / "new")
    assert new.weights.read_bytes() == (project / "small" / packages.WEIGHTS).read_bytes()
    stage = new.metadata.false_positive_reduction
    assert stage is not None
    assert stage.model == "nodule-2d"
    assert stage.second > stage.first >= 0
    again = fit(project, tmp_path / "again", model=tmp_path / "new")
    assert again.exit_code != 0
    assert "has false-positive reduction already" in str(again.exception)


def test_a_scan_that_is_not_there_is_named(project, tmp_path, monkeypatch):
    monkeypatch.setattr(false_positive_reduction, "load_classifier", lambda name: KnowsTheSide())
    done = fit(project, tmp_path / "new", scans=project / "scans" / "1.2.3.1")
    assert done.exit_code != 0
    assert "1.2.3.0" in str(done.exception)
    assert not (tmp_path / "new").exists()

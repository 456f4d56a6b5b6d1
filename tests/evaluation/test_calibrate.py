"""From results on disk and a truth to a calibrated package, as the command does it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import yaml
from fake_scan import FakeDetector, make_volume
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.detection.operating_points import false_positives_at
from napari_lesion.evaluation.calibrate import label_findings
from napari_lesion.evaluation.froc import Mark, ScoredPoint
from napari_lesion.model.findings import Candidate
from napari_lesion.models import package_metadata, packages
from napari_lesion.models.card import Metric
from napari_lesion.models.networks import NoduleNet
from napari_lesion.pipeline import analyse
from napari_lesion.report.json import save_report
from napari_lesion.support.checksums import CHECKSUMS

SCANS = 8


def test_findings_are_labelled_by_the_rules_of_luna16():
    truth = [Mark("a", (0, 0, 0), 10), Mark("b", (50, 0, 0), 10)]
    points = {
        "a": [ScoredPoint((4.9, 0, 0), 0.3), ScoredPoint((0, 1, 0), 0.8), ScoredPoint((5, 0, 0), 0.9)],
        "b": [ScoredPoint((0, 0, 0), 0.9), ScoredPoint((20, 0, 0), 0.2)],
    }
    labels = label_findings(truth, points, excluded=[Mark("b", (21, 0, 0), -1)])
    assert labels == {"a": [None, True, False], "b": [False, None]}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    metadata = package_metadata.Metadata(
        id="small",
        version="1.2.3",
        task="test",
        licence="none",
        threshold=0.3,
        network=package_metadata.NoduleNetSpec(width=2),
        preprocessing=package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
        training_cases=("none",),
        metrics=(Metric(name="CPM", value=0.5, data="a test"),),
    )
    folder = tmp_path_factory.mktemp("packages") / "small"
    return packages.save_package(
        folder, NoduleNet(width=2).state_dict(), metadata, "# small 1.2.3\n\nA card.\n\n## Limits\nMany.\n"
    )


@pytest.fixture(scope="module")
def folder(package, tmp_path_factory):
    """Results in which a finding is true with probability probability², with their truth."""
    root = tmp_path_factory.mktemp("validation")
    rng = np.random.default_rng(1)
    rows = []
    about = package.metadata
    for scan in range(SCANS):
        uid = f"1.2.3.{scan}"
        probability = rng.uniform(0.02, 0.98, 150).astype(float)
        hit = rng.random(150) < probability**2
        found = tuple(Candidate((12.0 * n, 0.0, 0.0), 8.0, h) for n, h in enumerate(probability))
        report = analyse(make_volume(series_uid=uid), detector=FakeDetector(found), threshold=0).report
        model = report.model.model_copy(update={"id": about.id, "version": about.version, "sha256": about.sha256})
        (root / uid).mkdir()
        save_report(report.model_copy(update={"model": model}), root / uid / "findings.json")
        rows += [(uid, 12.0 * n + 1, 0, 0, 6) for n in np.flatnonzero(hit)]
    with (root / "annotations.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"), *rows])
    return root


def calibrate(folder, model, out, *more):
    words = [
        "calibrate",
        "--truth",
        folder / "annotations.csv",
        "--results",
        folder,
        "--model",
        model,
        "-o",
        out,
        *more,
    ]
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_the_calibrated_package_has_the_same_weights_and_scores_that_are_shares_of_true_findings(
    folder, package, tmp_path
):
    done = calibrate(folder, package.folder, tmp_path / "new", "--false-positives", "2")
    assert done.exit_code == 0, done.output
    new = packages.read_package(tmp_path / "new")
    assert new.weights.read_bytes() == package.weights.read_bytes()
    packages.load_network(new)
    about = new.metadata
    assert about.version == "1.2.4"
    assert about.calibration is not None
    probability = np.linspace(0.1, 0.9, 9, dtype=np.float32)
    np.testing.assert_allclose(about.calibration(probability), probability**2, atol=0.12)
    assert false_positives_at(about, about.threshold) == pytest.approx(2.0)
    assert [metric.name for metric in about.metrics] == ["CPM", "ECE"]
    assert about.metrics[1].value < 0.06


def test_the_operating_points_are_true_on_the_scans_that_they_were_fitted_on(folder, package, tmp_path):
    calibrate(folder, package.folder, tmp_path / "new")
    about = packages.read_package(tmp_path / "new").metadata
    truth = {(uid, float(x)) for uid, x, *_ in csv.reader((folder / "annotations.csv").open()) if uid != "seriesuid"}
    reports = [json.loads(path.read_text()) for path in folder.glob("*/findings.json")]
    false = [
        about.calibration(np.float32(finding["score"]))
        for report in reports
        for finding in report["findings"]
        if (report["series_uid"], finding["center_mm"][0] + 1) not in truth
    ]
    for rate, score in about.operating_points:
        if float(rate * SCANS).is_integer():
            assert np.sum(np.array(false) >= score) == rate * SCANS


def test_the_card_tells_how_reliable_scores_are_and_a_second_calibration_replaces_that(folder, package, tmp_path):
    calibrate(folder, package.folder, tmp_path / "new")
    card = (tmp_path / "new" / "card.md").read_text()
    assert card.startswith("# small 1.2.4\n")
    assert "## Calibration\n" in card
    assert "expected calibration error" in card
    again = calibrate(folder, package.folder, tmp_path / "again", "--method", "platt", "--version", "9")
    assert "platt (taken)" in again.output
    assert packages.read_package(tmp_path / "again").metadata.version == "9"
    # Now from the calibrated model, whose results say calibrated scores.
    curve = packages.read_package(tmp_path / "again").metadata.calibration
    for path in folder.glob("*/findings.json"):
        content = json.loads(path.read_text())
        del content[CHECKSUMS]  # as of another program
        content["model"]["version"] = "9"
        for finding in content["findings"]:
            finding["score"] = float(curve(np.float32(finding["score"])))
        target = tmp_path / "results" / path.parent.name
        target.mkdir(parents=True)
        (target / "findings.json").write_text(json.dumps(content))
    (tmp_path / "results" / "annotations.csv").write_text((folder / "annotations.csv").read_text())
    third = calibrate(
        tmp_path / "results", tmp_path / "again", tmp_path / "third", "--method", "platt", "--version", "10"
    )
    assert third.exit_code == 0, third.output
    points = np.array(packages.read_package(tmp_path / "third").metadata.calibration.points)
    np.testing.assert_allclose(points, curve.points, atol=2e-3)
    assert (tmp_path / "third" / "card.md").read_text().count("## Calibration") == 1
    assert yaml.safe_load((tmp_path / "third" / "model.yaml").read_text())["calibration"]


def test_results_of_another_model_are_refused(folder, package, tmp_path):
    calibrate(folder, package.folder, tmp_path / "new")
    from napari_lesion.support.errors import ConfigError

    with pytest.raises(ConfigError, match=r"results are of small 1\.2\.3"):
        calibrate(folder, tmp_path / "new", tmp_path / "newer")
    assert not (tmp_path / "newer").exists()

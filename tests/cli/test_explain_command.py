"""``napari-lesion explain``: from a folder of DICOM and its results to maps on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fake_scan import FakeDetector, make_heatmap, make_volume
from typer.testing import CliRunner

from napari_lesion.cli import main as command
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate, Detection
from napari_lesion.pipeline import analyse
from napari_lesion.report.json import save_report
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.progress import silent

CENTER, DIAMETER = (52.0, -20.0, -240.0), 12.0


class Spot(FakeDetector):
    """Scores the brightness of one place."""

    def detect(self, volume, *, device="auto", progress=silent):
        k, j, i = np.rint(volume.to_index(CENTER)).astype(int)
        bright = (volume.voxels[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2].mean() + 850) / 1000
        found = (Candidate(CENTER, DIAMETER, float(np.clip(bright, 0.001, 0.95))),)
        return Detection(make_heatmap(volume, found), found, "cpu", {})


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> Spot:
    spot = Spot()
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda *a, **k: spot)
    return spot


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    write_ct_series(make_volume(nodules=((CENTER, DIAMETER),)), tmp_path / "scan")
    return tmp_path / "scan"


def run(*arguments: str | Path):
    return CliRunner().invoke(command.app, ["explain", *map(str, arguments)])


def test_it_analyses_explains_and_writes(scan: Path, detector: Spot, tmp_path: Path) -> None:
    done = run(scan, "-o", tmp_path / "out", "--method", "occlusion", "--method", "heatmap")
    assert done.exit_code == 0, done.output
    [written] = (tmp_path / "out").glob("*/finding-1")
    assert {p.name for p in written.iterdir()} == {
        "explanations.json",
        "heatmap.nii.gz",
        "occlusion.nii.gz",
        "overview.png",
    }
    content = json.loads((written / "explanations.json").read_text(encoding="utf-8"))
    assert [made["method"] for made in content["maps"]] == ["heatmap", "occlusion"]
    assert content["maps"][1]["faithfulness"] > 0.2
    assert len(content["maps"][1]["deletion_curve"]) == len(content["deletion"]["removed_shares"])
    assert content["finding"]["center_mm"] == list(CENTER)
    assert f"faithfulness {content['maps'][1]['faithfulness']:5.2f}" in done.output


def test_findings_of_another_model_or_that_are_not_there_are_refused(scan, detector: Spot, tmp_path: Path) -> None:
    from napari_lesion.dicom.index.series import find_series

    report = analyse(find_series(scan)[0], detector=detector).report
    save_report(report, tmp_path / "findings.json")
    missing = run(scan, "-o", tmp_path / "out", "--results", tmp_path, "--finding", "7")
    assert isinstance(missing.exception, ConfigError)
    assert "no finding 7" in str(missing.exception)
    other = report.model_copy(update={"model": report.model.model_copy(update={"sha256": "cd" * 32})})
    save_report(other, tmp_path / "findings.json")
    refused = run(scan, "-o", tmp_path / "out", "--results", tmp_path)
    assert isinstance(refused.exception, ConfigError)
    assert "another model cannot explain them" in str(refused.exception)
    assert not (tmp_path / "out").exists()


def test_a_single_image_is_explained_by_a_model_that_searches_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = make_volume(nodules=((CENTER, DIAMETER),))
    k = int(np.rint(scan.to_index(CENTER)[0]))
    image = write_ct_series(scan, tmp_path / "scan")[k].rename(tmp_path / "image.dcm")
    spot = Spot()
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda *a, **k: spot)
    options = ("-o", tmp_path / "out", "--method", "heatmap")
    refused = run(image, *options)
    assert refused.exit_code != 0
    assert "a single image, not a volume" in str(refused.exception)

    spot.single_images = True
    done = run(image, *options)
    assert done.exit_code == 0, done.output
    assert list((tmp_path / "out").glob("*/finding-1/heatmap.nii.gz"))

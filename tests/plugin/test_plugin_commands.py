"""What napari.yaml promises: it is valid, its commands run, findings are saved, samples open."""

from __future__ import annotations

import csv
from pathlib import Path

import dicom_factory as factory
import npe2
import pytest
from napari.layers import Layer
from plugin_scan import NODULES, BlobDetector

from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import analyse
from napari_lesion.plugin.viewer import finding_layers
from napari_lesion.report.json import load_report

MANIFEST = Path(__file__).resolve().parents[2] / "napari.yaml"


@pytest.fixture
def manifest() -> npe2.PluginManifest:
    return npe2.PluginManifest.from_file(MANIFEST)


@pytest.fixture(autouse=True)
def _discovered() -> None:
    npe2.PluginManager.instance().discover()


def test_the_manifest_is_valid_and_every_command_can_be_imported(manifest: npe2.PluginManifest) -> None:
    manifest.validate_imports()
    assert {"napari-lesion.analyse_folder", "napari-lesion.detect"} <= {c.id for c in manifest.contributions.commands}


@pytest.mark.parametrize("name", ["a.dcm", "A.DCM", "b.dicom", "c.IMA", "d.zip", "DICOMDIR", "IM000001"])
def test_the_reader_is_offered_for_dicom_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    readers = npe2.PluginManager.instance().iter_compatible_readers([str(tmp_path / name)])
    assert "napari-lesion" in {reader.plugin_name for reader in readers}


@pytest.fixture
def points(scan: Volume) -> Layer:
    report = analyse(scan, detector=BlobDetector(), threshold=0.0).report
    return Layer.create(*finding_layers.findings_layer(report, scan, 0.5))


def save(points: Layer, path: Path) -> None:
    written = npe2.write(str(path), [points.as_layer_data_tuple()], plugin_name="napari-lesion")
    assert written == [str(path)]


def test_a_findings_layer_is_saved_as_findings_json(points: Layer, tmp_path: Path) -> None:
    points.metadata["threshold"] = 0.5
    save(points, tmp_path / "findings.json")
    report: Report = points.metadata["report"]
    loaded = load_report(tmp_path / "findings.json")
    assert loaded.findings == report.findings[:2]
    assert loaded.model.threshold == 0.5
    assert loaded.certificate == report.certificate


def test_a_findings_layer_is_saved_in_the_form_of_luna16(points: Layer, tmp_path: Path) -> None:
    save(points, tmp_path / "findings.csv")
    with (tmp_path / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "score"]
    for row, (center, diameter) in zip(rows, NODULES[:2], strict=True):
        assert [float(row[c]) for c in ("coordX", "coordY", "coordZ")] == pytest.approx(center, abs=1)
        assert float(row["diameter_mm"]) == pytest.approx(diameter, abs=1)


def test_analyse_folder_runs_without_a_window(detector: BlobDetector, scan: Volume, tmp_path: Path) -> None:
    write_ct_series(scan, tmp_path / "ct")
    result = npe2.PluginManager.instance().commands.execute(
        "napari-lesion.analyse_folder", (str(tmp_path / "ct"), str(tmp_path / "out"))
    )
    assert result.count("done") == 1
    [path] = (tmp_path / "out").glob("*/findings.json")
    assert len(load_report(path).findings) == 2
    assert (tmp_path / "out" / "summary.csv").is_file()


def test_the_folder_of_a_scan_is_opened_from_the_menu(
    make_napari_viewer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from napari_lesion.plugin.viewer.commands import open_folder

    factory.write_phantom(tmp_path / "ct")
    viewer = make_napari_viewer()
    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path / "ct"))
    open_folder(viewer)
    assert len(viewer.layers) == 1
    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getExistingDirectory", lambda *_: "")
    open_folder(viewer)
    assert len(viewer.layers) == 1


@pytest.mark.parametrize("key", ["baseline", "followup"])
def test_the_synthetic_scans_open_from_the_sample_menu(key: str, manifest: npe2.PluginManifest) -> None:
    [sample] = [s for s in manifest.contributions.sample_data if s.key == key]
    [(data, attributes, kind)] = sample.open()
    assert kind == "image"
    assert data.ndim == 3
    assert attributes["metadata"]["series"]["modality"] == "CT"


def test_naparis_menu_command_opens_a_folder_in_the_current_viewer(
    make_napari_viewer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from napari._app_model import get_app_model

    factory.write_phantom(tmp_path / "ct")
    viewer = make_napari_viewer()
    monkeypatch.setattr("qtpy.QtWidgets.QFileDialog.getExistingDirectory", lambda *_: str(tmp_path / "ct"))
    get_app_model().commands.execute_command("napari-lesion.open_folder").result()
    assert len(viewer.layers) == 1

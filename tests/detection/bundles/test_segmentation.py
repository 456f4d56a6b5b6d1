"""Segmentation bundles: the same map as MONAI's own pipeline, and findings where it has connected parts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial.transform import Rotation
from segmentation_bundle import BALLS, MR_STEPS, SPACING, balls, make_bundle, monai_pipeline

from napari_lesion.batch import save_analysis
from napari_lesion.detection.monai_bundles import segmentation
from napari_lesion.detection.monai_bundles.segmentation import SMALLEST_MM
from napari_lesion.detection.monai_bundles.segmentation_recipe import choose_classes
from napari_lesion.detection.registry import card_in, load_detector, read_card
from napari_lesion.model.findings import Detection
from napari_lesion.model.volume import Volume
from napari_lesion.models import packages, store
from napari_lesion.pipeline import analyse
from napari_lesion.support.errors import Cancelled, ModelError, SeriesError

AXIAL = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])
"""LPS directions of k, j and i, a column each: slices go up, rows to the back, columns to the left."""
SCANS = {
    "axial": balls(AXIAL),
    "from the head down": balls(AXIAL * (-1, 1, 1) * (1, 1, -1)),
    "coronal": balls(np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])),
    "oblique": balls(Rotation.from_euler("xyz", (12, -20, 8), degrees=True).as_matrix() @ AXIAL),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "ball_ct_segmentation", SCANS["axial"])


def centers(volume: Volume) -> np.ndarray:
    return np.array([volume.to_patient(np.array(center) / SPACING) for center, _ in BALLS])


def parts(mask: np.ndarray, volume: Volume) -> list[tuple[np.ndarray, float]]:
    """Centre (LPS mm) and diameter (mm) of the connected parts of a mask on the scan's grid, the largest first."""
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[1:] * abs(np.linalg.det(volume.affine[:3, :3]))
    centers = [volume.to_patient(c) for c in ndimage.center_of_mass(mask, labels, range(1, count + 1))]
    found = [(center, (6 * size / np.pi) ** (1 / 3)) for center, size in zip(centers, sizes, strict=True)]
    return sorted(found, key=lambda part: -part[1])


def check_parts(found: Detection, expected: list[tuple[np.ndarray, float]], smallest: float = SMALLEST_MM) -> None:
    expected = [part for part in expected if part[1] >= smallest]
    assert expected, "the test would say nothing"
    candidates = list(found.candidates)
    for center, diameter in expected:
        nearest = min(candidates, key=lambda c: np.linalg.norm(np.array(c.center_mm) - center))
        assert nearest.center_mm == pytest.approx(tuple(center), abs=1e-3)
        assert nearest.diameter_mm == pytest.approx(diameter)
        candidates.remove(nearest)
    assert not candidates


@pytest.mark.parametrize("name", list(SCANS))
def test_map_and_parts_are_those_of_monais_own_pipeline(bundle, tmp_path, name):
    volume = SCANS[name]
    found = load_detector(bundle).detect(volume, device="cpu")
    probability = monai_pipeline(bundle, volume, tmp_path / "scan.nii.gz")
    assert np.abs(found.heatmap.values - probability[1]).max() < 1e-5
    assert found.heatmap.values.max() > 0.9
    np.testing.assert_allclose(found.heatmap.affine, volume.affine)
    check_parts(found, parts(probability.argmax(0) == 1, volume))
    large = [candidate for candidate in found.candidates if candidate.diameter_mm > 10]
    distances = np.linalg.norm(centers(volume)[:, None] - np.array([c.center_mm for c in large]), axis=-1)
    assert distances.shape == (3, 3)
    assert distances.min(axis=1).max() < 5, "in the balls, though the network sees them out of the middle"
    assert all(0.5 <= candidate.score <= 1 for candidate in found.candidates)


def test_classes_that_overlap_have_their_own_threshold(tmp_path):
    volume = SCANS["axial"]
    folder = make_bundle(tmp_path / "b", volume, classes=("lesion core", "whole lesion"), sigmoid=True)
    found = load_detector(folder).detect(volume, device="cpu")
    probability = monai_pipeline(folder, volume, tmp_path / "scan.nii.gz")
    assert np.abs(found.heatmap.values - probability.max(0)).max() < 1e-5
    only = load_detector(folder, classes=["whole lesion"]).detect(volume, device="cpu")
    assert np.abs(only.heatmap.values - probability[1]).max() < 1e-5
    check_parts(only, parts(probability[1] >= 0.5, volume))


def test_of_three_classes_the_lesion_is_taken_or_what_the_user_asks_for(tmp_path):
    volume = SCANS["axial"]
    folder = make_bundle(tmp_path / "b", volume, classes=("background", "pancreas", "pancreatic tumor"))
    probability = monai_pipeline(folder, volume, tmp_path / "scan.nii.gz")
    tumor = load_detector(folder)
    found = tumor.detect(volume, device="cpu")
    assert np.abs(found.heatmap.values - probability[2]).max() < 1e-5
    check_parts(found, parts(probability.argmax(0) == 2, volume))
    both = load_detector(folder, classes=["Pancreas", "2"])
    assert np.abs(both.detect(volume, device="cpu").heatmap.values - probability[1:].sum(0)).max() < 1e-5
    assert tumor.card.version == "0.0.1"
    assert both.card.version == "0.0.1 (pancreas, pancreatic tumor)", "their results are not mixed up"
    with pytest.raises(ModelError, match=r"no class 'liver'.*1 pancreas, 2 pancreatic tumor"):
        load_detector(folder, classes=["liver"])


def test_a_brain_in_mr_is_searched_as_the_bundle_says(tmp_path):
    volume = balls(AXIAL, modality="MR")
    folder = make_bundle(tmp_path / "mr", volume, modality="MRI", steps=MR_STEPS)
    assert read_card(folder).modalities == ("MR",)
    analysis = analyse(volume, detector=load_detector(folder), device="cpu")
    probability = monai_pipeline(folder, volume, tmp_path / "scan.nii.gz")
    assert np.abs(analysis.heatmap.values - probability[1]).max() < 1e-5
    assert analysis.report.findings
    save_analysis(analysis, tmp_path / "out")
    saved = nib.load(tmp_path / "out" / "heatmap.nii.gz").get_fdata().transpose(2, 1, 0)
    assert np.abs(saved - probability[1]).max() < 0.003
    assert json.loads((tmp_path / "out" / "findings.json").read_text())["model"]["id"] == "mr"
    assert (tmp_path / "out" / "overview.png").stat().st_size > 10_000
    with pytest.raises(SeriesError, match="not MR but CT"):
        analyse(SCANS["axial"], detector=load_detector(folder), device="cpu")


def test_a_ct_without_lungs_is_searched(bundle):
    report = analyse(SCANS["axial"], detector=load_detector(bundle), device="cpu").report
    assert len([finding for finding in report.findings if finding.diameter_mm > 10]) == len(BALLS)
    assert not report.warnings


def test_parts_that_are_too_many_are_said(bundle, monkeypatch):
    monkeypatch.setattr(segmentation, "MOST", 2)
    found = load_detector(bundle).detect(SCANS["axial"], device="cpu")
    assert len(found.candidates) == 2
    assert found.warnings[0].startswith("Only the 2 best of ")


def test_cancelled_at_a_window_the_search_stops(bundle):
    reports = []

    def stop(done: int, total: int, what: str) -> None:
        reports.append((done, total, what))
        if what == "searching":
            raise Cancelled

    with pytest.raises(Cancelled):
        load_detector(bundle).detect(SCANS["axial"], device="cpu", progress=stop)
    assert [done for done, _, _ in reports] == sorted(done for done, _, _ in reports)
    assert {total for _, total, _ in reports} == {1000}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"postprocessing": {"_target_": "Compose", "transforms": []}}, "neither softmax, sigmoid nor argmax"),
        ({"inferer": {"_target_": "PatchInferer"}}, "not supported"),
        ({"network_def": {"_target_": "scripts.own.Net"}, "network": "@network_def"}, "trust"),
        ({"network_def": {"_target_": "scripts.net.Net"}, "network": "@network_def"}, r"net\.py is missing in"),
        ({"network_def": "$__import__('os').system('touch ran')", "network": "@network_def"}, "not evaluated"),
    ],
)
def test_what_cannot_be_run_as_the_configuration_says_is_said(tmp_path, monkeypatch, changes, words):
    monkeypatch.chdir(tmp_path)
    folder = make_bundle(tmp_path / "b", SCANS["axial"], **changes)
    (folder / "models" / "model.pt").touch()
    (folder / "scripts").mkdir()
    (folder / "scripts" / "own.py").touch()
    with pytest.raises(ModelError, match=words):
        load_detector(folder)
    assert not (tmp_path / "ran").exists()


def test_code_of_a_bundle_runs_only_when_it_is_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    changes = {"network_def": {"_target_": "scripts.blur_net.Net"}, "network": "@network_def"}
    folder = make_bundle(tmp_path / "b", SCANS["axial"], **changes)
    (folder / "scripts").mkdir()
    (folder / "scripts" / "__init__.py").touch()
    (folder / "scripts" / "blur_net.py").write_text(
        "import pathlib, torch\n"
        f"pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
        "class Net(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.w = torch.nn.Parameter(torch.tensor(1.0))\n"
        "    def forward(self, x):\n"
        "        return torch.cat([0 * x, self.w * (x - 0.9)], 1)\n"
    )
    torch.save({"w": torch.tensor(50.0)}, folder / "models" / "model.pt")
    with pytest.raises(ModelError, match="trust"):
        load_detector(folder)
    assert not (tmp_path / "ran").exists()
    found = load_detector(folder, trust_code=True).detect(SCANS["axial"], device="cpu")
    assert (tmp_path / "ran").exists()
    assert found.candidates


def test_several_images_are_not_one(tmp_path):
    folder = make_bundle(tmp_path / "b", SCANS["axial"])
    path = folder / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    metadata["network_data_format"]["inputs"]["image"]["num_channels"] = 4
    path.write_text(json.dumps(metadata))
    with pytest.raises(ModelError, match="several images"):
        load_detector(folder)


def test_an_added_bundle_has_an_id_and_is_checked_before_it_runs(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "home"))
    assert store.add(bundle, card_in) == "ball_ct_segmentation"
    card = read_card("ball_ct_segmentation")
    assert (card.id, card.version, card.task) == ("ball_ct_segmentation", "0.0.1", "segmentation of a test")
    assert card == load_detector("ball_ct_segmentation").card
    config = tmp_path / "home" / "ball_ct_segmentation" / "configs" / "inference.json"
    config.write_text(config.read_text().replace("-900", "-800"))
    with pytest.raises(ModelError, match=r"inference\.json is damaged or has been changed since it was added"):
        load_detector("ball_ct_segmentation")


def test_a_bundle_zipped_by_export_can_be_added(bundle, tmp_path, monkeypatch):
    store.export(bundle, tmp_path / "b.zip")
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path / "home"))
    assert store.add(tmp_path / "b.zip", card_in) == "ball_ct_segmentation"
    assert read_card("ball_ct_segmentation").sha256 == read_card(bundle).sha256


def test_lesions_are_chosen_by_their_names():
    assert choose_classes({0: "background", 1: "liver", 2: "hepatic tumor"}) == (2,)
    assert choose_classes({0: "background", 1: "spleen"}) == (1,)
    assert choose_classes({0: "Background", 1: "spleen", 2: "liver"}) == (1, 2)

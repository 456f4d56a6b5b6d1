"""The detector from a volume to candidates, with a network whose answer is known."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from napari_lesion.detection.registry import load_detector
from napari_lesion.model.findings import Detection
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.models import package_metadata, packages
from napari_lesion.models.networks import NoduleNet
from napari_lesion.support.errors import Cancelled, ConfigError, LungsNotFoundError, ModelError

NODULE_MM = (-43.0, -9.0, 23.0)
"""In the right lung (LPS x < 0), off every axis of symmetry."""
DIAMETER_MM = 11.0
BRIGHTEST_HU = 380.0
CERTIFICATE = GeometryCertificate(shape=(1, 1, 1), spacing_mm=(1, 1, 1), orientation="axial", axes="HPL")
AXIAL = np.array([[0, 0, 1.0], [0, 1, 0], [1.5, 0, 0]])
SAGITTAL = np.array([[1.5, 0, 0], [0, 0, -1.0], [0, -1, 0]])
"""k to the left, j to the feet, i to the front."""


def chest(directions: np.ndarray = AXIAL, nodule: bool = True, lungs: bool = True) -> Volume:
    """An elliptic body with two ellipsoid lungs, and one nodule that is brightest in its middle."""
    extent = np.array([180.0, 140.0, 140.0])  # (x, y, z) mm
    steps = np.abs(directions).sum(axis=0)
    shape = tuple(int(n) for n in np.ceil(np.abs(directions / steps).T @ extent / steps))
    affine = np.eye(4)
    affine[:3, :3] = directions
    affine[:3, 3] = [-0.3, 2.2, 5.1] - directions @ (np.array(shape) - 1) / 2
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    x, y, z = np.moveaxis(index @ affine[:3, :3].T + affine[:3, 3], -1, 0)
    hu = np.where((x / 80) ** 2 + (y / 62) ** 2 < 1, 40.0, -1000.0)
    if lungs:
        for side in (-1, 1):
            inside = ((x - side * 38) / 27) ** 2 + (y / 42) ** 2 + (z / 55) ** 2 < 1
            hu[inside] = -850
    if nodule:
        distance = np.sqrt(sum((a - c) ** 2 for a, c in zip((x, y, z), NODULE_MM, strict=True)))
        hu = np.maximum(hu, BRIGHTEST_HU - 40 * distance)
    identity = SeriesIdentity(series_uid="1.2.3", modality="CT")
    return Volume(hu.astype(np.int16), affine, identity, CERTIFICATE)


def brightness_weights() -> dict[str, torch.Tensor]:
    """Weights that make the network say: the brighter a block of 2×2×2 voxels, the more suspicious, and all 11 mm."""
    network = NoduleNet(width=4)
    for parameter in network.parameters():
        parameter.data.zero_()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.weight.data.fill_(1)
    network.stage1[0][0].weight.data[0, :, 1, 1, 1] = 1 / 8  # the mean of the block
    network.merge1[0].weight.data[0, 0, 1, 1, 1] = 1
    network.head.weight.data[0, 0] = 40
    network.head.bias.data[0] = -40 * 0.87  # even odds at 218 HU, brighter than any tissue of the chest
    network.head.bias.data[1] = np.log(DIAMETER_MM / 8)
    return network.state_dict()


def save(folder: Path, **changes: object) -> Path:
    metadata = package_metadata.Metadata(
        id="brightness",
        version="1",
        task="find the brightest spot",
        licence="Apache-2.0",
        threshold=0.5,
        network=package_metadata.NoduleNetSpec(width=4),
        preprocessing=package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
        training_cases=("none",),
    )
    packages.save_package(folder, brightness_weights(), metadata.model_copy(update=changes), "# Brightness")
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    return save(tmp_path_factory.mktemp("packages") / "brightness")


@pytest.fixture(scope="module")
def volume() -> Volume:
    return chest()


@pytest.fixture(scope="module")
def detection(package, volume) -> Detection:
    return load_detector(package).detect(volume, device="cpu")


def test_finds_the_nodule_where_it_was_put(detection):
    best = detection.candidates[0]
    assert best.center_mm == pytest.approx(NODULE_MM, abs=1.0)
    assert best.diameter_mm == pytest.approx(DIAMETER_MM)
    assert best.score > 0.9
    assert sum(c.score > 0.5 for c in detection.candidates) == 1


def test_finds_it_at_the_same_place_in_a_scan_with_other_axes(package):
    best = load_detector(package).detect(chest(SAGITTAL), device="cpu").candidates[0]
    assert best.center_mm == pytest.approx(NODULE_MM, abs=1.0)


def test_the_heatmap_shows_the_nodule_at_the_same_place(detection):
    heat = detection.heatmap
    peak = np.array([*np.unravel_index(heat.values.argmax(), heat.values.shape), 1])
    assert (heat.affine @ peak)[:3] == pytest.approx(NODULE_MM, abs=1.0)
    assert heat.values.dtype == np.float32
    assert heat.values.max() == pytest.approx(detection.candidates[0].score)
    assert heat.values.min() == 0


def test_says_how_it_was_done(detection):
    assert re.fullmatch(r"cpu \((float32|bfloat16), one pass\)", detection.device)
    assert set(detection.timings_s) == {"prepare", "network", "candidates"}
    assert all(seconds >= 0 for seconds in detection.timings_s.values())


def test_nothing_bright_is_nothing_suspicious(package):
    found = load_detector(package).detect(chest(nodule=False), device="cpu").candidates
    assert all(c.score < 0.2 for c in found)


def test_a_scan_without_lungs_is_said_to_have_none(package):
    with pytest.raises(LungsNotFoundError, match=r"1\.2\.3"):
        load_detector(package).detect(chest(lungs=False, nodule=False), device="cpu")


def test_the_same_candidates_every_time_and_from_two_threads_at_once(package, volume, detection):
    detector = load_detector(package)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: detector.detect(volume, device="cpu"), range(2)))
    for other in both:
        assert other.candidates == detection.candidates
        assert other.heatmap.values.tobytes() == detection.heatmap.values.tobytes()


def test_one_progress_scale_from_the_first_step_to_the_last(package, volume):
    reports: list[tuple[int, int]] = []
    load_detector(package).detect(
        volume, device="cpu", progress=lambda done, total, what: reports.append((done, total))
    )
    dones, totals = zip(*reports, strict=True)
    assert len(set(totals)) == 1
    assert dones[0] == 0
    assert dones[-1] == totals[0]
    assert list(dones) == sorted(dones)


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.95])
def test_can_be_cancelled_at_every_step(package, volume, share):
    def stop(done: int, total: int, what: str) -> None:
        if done >= share * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        load_detector(package).detect(volume, device="cpu", progress=stop)


def test_a_calibration_changes_scores_and_heatmap_alike(tmp_path, volume, detection):
    curve = package_metadata.Calibration(points=((0, 0), (0.5, 0.1), (1, 0.8)))
    calibrated = load_detector(save(tmp_path / "calibrated", calibration=curve)).detect(volume, device="cpu")
    raw = np.array([c.score for c in detection.candidates], dtype=np.float32)
    assert [c.score for c in calibrated.candidates] == pytest.approx(list(curve(raw)))
    assert [c.center_mm for c in calibrated.candidates] == [c.center_mm for c in detection.candidates]
    np.testing.assert_allclose(calibrated.heatmap.values, curve(detection.heatmap.values))


def test_a_device_that_is_not_there_is_refused_before_the_work(package, volume):
    reports = []
    with pytest.raises(ConfigError, match="choose auto"):
        load_detector(package).detect(volume, device="tpu", progress=lambda *report: reports.append(report))
    assert reports == []


def test_a_package_made_for_another_window_is_refused(tmp_path):
    other = package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1200, 600))
    folder = save(tmp_path / "other", preprocessing=other)
    with pytest.raises(ModelError, match=r"brightness: .*HU window .*Use a model made for this version"):
        load_detector(folder)

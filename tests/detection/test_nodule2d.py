"""The 2D detector, the planes that it sees, and the false-positive reduction."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from napari_lesion.detection.false_positive_reduction import PlaneClassifier, fit_stage, predict_planes, rescore
from napari_lesion.detection.registry import load_detector
from napari_lesion.imaging.planes import orthogonal_patches
from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.models import package_metadata, packages
from napari_lesion.models.networks import PATCH_SIZE, PATCH_STRIDE, PatchNet, PlanesNet
from napari_lesion.support.errors import LungsNotFoundError, ModelError

NODULE_MM = (-43.0, -9.0, 23.0)
"""In the right lung (LPS x < 0), off every axis of symmetry."""
DIAMETER_MM = 11.0
AXIAL = np.array([[0, 0, 1.0], [0, 1, 0], [1.5, 0, 0]])
SAGITTAL = np.array([[1.5, 0, 0], [0, 0, -1.0], [0, -1, 0]])
"""k to the left, j to the feet, i to the front."""


def chest(directions: np.ndarray = AXIAL, *, hollow: bool = True) -> Volume:
    """An elliptic body with two ellipsoid lungs, and one nodule that is brightest in its middle."""
    extent = np.array([170.0, 130.0, 120.0])  # (x, y, z) mm
    steps = np.abs(directions).sum(axis=0)
    shape = tuple(int(n) for n in np.ceil(np.abs(directions / steps).T @ extent / steps))
    affine = np.eye(4)
    affine[:3, :3] = directions
    affine[:3, 3] = [-0.3, 2.2, 5.1] - directions @ (np.array(shape) - 1) / 2
    x, y, z = np.moveaxis(np.stack(np.indices(shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3], -1, 0)
    hu = np.where((x / 80) ** 2 + (y / 62) ** 2 < 1, 40.0, -1000.0)
    if hollow:
        for side in (-1, 1):
            hu[((x - side * 38) / 27) ** 2 + (y / 42) ** 2 + (z / 52) ** 2 < 1] = -850
    distance = np.sqrt(sum((a - c) ** 2 for a, c in zip((x, y, z), NODULE_MM, strict=True)))
    hu = np.maximum(hu, 380 - 80 * distance) if hollow else hu
    certificate = GeometryCertificate(shape=shape, spacing_mm=tuple(steps), orientation="unknown", axes="")
    return Volume(hu.astype(np.int16), affine, SeriesIdentity(series_uid="1.2.3", modality="CT"), certificate)


class Brightness(nn.Module):
    """Says: the brighter the middle of a patch, the more suspicious, and all 11 mm."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        middle = x[..., 22 : x.shape[2] - 22, 22 : x.shape[3] - 22]
        mean = nn.functional.avg_pool2d(middle, PATCH_STRIDE)
        return torch.cat([20 * (mean - 0.85), torch.full_like(mean, float(np.log(DIAMETER_MM / 8)))], dim=1)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    metadata = package_metadata.Metadata(
        id="two-d",
        version="1",
        task="t",
        licence="Apache-2.0",
        sha256="",
        threshold=0.5,
        network=package_metadata.PatchNetSpec(width=4),
        preprocessing=package_metadata.Preprocessing(spacing_mm=0.7, window_hu=(-1000, 400)),
        training_cases=(),
    )
    monkeypatch.setattr("napari_lesion.detection.package_detector.load_network", lambda _: Brightness())
    return packages.save_package(tmp_path / "two-d", PatchNet(4).state_dict(), metadata, "# card").folder


def test_a_plane_gets_the_answers_of_its_patches() -> None:
    torch.manual_seed(0)
    network = PatchNet(4).eval()
    image = torch.rand(1, 1, PATCH_SIZE + 2 * PATCH_STRIDE, PATCH_SIZE + PATCH_STRIDE)
    with torch.no_grad():
        whole = network(image)
        patch = network(image[:, :, 8 : 8 + PATCH_SIZE, 4 : 4 + PATCH_SIZE])
    assert whole.shape == (1, 2, 3, 2)
    torch.testing.assert_close(whole[:, :, 2, 1], patch[:, :, 0, 0], rtol=0, atol=1e-5)


def test_planes_go_through_the_point_in_the_right_directions() -> None:
    z, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in (30, 40, 50)), indexing="ij")
    image = (10000 * z + 100 * y + x).astype(np.float32)
    (patches,) = orthogonal_patches(image, [[12.5, 20, 30]], size=5, pixel=(0.5, 1, 2), outside=-1)
    middle = 10000 * 12.5 + 100 * 20 + 30
    steps = np.arange(-2, 3)
    np.testing.assert_allclose(patches[0], middle + 100 * steps[:, None] + 2 * steps, rtol=1e-5)
    np.testing.assert_allclose(patches[1], middle + 5000 * steps[:, None] + 2 * steps, rtol=1e-5)
    np.testing.assert_allclose(patches[2], middle + 5000 * steps[:, None] + 100 * steps, rtol=1e-5)


def test_planes_are_filled_outside_of_the_scan() -> None:
    (patches,) = orthogonal_patches(np.ones((6, 6, 6), np.int16), [[0, 3, 3]], size=9, pixel=1, outside=-7)
    assert (patches[1][:4] == -7).all()
    assert (patches[1][4:8, 1:7] == 1).all()
    assert (patches[0][:, 0] == -7).all()


@pytest.mark.parametrize("directions", [AXIAL, SAGITTAL], ids=["axial", "sagittal"])
def test_finds_the_nodule_where_it_is(package: Path, directions: np.ndarray) -> None:
    found = load_detector(package).detect(chest(directions), device="cpu")
    best = found.candidates[0]
    assert np.linalg.norm(np.subtract(best.center_mm, NODULE_MM)) < 3
    assert best.diameter_mm == pytest.approx(DIAMETER_MM, abs=0.1)
    heat = found.heatmap
    peak = np.array(np.unravel_index(heat.values.argmax(), heat.values.shape))
    assert np.linalg.norm((heat.affine @ [*peak, 1])[:3] - NODULE_MM) < 3.5


def test_searches_a_single_slice(package: Path) -> None:
    volume = chest()
    k = round(volume.to_index(NODULE_MM)[0])
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient([k, 0, 0])
    single = type(volume)(volume.voxels[k : k + 1], affine, volume.series, volume.certificate)
    found = load_detector(package).detect(single, device="cpu")
    assert np.linalg.norm(np.subtract(found.candidates[0].center_mm, NODULE_MM)) < 3
    assert found.warnings


def test_a_slice_without_air_in_it_is_refused(package: Path) -> None:
    volume = chest(hollow=False)
    single = type(volume)(volume.voxels[60:61], volume.affine, volume.series, volume.certificate)
    with pytest.raises(LungsNotFoundError, match="no lung"):
        load_detector(package).detect(single, device="cpu")


def test_false_positive_reduction_puts_the_nodule_before_a_false_finding() -> None:
    volume = chest()
    false, true = Candidate((40.0, 5.0, 3.0), 9.0, 0.6), Candidate(NODULE_MM, 11.0, 0.5)
    stage = package_metadata.FalsePositiveReduction(model="two-d", intercept=0.0, first=1.0, second=0.5)
    first, second = rescore([false, true], volume, PlaneClassifier(Brightness(), 0.7), stage, "cpu")
    assert first.center_mm == true.center_mm
    assert first.score > 0.5 > second.score
    assert rescore([], volume, PlaneClassifier(Brightness(), 0.7), stage, "cpu") == ()


def test_a_stage_is_fitted_to_trust_the_classifier_that_is_right() -> None:
    rng = np.random.default_rng(0)
    hit = np.arange(400) % 10 == 0
    first = 1 / (1 + np.exp(-(rng.normal(0, 1, 400) + 1.0 * hit)))
    second = rng.normal(0, 1, 400) + 2.5 * hit
    stage = fit_stage("two-d", first, second, hit)
    assert stage.second > 1.5 * stage.first > 0
    with pytest.raises(ModelError, match="some are lesions"):
        fit_stage("two-d", first, second, np.zeros(400, bool))
    with pytest.raises(ModelError, match="does not fit"):
        fit_stage("two-d", first, -second, hit)


def test_a_classifier_of_three_planes_answers_once_a_point_and_left_as_right() -> None:
    torch.manual_seed(0)
    network = PlanesNet(4).eval()
    nn.init.normal_(network.together[-1].weight)
    volume = chest()
    logits, sizes = PlaneClassifier(network, 0.7)(volume, [NODULE_MM, (40.0, 5.0, 3.0)], "cpu")
    assert logits.shape == sizes.shape == (2, 1)
    planes = torch.rand(3, 3, PATCH_SIZE, PATCH_SIZE)
    torch.testing.assert_close(
        predict_planes(network, planes, "cpu"), predict_planes(network, planes.flip(3), "cpu"), rtol=1e-4, atol=1e-5
    )
    nothing, _ = PlaneClassifier(network, 0.7)(volume, [], "cpu")
    assert nothing.shape == (0, 1)

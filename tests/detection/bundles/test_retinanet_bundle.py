"""RetinaNet bundles: the same boxes as MONAI's own pipeline, in the right place, whatever way the scan lies."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from detection_bundle import inference_config, write_bundle
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.data.box_utils import box_iou
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose, EnsureType, Orientation, ScaleIntensityRange, Spacing
from synthetic_chest import Chest

from napari_lesion.detection.monai_bundles.boxes import Boxes, inside, to_candidates, to_heatmap
from napari_lesion.detection.monai_bundles.bundle import read_bundle
from napari_lesion.detection.monai_bundles.retinanet import RetinaNetBundle, _Preparation
from napari_lesion.imaging.preprocess import find_search_region
from napari_lesion.model.volume import FloatArray, GeometryCertificate, SeriesIdentity, Volume, apply_affine
from napari_lesion.support.errors import ConfigError

SPACING = (12.0, 11.0, 15.0)
"""Coarse, so that a whole chest is a small input."""
CONFIG = inference_config(network="resnet10(", spacing=SPACING)
STEPS = [
    Orientation(axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
    Spacing(pixdim=SPACING),
    ScaleIntensityRange(-1024.0, 300.0, 0.0, 1.0, clip=True),
    EnsureType(),
]
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def scan(patient: FloatArray | None = None, *, feet: float = -150.0) -> Volume:
    """A chest from ``feet`` (mm) on, in a patient who is turned by ``patient``."""
    chest = Chest(spacing=(5.0, 4.0, 4.0), z_range=(feet, 150.0))
    affine = np.array([[0, 0, 4.0, -178], [0, 4.0, 0, -138], [5.0, 0, 0, feet + 2.5], [0, 0, 0, 1]])
    if patient is not None:
        affine = patient @ affine
    return Volume(
        voxels=np.rint(chest.hu).astype(np.int16),
        affine=affine,
        series=SeriesIdentity(series_uid="1.2.3", modality="CT"),
        certificate=GeometryCertificate(
            shape=chest.hu.shape, spacing_mm=(5.0, 4.0, 4.0), orientation="axial", axes="HPL"
        ),
    )


@dataclass
class Expected:
    """What MONAI's own pipeline gives."""

    boxes: torch.Tensor
    scores: torch.Tensor
    affine: FloatArray
    """Index (x, y, z) → LPS mm."""


def as_monai_loads(volume: Volume) -> MetaTensor:
    """The scan as its NIfTI file would be read."""
    return MetaTensor(
        torch.from_numpy(volume.voxels.transpose(2, 1, 0).astype(np.float32))[None],
        affine=torch.from_numpy(LPS_TO_RAS @ volume.affine[:, [2, 1, 0, 3]]),
    )


def monai_pipeline(detector: RetinaNetDetector, volume: Volume, *, windows: bool) -> Expected:
    """MONAI's transforms and its RetinaNetDetector."""
    prepared = Compose(STEPS)(as_monai_loads(volume))
    with torch.no_grad():
        found = detector([prepared.as_tensor()], use_inferer=windows)[0]
    return Expected(found["box"], found["label_scores"], LPS_TO_RAS @ prepared.affine.numpy())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """Random weights of a small RetinaNet whose bias lets some 150 places of the chest score."""
    torch.manual_seed(1)
    folder = write_bundle(tmp_path_factory.mktemp("draft") / "bundle", CONFIG, {})
    network = read_bundle(folder).config.value("network").eval()
    for name, parameter in network.named_parameters():
        if "head" in name and name.endswith("weight") and parameter.ndim == 5:
            std = {"conv": 0.02, "cls_logits": 0.1, "bbox_reg": 0.01}[name.split(".")[1]]
            torch.nn.init.normal_(parameter, std=std)
    image = Compose(STEPS)(as_monai_loads(scan()))
    padded = torch.nn.functional.pad(
        image, [p for n, d in zip(image.shape[:0:-1], (8, 16, 16), strict=True) for p in (0, -n % d)]
    )
    with torch.no_grad():
        top = network(padded.as_tensor()[None])["classification"][0].flatten().topk(150).values[-1]
    state = network.state_dict()
    state["classification_head.cls_logits.bias"] += -3.9 - top  # sigmoid(-3.9) is the threshold of 0.02
    return state  # type: ignore[no-any-return]


def assert_same(found: Boxes, expected: Expected) -> None:
    """Every box of one has its partner in the other, with the same score."""
    assert len(expected.boxes) > 10
    assert len(found.corners) == len(expected.boxes)
    overlap = box_iou(expected.boxes, torch.from_numpy(found.corners))
    assert float(overlap.amax(1).min()) >= 0.99
    partner = overlap.argmax(1)
    assert sorted(partner.tolist()) == list(range(len(partner)))
    assert float((expected.scores - torch.from_numpy(found.scores)[partner]).abs().max()) < 1e-3


@pytest.mark.parametrize("window", [(512, 512, 192), (32, 16, 16), (48, 16, 16)], ids=["one pass", "windows", "padded"])
def test_boxes_and_scores_are_those_of_monai(
    tmp_path: Path, weights: dict[str, torch.Tensor], window: tuple[int, int, int]
) -> None:
    config = inference_config(network="resnet10(", spacing=SPACING, window=window)
    bundle = read_bundle(write_bundle(tmp_path / "bundle", config, weights))
    model = RetinaNetBundle(bundle)
    expected = monai_pipeline(bundle.config.value("detector"), scan(), windows=window[0] < 512)
    grid = model.prepare(scan())
    assert_same(model.search(grid.image), expected)
    np.testing.assert_allclose(grid.affine, expected.affine, atol=1e-9)


def test_bfloat16_is_asked_for_and_gives_nearly_the_same_scores(
    tmp_path: Path, weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = read_bundle(write_bundle(tmp_path / "bundle", CONFIG, weights))
    exact = RetinaNetBundle(bundle)
    image = exact.prepare(scan()).image
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)  # any CPU can, if slowly
    quick = RetinaNetBundle(bundle, precision="bfloat16").search(image)
    same = exact.search(image)
    assert (same.how, quick.how) == ("float32, one pass", "bfloat16, one pass")
    # Random weights make steep scores: this is why bfloat16 is never chosen for the user.
    assert 0 < float(np.abs(quick.heatmap - same.heatmap).max()) < 0.05
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    with pytest.raises(ConfigError, match="bfloat16"):
        RetinaNetBundle(bundle, precision="bfloat16").detect(scan(), device="cpu")


def rotated(degrees: float) -> FloatArray:
    """Rotation of the patient about the long axis, then about the left-right axis."""
    a = np.deg2rad(degrees)
    about_z = np.array([[np.cos(a), -np.sin(a), 0, 0], [np.sin(a), np.cos(a), 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    about_x = np.array([[1, 0, 0, 0], [0, np.cos(a), -np.sin(a), 0], [0, np.sin(a), np.cos(a), 0], [0, 0, 0, 1]])
    return about_x @ about_z


def box_at(center: tuple[float, float, float], sides: tuple[float, float, float]) -> Boxes:
    """One box on the network's grid, and a heatmap with its peak there."""
    corners = np.array([[*np.subtract(center, np.divide(sides, 2)), *np.add(center, np.divide(sides, 2))]], np.float32)
    heatmap = np.zeros((8, 7, 6), np.float32)
    heatmap[2, 3, 4] = 0.7
    affine = np.diag([4.0, 4.0, 2.0, 1.0])
    affine[:3, 3] = 2, 2, 1
    return Boxes(corners, np.array([0.7], np.float32), np.zeros(1, np.int64), heatmap, affine)


@pytest.mark.parametrize("degrees", [0.0, 10.0, 30.0])
def test_an_oblique_box_keeps_its_centre_and_its_size(degrees: float) -> None:
    volume = scan(rotated(degrees))
    affine = rotated(degrees) @ np.array([[-3.0, 0, 0, 100], [0, -3.0, 0, 90], [0, 0, 5.0, -120], [0, 0, 0, 1]])
    boxes = box_at((10.0, 14.0, 9.0), (4.0, 2.0, 3.0))
    (candidate,) = to_candidates(boxes, affine)
    np.testing.assert_allclose(candidate.center_mm, (affine @ [10, 14, 9, 1])[:3], atol=1e-4)
    assert candidate.diameter_mm == pytest.approx((12 + 6 + 15) / 3)
    heatmap = to_heatmap(boxes, affine, volume)
    peak = np.unravel_index(heatmap.values.argmax(), heatmap.values.shape)
    np.testing.assert_allclose(apply_affine(heatmap.affine, peak), (affine @ [10, 14, 9, 1])[:3], atol=1e-4)


def test_every_orientation_of_the_arrays_gives_the_network_the_same_image(tmp_path: Path) -> None:
    model = _Preparation(read_bundle(write_bundle(tmp_path / "bundle", CONFIG, {})))
    straight = scan()
    flipped = canonical_flip(straight)
    a, b = model.prepare(straight), model.prepare(flipped)
    np.testing.assert_allclose(a.affine, b.affine, atol=1e-9)
    torch.testing.assert_close(a.image, b.image, rtol=0, atol=1e-5)
    assert np.allclose(np.linalg.norm(a.affine[:3, :3], axis=0), SPACING)
    assert (np.diag(a.affine)[:2] < 0).all()  # RAS: x grows to the right, y to the front
    assert not a.warnings


def canonical_flip(volume: Volume) -> Volume:
    """The same scan with its axes in another order and one of them reversed."""
    affine = volume.affine[:, [1, 2, 0, 3]].copy()
    voxels = volume.voxels.transpose(1, 2, 0)[:, ::-1]
    affine[:3, 3] += affine[:3, 1] * (voxels.shape[1] - 1)
    affine[:3, 1] *= -1
    return replace(volume, voxels=voxels, affine=affine)


def test_only_the_lungs_are_searched_and_reported(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    config = inference_config(network="resnet10(", spacing=SPACING, window=(16, 16, 16))
    bundle = read_bundle(write_bundle(tmp_path / "bundle", config, weights))
    model = RetinaNetBundle(bundle)
    volume = scan(feet=-450.0)  # a long way below the lungs
    detection = model.detect(volume, device="cpu")
    region = find_search_region(volume)
    done, windows = map(int, re.findall(r"\d+", detection.device.partition(",")[2]))
    assert done < windows
    assert detection.heatmap.values.max() <= 1
    assert detection.candidates
    assert all(inside(region, c.center_mm) for c in detection.candidates)
    grid = model.prepare(volume)
    everywhere = to_candidates(model.search(grid.image), grid.affine)
    expected = [c for c in everywhere if inside(region, c.center_mm)]
    assert len(expected) == len(detection.candidates)
    for a, b in zip(expected, detection.candidates, strict=True):
        np.testing.assert_allclose(a.center_mm, b.center_mm, atol=0.01)
        assert a.score == pytest.approx(b.score, abs=1e-4)

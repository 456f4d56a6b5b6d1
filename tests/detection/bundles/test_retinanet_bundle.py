"""RetinaNet bundles: the same boxes as MONAI's own pipeline, in the right place, whatever way the scan lies."""

from __future__ import annotations

from dataclasses import dataclass
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

from napari_lesion.detection.bundles.bundle import read_bundle
from napari_lesion.detection.bundles.retinanet import Boxes, RetinaNetBundle
from napari_lesion.volume import FloatArray, GeometryCertificate, SeriesIdentity, Volume

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


def scan(affine_to_lps: FloatArray | None = None) -> Volume:
    """A chest, in an orientation of its own: rotated in the patient by ``affine_to_lps``."""
    chest = Chest(spacing=(5.0, 4.0, 4.0))
    affine = np.array([[0, 0, 4.0, -180], [0, 4.0, 0, -140], [5.0, 0, 0, -150], [0, 0, 0, 1]])
    if affine_to_lps is not None:
        affine = affine_to_lps @ affine
    return Volume(
        voxels=np.rint(chest.hu).astype(np.int16),
        affine=affine,
        series=SeriesIdentity(series_uid="1.2.3", modality="CT"),
        certificate=GeometryCertificate(
            shape=chest.hu.shape, spacing_mm=(5.0, 4.0, 4.0), orientation="axial", axes="HPL"
        ),
    )


def turned(degrees: float) -> FloatArray:
    """Rotation about the patient's long and left-right axes."""
    a = np.deg2rad(degrees)
    about_z = np.array([[np.cos(a), -np.sin(a), 0, 0], [np.sin(a), np.cos(a), 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    about_x = np.array([[1, 0, 0, 0], [0, np.cos(a), -np.sin(a), 0], [0, np.sin(a), np.cos(a), 0], [0, 0, 0, 1]])
    return about_x @ about_z


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

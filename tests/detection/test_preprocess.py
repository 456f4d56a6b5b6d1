from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from fake_scan import AXIAL, CORONAL, make_volume
from monai.data import MetaTensor
from monai.transforms import Compose, Orientationd, ScaleIntensityRanged, Spacingd

from napari_lesion.imaging import preprocess
from napari_lesion.imaging.monai_transforms import (
    AXCODES,
    RAS_LABELS,
    FastSpacingd,
    lps_affine,
    pipeline,
    to_metatensor,
)
from napari_lesion.imaging.preprocess import (
    HU_WINDOW,
    LungBox,
    canonical,
    coarse_grid,
    image_hu,
    prepare,
    resample,
    to_scanner_grid,
)
from napari_lesion.model.findings import Heatmap
from napari_lesion.model.volume import Volume, apply_affine, spacing_of
from napari_lesion.support.errors import Cancelled, GeometryError, LungsNotFoundError

SAGITTAL = np.array([[2.0, 0, 0, -110], [0, 0, 1.5, -95], [0, -1.5, 0, -190], [0, 0, 0, 1.0]])
"""Slices run to the left, rows to the feet, columns to the back."""
FLIPPED = np.array([[0, 0, -1.5, 103.5], [0, -1.5, 0, 58.5], [-2.5, 0, 0, -200], [0, 0, 0, 1.0]])
"""Slices run to the feet, rows to the front, columns to the right."""
TURN = np.deg2rad(12)
OBLIQUE = np.array(
    [
        [0, 0, 1.5, -115],
        [-2.5 * np.sin(TURN), 1.5 * np.cos(TURN), 0, -80],
        [2.5 * np.cos(TURN), 1.5 * np.sin(TURN), 0, -310],
        [0, 0, 0, 1.0],
    ]
)
SCANS = {
    "axial": (AXIAL, (40, 100, 150)),
    "flipped": (FLIPPED, (40, 100, 150)),
    "coronal": (CORONAL, (56, 70, 150)),
    "sagittal": (SAGITTAL, (110, 60, 100)),
    "oblique": (OBLIQUE, (40, 100, 150)),
}
NODULE = (-40.0, -33.0, -255.0)
"""In the right lung, off every centre line; LPS mm."""


def scan(name: str) -> Volume:
    affine, shape = SCANS[name]
    return make_volume(affine, shape, nodules=((NODULE, 14.0),))


@pytest.fixture(params=SCANS)
def volume(request) -> Volume:
    return scan(request.param)


def centroid(weights: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Centre of mass of an array, LPS mm."""
    index = np.stack(np.indices(weights.shape), axis=-1).reshape(-1, 3)
    return apply_affine(affine, np.average(index, axis=0, weights=weights.ravel()))


def test_canonical_axes_grow_to_head_back_and_left(volume):
    result = canonical(volume)
    directions = result.affine[:3, :3] / np.array(result.spacing)
    for axis, world in enumerate((2, 1, 0)):
        assert directions[world, axis] > 0.9
    assert np.shares_memory(result.voxels, volume.voxels)


def test_canonical_keeps_every_voxel_where_it_was(volume):
    result = canonical(volume)
    rng = np.random.default_rng(0)
    for _ in range(50):
        index = [rng.integers(n) for n in volume.shape]
        there = np.rint(result.to_index(volume.to_patient(index))).astype(int)
        assert np.allclose(result.to_patient(there), volume.to_patient(index), atol=1e-9)
        assert result.voxels[tuple(there)] == volume.voxels[tuple(index)]


@pytest.mark.parametrize("order", permutations(range(3)))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_canonical_knows_all_48_ways_to_lie(order, signs):
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(order)] * np.array(signs) * np.array([1.0, 2.0, 3.0])
    volume = make_volume(affine, (3, 4, 5))
    result = canonical(volume)
    assert np.array_equal(np.abs(result.affine[:3, :3]) > 0, np.eye(3)[::-1] > 0)
    assert (result.affine[:3, :3] >= 0).all()
    corner = np.array(volume.shape) - 1
    assert np.allclose(sorted(result.spacing), sorted(volume.spacing))
    assert np.allclose(
        np.minimum(result.to_patient((0, 0, 0)), result.to_patient(np.array(result.shape) - 1)),
        np.minimum(volume.to_patient((0, 0, 0)), volume.to_patient(corner)),
    )


def test_lps_becomes_ras_and_back():
    volume = scan("oblique")
    tensor = to_metatensor(volume.voxels, volume.affine)
    point = volume.to_patient((3, 5, 7))
    ras = tensor.affine.numpy() @ [3, 5, 7, 1]
    assert np.allclose(ras[:3], point * [-1, -1, 1])
    assert np.allclose(lps_affine(tensor), volume.affine)


def monai_reference(volume: Volume, spacing: float) -> torch.Tensor:
    return Compose(
        [
            Orientationd("image", axcodes=AXCODES, labels=RAS_LABELS),
            Spacingd("image", (spacing,) * 3, mode="bilinear", padding_mode="border"),
            ScaleIntensityRanged("image", *HU_WINDOW, 0.0, 1.0, clip=True),
        ]
    )({"image": to_metatensor(volume.voxels, volume.affine)})["image"]


@pytest.mark.parametrize("spacing", [1.0, 1.3, 2.5])
def test_equals_monai(volume, spacing):
    ours = pipeline("image", spacing)({"image": to_metatensor(volume.voxels, volume.affine)})["image"]
    theirs = monai_reference(volume, spacing)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert torch.allclose(ours.affine, theirs.affine, atol=1e-6)
    assert (ours.as_tensor() - theirs.as_tensor()).abs().max() < 2e-5


def test_the_lung_box_is_what_the_monai_pipeline_makes_of_that_part_of_the_scan(volume, monkeypatch):
    found = preprocess._bounding_box
    parts = []
    monkeypatch.setattr(preprocess, "_bounding_box", lambda *args: parts.append(found(*args)) or parts[-1])
    box = prepare(volume, spacing_mm=1.3)
    whole = canonical(volume)
    affine = whole.affine.copy()
    affine[:3, 3] = whole.to_patient([part.start for part in parts[0]])
    image = pipeline("image", 1.3)({"image": to_metatensor(whole.voxels[parts[0]], affine)})["image"]
    d, h, w = box.image.shape
    assert np.allclose(lps_affine(image), box.affine)
    assert (image.as_tensor()[0, :d, :h, :w] - box.image).abs().max() < 1e-6
    assert all(0 <= n - m <= 1 for n, m in zip(image.shape[1:], (d, h, w), strict=True))


def test_fast_spacing_works_on_channels_and_gives_its_inverse():
    volume = scan("axial")
    smooth = np.cumsum(np.ones(volume.shape, np.float32), axis=0) * 3 + np.arange(150, dtype=np.float32)
    first = to_metatensor(smooth, volume.affine)
    image = MetaTensor(torch.cat([first.as_tensor(), -first.as_tensor()]), affine=first.affine)
    respace = Compose([FastSpacingd("image", (1.0, 1.0, 1.0))])
    result = respace({"image": image})
    assert result["image"].shape == (2, 98, 150, 224)
    back = respace.inverse(result)["image"]
    assert back.shape == image.shape
    assert torch.allclose(back.affine, image.affine)
    inner = (slice(None), slice(0, -1), slice(0, -1), slice(0, -1))
    assert torch.allclose(back.as_tensor()[inner], image.as_tensor()[inner], atol=1e-3)
    assert not back.applied_operations


def test_resampling_refuses_grids_that_are_not_parallel():
    with pytest.raises(GeometryError, match="not parallel"):
        resample(np.zeros((4, 5, 6), np.float32), AXIAL, OBLIQUE, (4, 5, 6))


def test_resampling_is_exact_on_a_ramp_and_knows_where_the_image_ends():
    k, j, i = np.indices((6, 7, 8), dtype=np.float32)
    image = 2 * k + 3 * j - i
    target = np.eye(4)
    target[:3, :3] *= 0.5
    target[:3, 3] = -1
    inside = resample(image, np.eye(4), target, (14, 14, 14), outside=-99)
    position = np.arange(14) * 0.5 - 1
    x, y, z = np.meshgrid(*(np.clip(position, 0, n - 1) for n in (6, 7, 8)), indexing="ij")
    expected = 2 * x + 3 * y - z
    for axis, n in enumerate((6, 7, 8)):
        beyond = (position < -0.5) | (position > n - 0.5)
        expected[tuple(beyond if a == axis else slice(None) for a in range(3))] = -99
    assert np.allclose(inside, expected)
    assert np.array_equal(resample(image, np.eye(4), np.eye(4), image.shape), image)


def test_the_nodule_lies_in_the_box_where_it_was_put(volume):
    box = prepare(volume)
    spacing = spacing_of(box.affine)
    assert np.allclose(spacing, 1)
    nodule = box.image.numpy() > 0.6
    near = np.linalg.norm(
        apply_affine(box.affine, np.stack(np.indices(nodule.shape), axis=-1)) - np.array(NODULE), axis=-1
    )
    weights = nodule & (near < 12)
    assert np.linalg.norm(centroid(weights, box.affine) - NODULE) < 0.5
    assert box.lungs[weights].all()
    assert box.search[box.lungs].all()


def test_the_box_is_what_the_network_expects(volume):
    box = prepare(volume)
    assert box.image.dtype == torch.float32
    assert box.image.shape == box.search.shape == box.lungs.shape
    assert 0 <= float(box.image.min()) < 0.2
    assert 0.7 < float(box.image.max()) <= 1
    directions = box.affine[:3, :3]
    assert all(directions[world, axis] > 0.9 for axis, world in enumerate((2, 1, 0)))
    # Some tissue around, but no more.
    for axis in range(3):
        hits = np.flatnonzero(box.search.any(axis=tuple(a for a in range(3) if a != axis)))
        assert hits[0] <= 8
        assert hits[-1] >= box.search.shape[axis] - 9


def test_lungs_of_all_orientations_are_the_same():
    volumes = {name: float(prepare(scan(name)).lungs.sum()) for name in ("axial", "flipped", "coronal")}
    assert max(volumes.values()) < 1.06 * min(volumes.values())


def test_hu_on_the_grid_of_the_box_is_neither_scaled_nor_clipped(volume):
    box = prepare(volume)
    hu = image_hu(volume, box)
    assert hu.dtype == np.int16
    low, high = HU_WINDOW
    assert np.abs(np.clip((hu - low) / (high - low), 0, 1) - box.image.numpy()).max() < 0.5 / (high - low) + 1e-6
    metal = make_volume()
    metal.voxels[19:22, 49:52, 49:52] = 3000
    assert image_hu(metal, prepare(metal)).max() > 2500


def test_heatmap_comes_back_to_the_voxels_of_the_scan(volume):
    """A bright voxel of a stride-2 heatmap shows up at its place in the patient, for every orientation."""
    box = prepare(volume)
    affine = box.affine.copy()
    affine[:3, :3] *= 2
    affine[:3, 3] = apply_affine(box.affine, (0.5, 0.5, 0.5))
    shape = [n // 2 for n in box.search.shape]
    rng = np.random.default_rng(1)
    for _ in range(4):
        values = np.zeros(shape, dtype=np.float32)
        middle = [int(rng.integers(8, n - 8)) for n in shape]
        # A tent wide enough to be seen on thick slices.
        index = np.indices(shape)
        distance = np.sqrt(sum((i - m) ** 2 for i, m in zip(index, middle, strict=True)))
        values[...] = np.clip(1 - distance / 5, 0, 1)
        there = to_scanner_grid(Heatmap(values=values, affine=affine), volume)
        assert there.shape == volume.shape
        assert there.dtype == np.float32
        expected = apply_affine(affine, middle)
        offset = volume.to_index(centroid(there, volume.affine)) - volume.to_index(expected)
        assert np.abs(offset).max() < 0.5
        peak = volume.to_index(expected) - np.unravel_index(there.argmax(), there.shape)
        assert np.abs(peak).max() <= 0.75


def test_heatmap_is_exact_where_grids_meet_and_zero_outside():
    volume = scan("sagittal")
    part = (slice(20, 60), slice(10, 40), slice(30, 80))
    rng = np.random.default_rng(2)
    values = rng.random((40, 30, 50), dtype=np.float32)
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient((20, 10, 30))
    canonical_part = canonical(Volume(values, affine, volume.series, volume.certificate))
    heatmap = Heatmap(values=np.asarray(canonical_part.voxels, np.float32), affine=canonical_part.affine)
    there = to_scanner_grid(heatmap, volume)
    assert np.allclose(there[part], values, atol=1e-5)
    there[part] = 0
    assert not there.any()


def test_coarse_grid_averages_and_lies_in_the_middle_of_its_blocks():
    volume = canonical(make_volume(np.diag([1.0, 1, 1, 1])[[2, 1, 0, 3]], (6, 8, 10)))
    mean, affine = coarse_grid(volume)
    assert mean.shape == (3, 4, 5)
    assert np.allclose(mean[1, 2, 3], volume.voxels[2:4, 4:6, 6:8].mean())
    assert np.allclose(apply_affine(affine, (1, 2, 3)), volume.to_patient((2.5, 4.5, 6.5)))


def test_names_the_series_without_lungs():
    volume = make_volume(series_uid="1.2.3.4")
    volume.voxels[...] = 0
    with pytest.raises(LungsNotFoundError, match=r"^series 1\.2\.3\.4: no lung"):
        prepare(volume)


def test_says_when_one_lung_holds_no_air():
    volume = make_volume()
    index = np.stack(np.indices(volume.shape), axis=-1)
    x = (index @ volume.affine[:3, :3].T + volume.affine[:3, 3])[..., 0]
    volume.voxels[(x > 0) & (volume.voxels < -500) & (x < 90) & (volume.voxels > -950)] = 30
    volume.voxels[:, 68:74, 74:86] = 600  # a spine: the midline
    box = prepare(volume)
    assert sum("left lung" in text for text in box.warnings) == 1
    left = apply_affine(np.linalg.inv(box.affine), (45, -15, -250))
    assert box.search[tuple(np.rint(left).astype(int))]


def test_can_be_cancelled():
    def stop(done: int, total: int, what: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        prepare(scan("axial"), progress=stop)


def test_gives_the_same_box_every_time():
    first, second = prepare(scan("axial")), prepare(scan("axial"))
    assert isinstance(first, LungBox)
    assert torch.equal(first.image, second.image)
    assert np.array_equal(first.search, second.search)

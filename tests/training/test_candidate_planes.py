"""What a false-positive reduction learns from: planes of the scan's own slices, through nodules where they say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from training_scan import write_lidc_packs, write_project

from napari_lesion.models.networks import NoduleNet
from napari_lesion.support.errors import ConfigError
from napari_lesion.training.config.detector import read_config
from napari_lesion.training.config.patches import read_patch_config
from napari_lesion.training.data.candidates import PLANS, axial_patches, candidate_patches
from napari_lesion.training.data.lidc import read_axial_patches
from napari_lesion.training.data.split import make_split


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    config = write_project(folder)
    write_lidc_packs(folder / "nodules")
    return config


def test_planes_through_inserted_nodules_show_them_in_their_middle(project: Path) -> None:
    torch.manual_seed(0)
    train = make_split(read_config(project)).train
    patches = candidate_patches(NoduleNet(4).eval(), train.series, train.nodules(), 1, seed=5)
    assert patches.nodule.sum() % 3 == 0
    assert 2 * 3 * 8 < patches.nodule.sum() <= 3 * 3 * 8 * PLANS
    middle = patches.image[:, 23:27, 23:27].astype(float).mean(axis=(1, 2))
    large = patches.nodule & (patches.diameter_mm > 10)
    assert large.any()
    assert np.median(middle[large]) > 120  # HU over −340: no lung
    assert (patches.diameter_mm[patches.nodule] >= 3.5).all()


def test_axial_patches_have_the_pixels_of_the_planes_and_no_diameter(project: Path) -> None:
    patches = axial_patches(read_axial_patches(project.parent / "nodules"))
    assert patches.image.shape == (30, 50, 50)
    assert patches.nodule.all()
    assert (patches.diameter_mm == 0).all()
    assert (patches.image[:, 23:27, 23:27] > 150).all()
    assert np.median(patches.image[:, 0]) < 50


def test_candidates_need_a_detector(tmp_path: Path) -> None:
    path = tmp_path / "planes.yaml"
    data = {"patches": "nodules", "candidate_scans": 2}
    path.write_text(yaml.safe_dump({"network": "PatchNet", "id": "x", "version": "1", "steps": 1, "data": data}))
    with pytest.raises(ConfigError, match=r"candidate_scans needs data\.scans and data\.detector"):
        read_patch_config(path)

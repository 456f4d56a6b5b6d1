"""A small chest and a few nodule cubes to train on, made from nothing, and a configuration for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from scipy import ndimage

from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.volume import GeometryCertificate, SeriesIdentity, Volume

SHAPE = (48, 100, 140)


def chest(seed: int = 0) -> Volume:
    """A body with two lungs and vessels at 2.5 × 2 × 2 mm, axial."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(SHAPE, dtype=np.float32)
    body = ((y - 50) / 46) ** 2 + ((x - 70) / 64) ** 2 < 1
    hu = np.where(body, 40.0, -1000.0).astype(np.float32)
    for center in (40, 100):
        lung = ((y - 50) / 34) ** 2 + ((x - center) / 24) ** 2 + ((z - 24) / 20) ** 2 < 1
        texture = ndimage.gaussian_filter(rng.standard_normal(SHAPE).astype(np.float32), 1.2)
        hu[lung] = (-860 + 120 * np.maximum(texture, 0) / texture.std())[lung]
    hu += rng.normal(0, 15, SHAPE).astype(np.float32)
    affine = np.array([[0, 0, 2.0, -140], [0, 2.0, 0, -100], [2.5, 0, 0, -60], [0, 0, 0, 1]])
    return Volume(
        voxels=np.rint(hu).astype(np.int16),
        affine=affine,
        series=SeriesIdentity(series_uid=f"1.2.3.{seed}", patient_id=f"chest-{seed}", modality="CT"),
        certificate=GeometryCertificate(shape=SHAPE, spacing_mm=(2.5, 2.0, 2.0), orientation="axial", axes="HPL"),
    )


def write_project(folder: Path, **changes: object) -> Path:
    """Write two series, ten cubes and a configuration; return the configuration's path."""
    for seed, name in enumerate(("train", "test")):
        write_ct_series(chest(seed), folder / name)
    rng = np.random.default_rng(5)
    grid = np.indices((51, 51, 51)) - 25
    hu, mask, names = [], [], []
    for n in range(10):
        inside = np.sqrt((grid**2).sum(0)) < 3 + n * 0.7
        cube = np.where(inside, 30, -850) + rng.normal(0, 20, inside.shape)
        hu.append(np.clip(cube, -1200, 400).astype(np.int16))
        mask.append(inside)
        names.append(f"{n}_nod0_ann0")
    nodules = folder / "nodules"
    nodules.mkdir()
    np.savez(nodules / "lidc_cubes.npz", hu=np.array(hu), mask=np.array(mask), name=np.array(names))
    rows = ["name,texture", *(f"{name},{1 if n % 3 == 0 else 5}" for n, name in enumerate(names))]
    (nodules / "lidc_cubes_ratings.csv").write_text("\n".join(rows) + "\n")
    config = {
        "id": "tiny",
        "version": "0.1",
        "seed": 3,
        "steps": 6,
        "batch_size": 1,
        "crop": 32,
        "width": 4,
        "mine_every": 2,
        "checkpoint_every": 2,
        "data": {
            "nodules": "nodules",
            "backgrounds": [{"path": "train", "lesions": [{"index": [24, 50, 40], "radius_mm": 10}]}],
            "held_out": [{"path": "test", "lesions": [{"index": [24, 50, 100], "radius_mm": 10}]}],
        },
        **changes,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path

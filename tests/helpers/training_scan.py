"""A small chest and a few nodule cubes to train on, made from nothing, and a configuration for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from scipy import ndimage

from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume

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


def write_lidc_packs(nodules: Path, patients: int = 30) -> None:
    """Write ``lidc_voi`` and ``lidc_axial2d``: balls of 6.5 to 9.5 mm, of patients from LIDC-IDRI-0300 on."""
    spacing = (1.25, 0.7, 0.7)
    ratings = ("Subtlety", "InternalStructure", "Calcification", "Sphericity", "Margin", "Lobulation", "Spiculation")
    rng = np.random.default_rng(6)
    hu, mask, rows, flat, outlines, patches = [], [], [], [], [], []
    offset = 0
    for n in range(patients):
        diameter, texture = 6.5 + n % 4, (5, 3, 1, 4)[n % 4]
        slices = int(diameter / spacing[0])
        z, y, x = np.indices((slices, 30, 32))
        distance = np.sqrt(((z - (slices - 1) / 2) * spacing[0]) ** 2 + ((y - 15) * 0.7) ** 2 + ((x - 16) * 0.7) ** 2)
        inside = distance < diameter / 2
        crop = np.where(inside, 20, -850) + rng.normal(0, 15, inside.shape)
        hu.append(crop.astype(np.int16).ravel())
        mask.append(inside.ravel())
        patient = f"LIDC-IDRI-{300 + n:04d}"
        numbers = {"offset": offset, "nz": slices, "ny": 30, "nx": 32, "sz": 1.25, "sy": 0.7, "sx": 0.7}
        rated = dict.fromkeys((f"{name}_value" for name in ratings), 1)
        known = {"patient_id": patient, "nodule_id": 1, "diameter_mm": diameter, "readers": 4, "noise_hu": 15}
        about = {"contrast_hu": 860, "wall_share": 0.2 if n % 5 == 0 else 0, "Malignancy_value": 2}
        rows.append({**known, **numbers, **rated, **about, "Texture_value": texture})
        offset += inside.size
        y, x = np.indices((71, 71))
        disc = np.hypot(y - 35, x - 35) * 0.7 < diameter / 2
        flat.append((np.where(disc, 20, -850) + rng.normal(0, 15, disc.shape)).astype(np.int16))
        outlines.append(disc)
        read = {name[0].lower() + name[1:]: 1 for name in ratings} | {"internalStructure": "" if n == 1 else 1}
        seen = {"patient_id": patient, "sop_uid": f"1.2.{n}", "reader": 1, "pixel_mm": 0.7, "eq_diam_mm": diameter}
        patches.append({**seen, **read, "texture": texture, "malignancy": 2, "intercept_sure": 1})
    packed = {"hu": np.concatenate(hu), "mask": np.packbits(np.concatenate(mask)), "n": np.int64(offset)}
    np.savez(nodules / "lidc_voi.npz", **packed)
    np.savez(nodules / "lidc_axial2d.npz", hu=np.array(flat), mask=np.packbits(np.array(outlines)))
    for name, table in (("lidc_voi", rows), ("lidc_axial2d", patches)):
        lines = [",".join(table[0]), *(",".join(map(str, row.values())) for row in table)]
        (nodules / f"{name}.csv").write_text("\n".join(lines) + "\n")

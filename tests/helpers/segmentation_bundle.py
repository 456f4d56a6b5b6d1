"""A small segmentation bundle in the official layout, with a random network whose classes show up in the scan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.networks.nets import UNet

from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.report.nifti import ras_affine

NETWORK = {
    "_target_": "UNet",
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": "@classes",
    "channels": [4, 8],
    "strides": [2],
    "norm": "batch",
}
_CONTRAST = 20
"""Random logits lie close together; their spread is stretched so that probabilities reach from 0 to 1."""
CT_STEPS: list[dict[str, Any]] = [
    {"_target_": "LoadImaged", "keys": "image"},
    {"_target_": "EnsureChannelFirstd", "keys": "image"},
    {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
    {"_target_": "Spacingd", "keys": "image", "pixdim": "@pixdim", "mode": "bilinear"},
    {
        "_target_": "ScaleIntensityRanged",
        "keys": "image",
        "a_min": -900,
        "a_max": 100,
        "b_min": 0,
        "b_max": 1,
        "clip": True,
    },
    {"_target_": "EnsureTyped", "keys": "image"},
]
MR_STEPS: list[dict[str, Any]] = [
    {"_target_": "LoadImaged", "keys": "image", "ensure_channel_first": True},
    {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True},
    {"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "select_fn": "$lambda x: x > 0"},
    {"_target_": "DivisiblePadd", "keys": "image", "k": 4},
]


BALLS = (((30.0, 40.0, 40.0), 28.0), ((45.0, 80.0, 90.0), 20.0), ((20.0, 84.0, 30.0), 15.0))
"""(Distance from the first voxel along k, j and i, diameter), mm."""
SPACING = (3.0, 2.0, 2.0)
SHAPE = (24, 56, 64)


def balls(directions: np.ndarray, *, modality: str = "CT") -> Volume:
    """A small scan of three bright balls and no lungs.

    Parameters
    ----------
    directions : (3, 3)
        Unit vectors (LPS) of k, j and i, one a column.
    """
    place = np.stack(np.indices(SHAPE), -1) * SPACING
    values = np.random.default_rng(0).normal(-850, 20, SHAPE)
    for center, diameter in BALLS:
        values[((place - center) ** 2).sum(-1) < (diameter / 2) ** 2] += 890
    if modality == "MR":
        values = np.clip(values + 850, 0, None) * 0.7
    affine = np.eye(4)
    affine[:3, :3] = directions * SPACING
    affine[:3, 3] = (-70.0, 35.0, -420.0)
    affine = affine.astype(np.float32).astype(np.float64)  # as exact as NIfTI can say it
    certificate = GeometryCertificate(
        shape=SHAPE, spacing_mm=SPACING, orientation="unknown", axes="", unit="HU" if modality == "CT" else ""
    )
    identity = SeriesIdentity(series_uid="1.2.77", modality=modality)
    return Volume(values.astype(np.int16), affine, identity, certificate)


def make_bundle(
    folder: Path,
    volume: Volume,
    *,
    classes: tuple[str, ...] = ("background", "tumor"),
    modality: str = "CT",
    steps: list[dict[str, Any]] | None = None,
    sigmoid: bool = False,
    share: float = 0.015,
    **changes: Any,
) -> Path:
    """Write a bundle that gives about a share of the scan to each class but the background."""
    config = {
        "imports": ["$import glob"],
        "bundle_root": ".",
        "classes": len(classes),
        "highres": False,
        "pixdim": "$[1.0, 1.0, 1.0] if @highres else [2.4, 2.4, 2.4]",
        "datalist": "$list(sorted(glob.glob('*.nii.gz')))",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": NETWORK,
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": steps or CT_STEPS},
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": [32, 32, 32],
            "sw_batch_size": 4,
            "overlap": 0.25,
            "mode": "gaussian",
        },
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "sigmoid" if sigmoid else "softmax": True},
                {
                    "_target_": "Invertd",
                    "keys": "pred",
                    "transform": "@preprocessing",
                    "orig_keys": "image",
                    "nearest_interp": False,
                    "to_tensor": True,
                },
                {"_target_": "AsDiscreted", "keys": "pred", **({"threshold": 0.5} if sigmoid else {"argmax": True})},
                {"_target_": "SaveImaged", "keys": "pred", "output_dir": "$@bundle_root + '/eval'"},
            ],
        },
        "checkpointloader": {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
        },
    } | changes
    metadata = {
        "version": "0.0.1",
        "task": "segmentation of a test",
        "description": "Random weights.",
        "eval_metrics": {"mean_dice": 0.5},
        "intended_use": "None.",
        "network_data_format": {
            "inputs": {"image": {"type": "image", "modality": modality, "num_channels": 1}},
            "outputs": {
                "pred": {
                    "type": "image",
                    "format": "segmentation",
                    "num_channels": len(classes),
                    "channel_def": {str(n): name for n, name in enumerate(classes)},
                }
            },
        },
    }
    for name in ("configs", "models", "docs"):
        (folder / name).mkdir(parents=True)
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (folder / "LICENSE").write_text("Apache License\n")
    (folder / "docs" / "README.md").write_text("# A segmentation bundle\n")
    if config["network_def"] is NETWORK:
        torch.save(_weights(folder, volume, len(classes), sigmoid, share), folder / "models" / "model.pt")
    return folder


def monai_pipeline(folder: Path, volume: Volume, nifti: Path, *, until: str = "Invertd") -> np.ndarray:
    """What MONAI itself makes of a scan with the bundle's configuration: (channels, z, y, x) on the scan's grid.

    The scan is written as NIfTI and loaded by the bundle; expressions are evaluated by MONAI.
    """
    image, parser = _preprocessed(folder, volume, nifti)
    network = parser.get_parsed_content("network").eval()
    network.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
    with torch.no_grad():
        data = image | {"pred": parser.get_parsed_content("inferer")(image["image"][None], network)[0]}
    for step in parser.get_parsed_content("postprocessing").transforms:
        data = step(data)
        if type(step).__name__ == until:
            break
    return data["pred"].numpy().transpose(0, 3, 2, 1)


def _preprocessed(folder: Path, volume: Volume, nifti: Path) -> tuple[dict[str, Any], ConfigParser]:
    nib.save(nib.Nifti1Image(volume.voxels.transpose(2, 1, 0), ras_affine(volume.affine)), nifti)
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    parser.read_meta(str(folder / "configs" / "metadata.json"))
    parser["bundle_root"] = str(folder)
    return parser.get_parsed_content("preprocessing")({"image": str(nifti)}), parser


def _weights(folder: Path, volume: Volume, classes: int, sigmoid: bool, share: float) -> dict[str, torch.Tensor]:
    """Random weights, with the last bias such that each class but the background gets its share of the scan."""
    torch.manual_seed(1)  # one whose classes are the balls, not their edges
    options = {name: value for name, value in NETWORK.items() if name not in ("_target_", "out_channels")}
    network = UNet(out_channels=classes, **options).eval()
    image, _ = _preprocessed(folder, volume, folder / "scan.nii.gz")
    (folder / "scan.nii.gz").unlink()
    with torch.no_grad():
        whole = image["image"].as_tensor()
        logits = network(whole[None, :, *(slice(side // 2 * 2) for side in whole.shape[1:])])[0]
        state = network.state_dict()
        bias = next(name for name in reversed(state) if name.endswith("bias"))
        for name in (bias, bias.replace("bias", "weight")):
            state[name] *= _CONTRAST
        logits *= _CONTRAST
        for n in range(1, classes):
            margin = (logits[n] - (0 if sigmoid else logits[0])).flatten()
            state[bias][n] -= margin.sort().values[int((1 - share) * len(margin))]
    return state

"""Bundles as the model zoo lays them out, with random weights, for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

METADATA = {
    "version": "0.6.8",
    "monai_version": "1.4.0",
    "name": "Lung nodule CT detection",
    "task": "CT lung nodule detection",
    "description": "A pre-trained model for volumetric (3D) detection of the lung lesion from CT image on LUNA16",
    "copyright": "Copyright (c) MONAI Consortium",
    "eval_metrics": {"mAP_IoU_0.10_0.50_0.05_MaxDet_100": 0.852},
    "intended_use": "This is an example, not to be used for diagnostic purposes",
    "network_data_format": {
        "inputs": {
            "image": {
                "type": "image",
                "format": "magnitude",
                "modality": "CT",
                "num_channels": 1,
                "spatial_shape": ["16*n", "16*n", "8*n"],
            }
        },
        "outputs": {"pred": {"type": "object", "format": "dict", "dtype": "float16", "num_channels": 1}},
    },
}


def inference_config(
    *,
    network: str = "resnet50(",
    spacing: tuple[float, float, float] = (0.703125, 0.703125, 1.25),
    window: tuple[int, int, int] = (512, 512, 192),
    score: float = 0.02,
) -> dict[str, Any]:
    """``configs/inference.json`` of lung_nodule_ct_detection 0.6.8, key by key."""
    nets, apps = "monai.networks.nets.resnet", "monai.apps.detection"
    return {
        "whether_raw_luna16": False,
        "whether_resampled_luna16": "$(not @whether_raw_luna16)",
        "imports": ["$import glob", "$import os"],
        "bundle_root": ".",
        "ckpt_dir": "$@bundle_root + '/models'",
        "test_datalist": "$monai.data.load_decathlon_datalist(@bundle_root + '/d.json', data_list_key='validation')",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "amp": True,
        "spatial_dims": 3,
        "num_classes": 1,
        "force_sliding_window": False,
        "size_divisible": [16, 16, 8],
        "infer_patch_size": list(window),
        "anchor_generator": {
            "_target_": f"{apps}.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
            "feature_map_scales": [1, 2, 4],
            "base_anchor_shapes": [[6, 8, 4], [8, 6, 5], [10, 10, 6]],
        },
        "backbone": f"${nets}.{network}spatial_dims=3,n_input_channels=1,conv1_t_stride=[2,2,1],conv1_t_size=[7,7,7])",
        "feature_extractor": (
            f"${apps}.networks.retinanet_network.resnet_fpn_feature_extractor(@backbone,3,False,[1,2],None)"
        ),
        "network_def": {
            "_target_": "RetinaNet",
            "spatial_dims": "@spatial_dims",
            "num_classes": "@num_classes",
            "num_anchors": 3,
            "feature_extractor": "@feature_extractor",
            "size_divisible": "@size_divisible",
            "use_list_output": False,
        },
        "network": "$@network_def.to(@device)",
        "detector": {
            "_target_": "RetinaNetDetector",
            "network": "@network",
            "anchor_generator": "@anchor_generator",
            "debug": False,
            "spatial_dims": "@spatial_dims",
            "num_classes": "@num_classes",
            "size_divisible": "@size_divisible",
        },
        "detector_ops": [
            "$@detector.set_target_keys(box_key='box', label_key='label')",
            f"$@detector.set_box_selector_parameters(score_thresh={score},topk_candidates_per_level=1000,"
            "nms_thresh=0.22,detections_per_img=300)",
            "$@detector.set_sliding_window_inferer(roi_size=@infer_patch_size,overlap=0.25,sw_batch_size=1,"
            "mode='constant',device='cpu')",
        ],
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image", "_disabled_": "@whether_raw_luna16"},
                {
                    "_target_": "LoadImaged",
                    "keys": "image",
                    "reader": "itkreader",
                    "affine_lps_to_ras": True,
                    "_disabled_": "@whether_resampled_luna16",
                },
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {
                    "_target_": "Spacingd",
                    "keys": "image",
                    "pixdim": list(spacing),
                    "_disabled_": "@whether_resampled_luna16",
                },
                {
                    "_target_": "ScaleIntensityRanged",
                    "keys": "image",
                    "a_min": -1024.0,
                    "a_max": 300.0,
                    "b_min": 0.0,
                    "b_max": 1.0,
                    "clip": True,
                },
                {"_target_": "EnsureTyped", "keys": "image"},
            ],
        },
        "inferer": {
            "_target_": "scripts.detection_inferer.RetinaNetInferer",
            "detector": "@detector",
            "force_sliding_window": "@force_sliding_window",
        },
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "ClipBoxToImaged", "box_keys": "box", "label_keys": "label", "remove_empty": True},
                {"_target_": "AffineBoxToWorldCoordinated", "box_keys": "box", "affine_lps_to_ras": True},
                {"_target_": "ConvertBoxModed", "box_keys": "box", "src_mode": "xyzxyz", "dst_mode": "cccwhd"},
            ],
        },
        "handlers": [
            {
                "_target_": "CheckpointLoader",
                "load_path": "$@bundle_root + '/models/model.pt'",
                "load_dict": {"model": "@network"},
            },
            {
                "_target_": "scripts.detection_saver.DetectionSaver",
                "output_transform": "$lambda x: [@postprocessing({**xx['pred'],'image':xx['image']}) for xx in x]",
            },
        ],
        "evaluator": {
            "_target_": "scripts.evaluator.DetectionEvaluator",
            "_requires_": "@detector_ops",
            "network": "@network",
            "inferer": "@inferer",
        },
        "run": ["$@evaluator.run()"],
    }


def write_bundle(folder: Path, config: dict[str, Any], state: dict[str, torch.Tensor]) -> Path:
    """Write a bundle: its configurations, its weights and its licence."""
    for name in ("configs", "models", "docs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "configs" / "metadata.json").write_text(json.dumps(METADATA))
    (folder / "configs" / "inference.json").write_text(json.dumps(config, indent=4))
    (folder / "LICENSE").write_text("Apache License\n")
    torch.save(state, folder / "models" / "model.pt")
    return folder

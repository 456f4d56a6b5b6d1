"""A small segmentation bundle, to be made strange: its configuration and what it says of itself."""

from __future__ import annotations

from typing import Any

from segmentation_bundle import CT_STEPS

UNET = {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [2, 4], "strides": [2]}
SEGMENTATION: dict[str, Any] = {
    "device": "cpu",
    "pixdim": [2.0, 2.0, 2.0],
    "network_def": UNET,
    "network": "$@network_def.to(@device)",
    "preprocessing": {"_target_": "Compose", "transforms": CT_STEPS},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [16, 16, 16], "sw_batch_size": 1, "overlap": 0.25},
    "postprocessing": {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": True},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        ],
    },
}
ABOUT: dict[str, Any] = {
    "version": "0.1.0",
    "task": "segmentation of a test",
    "eval_metrics": {"mean_dice": 0.5},
    "network_data_format": {
        "inputs": {"image": {"modality": "CT", "num_channels": 1}},
        "outputs": {"pred": {"format": "segmentation", "num_channels": 2, "channel_def": {"0": "background"}}},
    },
}

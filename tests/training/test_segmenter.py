"""A configuration trains a segmenter into a pack that outlines, and goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_scan import write_project

from napari_lesion.assessment.nodule_seg import Segmenter, View
from napari_lesion.detection.networks import SegmentNet, depth_to_space, space_to_depth
from napari_lesion.detection.packs import read_pack
from napari_lesion.errors import ConfigError
from napari_lesion.training.nodules import read_cubes
from napari_lesion.training.segment_config import SegmentAugmentation
from napari_lesion.training.segment_data import Crops, examples
from napari_lesion.training.segment_training import run_segmenter, segment_loss


def test_a_run_leaves_a_pack_that_outlines_and_is_not_begun_twice(tmp_path: Path) -> None:
    write_project(tmp_path)
    config = tmp_path / "seg.yaml"
    text = "network: SegmentNet\nid: seg\nversion: '1'\nsteps: {}\nbatch_size: 4\nwidth: 4\nnodules: nodules\n"
    config.write_text(text.format(2), encoding="utf-8")
    run_segmenter(config, tmp_path / "run")
    with pytest.raises(ConfigError, match="already holds a run"):
        run_segmenter(config, tmp_path / "run")
    config.write_text(text.format(3), encoding="utf-8")
    pack = read_pack(run_segmenter(config, tmp_path / "run", resume=True))
    assert (tmp_path / "run" / "progress.csv").read_text().count("\n") == 4
    (logits,) = Segmenter(pack).logits([View(np.full((32, 32, 32), -850, np.float32), 8.0)])
    assert logits.shape == (32, 32, 32)


def test_a_crop_shows_the_nodule_and_its_mask_in_the_same_place(tmp_path: Path) -> None:
    write_project(tmp_path)
    image, mask = Crops(examples(read_cubes(tmp_path / "nodules")), SegmentAugmentation(), 4, 0).draw()
    assert image.shape[0] == mask.shape[0]
    assert image.shape[1:] == (2, *mask.shape[2:])
    for (hu, told), inside in zip(image, mask[:, 0] > 0.5, strict=True):
        assert inside.any()
        assert hu[inside].mean() > hu[~inside].mean()
        assert told[inside].mean() > told[~inside].mean()


def test_the_loss_falls_with_the_overlap_and_blocks_come_back_as_they_were() -> None:
    mask = torch.zeros(1, 1, 16, 16, 16)
    mask[..., 4:9, 4:9, 4:9] = 1
    assert segment_loss(20 * mask - 10, mask) < 0.05 < segment_loss(20 * mask.roll(2, 2) - 10, mask)
    x = torch.randn(2, 3, 4, 6, 8)
    assert torch.equal(depth_to_space(space_to_depth(x)), x)
    network = SegmentNet(4).train()
    before = network.stage1[0][1].running_mean.clone()
    network(torch.randn(1, 2, 16, 16, 16))
    assert torch.equal(network.stage1[0][1].running_mean, before)

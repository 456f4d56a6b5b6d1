"""A configuration trains a segmenter into a package that outlines, and goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_scan import chest, write_lidc_packs, write_project

from napari_lesion.assessment.measure.nodule_seg import Segmenter, SegmenterInput
from napari_lesion.models.networks import SegmentNet, depth_to_space, space_to_depth
from napari_lesion.models.packages import load_network, read_package
from napari_lesion.support.errors import ConfigError
from napari_lesion.training.config.segmenter import SegmentAugmentation
from napari_lesion.training.data.background import make_background
from napari_lesion.training.data.lidc import read_crops, read_store, split_store
from napari_lesion.training.data.nodules import read_cubes
from napari_lesion.training.data.outlines import Crops, examples
from napari_lesion.training.data.surroundings import completed, in_lung, in_lung_at_its_spacing, own
from napari_lesion.training.recipes import segmenter
from napari_lesion.training.recipes.segmenter import Kinds, run_segmenter, segment_loss


def test_a_run_leaves_a_package_that_outlines_and_is_not_begun_twice(tmp_path: Path) -> None:
    write_project(tmp_path)
    config = tmp_path / "seg.yaml"
    text = "network: SegmentNet\nid: seg\nversion: '1'\nsteps: {}\nbatch_size: 4\nwidth: 4\nnodules: nodules\n"
    config.write_text(text.format(2), encoding="utf-8")
    run_segmenter(config, tmp_path / "run")
    with pytest.raises(ConfigError, match="already holds a run"):
        run_segmenter(config, tmp_path / "run")
    config.write_text(text.format(3), encoding="utf-8")
    package = read_package(run_segmenter(config, tmp_path / "run", resume=True))
    assert (tmp_path / "run" / "progress.csv").read_text().count("\n") == 4
    (logits,) = Segmenter(package).logits([SegmenterInput(np.full((32, 32, 32), -850, np.float32), 8.0)])
    assert logits.shape == (32, 32, 32)


def test_the_best_weights_are_exported_not_the_last_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path)
    write_lidc_packs(tmp_path / "nodules")
    config = tmp_path / "seg.yaml"
    config.write_text(
        "network: SegmentNet\nid: seg\nversion: '1'\nsteps: 4\nbatch_size: 4\nwidth: 4\nnodules: nodules\n"
        "insertions: 1\nbackgrounds: [{path: train}]\nvalidation_backgrounds: [{path: test}]\n"
        "validation: {every: 1}\n",
        encoding="utf-8",
    )
    kept: list[dict[str, torch.Tensor]] = []

    def judged(network: torch.nn.Module, kinds: Kinds, *_: object) -> dict[str, float]:
        assert set(kinds) == {"cubes", "own", "lung"}
        kept.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"dice": (0.2, 0.7, 0.5, 0.6)[len(kept) - 1]}

    monkeypatch.setattr(segmenter, "validate", judged)
    package = read_package(run_segmenter(config, tmp_path / "run"))
    shipped = load_network(package).state_dict()
    assert torch.equal(shipped["head.weight"], kept[1]["head.weight"])
    assert not torch.equal(shipped["head.weight"], kept[3]["head.weight"])
    assert "average at step 2, the best validation" in (package.folder / "card.md").read_text(encoding="utf-8")
    cases = set(package.metadata.training_cases)
    sides = split_store(read_store(tmp_path / "nodules"))
    assert {crop.patient for crop in sides["train"].crops} <= cases
    assert not cases & {crop.patient for crop in (*sides["validation"].crops, *sides["test"].crops)}


def test_a_nodule_keeps_its_voxels_in_surroundings_that_are_made_for_it(tmp_path: Path) -> None:
    write_project(tmp_path)
    write_lidc_packs(tmp_path / "nodules", 8)
    crop = read_crops(tmp_path / "nodules")[2]
    rng = np.random.default_rng(0)
    hu, mask, known = completed(crop, 20.0, rng)
    assert np.array_equal(hu[known].reshape(crop.hu.shape), crop.hu)
    assert np.array_equal(mask[known].reshape(crop.mask.shape), crop.mask)
    assert not mask[~known].any()
    # Above and below is lung, also where the nodule was.
    assert hu[~known].mean() < -800
    block = own(crop, rng)
    inside = block.mask > 0.5
    assert (6 / np.pi * inside.sum()) ** (1 / 3) == pytest.approx(crop.mask_diameter_mm, rel=0.06)
    assert not block.known[0].any()
    background = make_background(chest(), (), "chest", rng)
    block = in_lung(crop, background, rng)
    assert block.known.all()
    inside = block.mask > 0.5
    assert (6 / np.pi * inside.sum()) ** (1 / 3) == pytest.approx(crop.mask_diameter_mm, rel=0.06)
    assert np.median(block.hu[inside]) > -300
    hu, mask = in_lung_at_its_spacing(crop, background, rng)
    assert mask.sum() == crop.mask.sum()
    assert np.median(hu[mask]) > -300


def test_in_bfloat16_small_crops_learn_what_they_learn_in_float32() -> None:
    """torch's gradients are wrong there where a convolution sees only 2 × 2 × 2 voxels."""
    torch.manual_seed(0)
    network = SegmentNet(8).train()
    image = torch.rand(4, 2, 32, 32, 32)
    mask = (image[:, :1] > 0.9).float()
    gradients = []
    for on in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=on):
            loss = segment_loss(network(image), mask, torch.ones_like(mask))
        loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.stage4.parameters()]))
    plain, short = gradients
    assert (short - plain).norm() < 0.2 * plain.norm()


def test_a_crop_shows_the_nodule_and_its_mask_in_the_same_place(tmp_path: Path) -> None:
    write_project(tmp_path)
    parts = examples(read_cubes(tmp_path / "nodules"))
    image, mask, known = Crops([(parts, 1.0)], SegmentAugmentation(), 4, 0).draw()
    assert image.shape[0] == mask.shape[0]
    assert known.shape == mask.shape
    assert known.all()
    assert image.shape[1:] == (2, *mask.shape[2:])
    for (hu, told), inside in zip(image, mask[:, 0] > 0.5, strict=True):
        assert inside.any()
        assert hu[inside].mean() > hu[~inside].mean()
        assert told[inside].mean() > told[~inside].mean()


def test_the_loss_falls_with_the_overlap_and_blocks_come_back_as_they_were() -> None:
    mask = torch.zeros(1, 1, 16, 16, 16)
    mask[..., 4:9, 4:9, 4:9] = 1
    known = torch.ones_like(mask)
    assert segment_loss(20 * mask - 10, mask, known) < 0.05 < segment_loss(20 * mask.roll(2, 2) - 10, mask, known)
    # Where nothing is known, an outline may be as it likes.
    known[..., 10:, :, :] = 0
    elsewhere = mask.clone()
    elsewhere[..., 11:14, 4:9, 4:9] = 1
    assert segment_loss(20 * elsewhere - 10, mask, known) < 0.05
    x = torch.randn(2, 3, 4, 6, 8)
    assert torch.equal(depth_to_space(space_to_depth(x)), x)
    network = SegmentNet(4).train()
    before = network.stage1[0][1].running_mean.clone()
    network(torch.randn(1, 2, 16, 16, 16))
    assert torch.equal(network.stage1[0][1].running_mean, before)


def test_crops_whose_batch_is_not_complete_are_not_lost_by_a_stop(tmp_path: Path) -> None:
    write_project(tmp_path)
    parts = examples(read_cubes(tmp_path / "nodules"))

    def crops() -> Crops:
        return Crops([(parts, 1.0)], SegmentAugmentation(zoom=(0.7, 4.0)), 4, 5)

    whole, stopped, resumed = crops(), crops(), crops()
    for _ in range(3):
        whole.draw()
        stopped.draw()
    state = stopped.state
    assert sum(map(len, state["waiting"].values())), "crops of the other size wait for their batch"
    stopped.draw()
    resumed.restore(state)
    for _ in range(4):
        for one, other in zip(whole.draw(), resumed.draw(), strict=True):
            assert torch.equal(one, other)

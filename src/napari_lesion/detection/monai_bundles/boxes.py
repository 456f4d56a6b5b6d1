"""Boxes that a detection bundle found: overlaps taken out, and what becomes candidates and a heatmap."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.data.box_utils import batched_nms, clip_boxes_to_image
from torch import Tensor

from napari_lesion.imaging import preprocess
from napari_lesion.model.findings import Candidate, Heatmap
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.support.errors import ModelError


@dataclass(frozen=True)
class Boxes:
    """What a detector found on the network's grid, best first.

    Attributes
    ----------
    corners : (n, 6) float32
        Lower and upper corner, index (x, y, z).
    scores : (n,) float32
    labels : (n,) int64
        Number of the class, from 0.
    heatmap : (x', y', z') float32
        The best score of the classes and anchors at each place of the finest level; 0 where nothing was searched.
    heatmap_affine : (4, 4)
        Index of ``heatmap`` → index of the grid.
    """

    corners: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    heatmap: npt.NDArray[np.float32] = field(repr=False)
    heatmap_affine: FloatArray
    how: str = ""


def select(
    detector: RetinaNetDetector,
    levels: list[tuple[Tensor, Tensor, Tensor]],
    padded: tuple[int, ...],
    size: tuple[int, ...],
    how: str,
) -> Boxes:
    """Average the windows and select boxes as ``BoxSelector`` does; only those that score are decoded."""
    anchors, selector = detector.num_anchors_per_loc, detector.box_selector
    corners, scores, labels = [torch.zeros((0, 6))], [torch.zeros(0)], [torch.zeros(0, dtype=torch.int64)]
    heatmap, heatmap_affine = np.zeros((1, 1, 1), dtype=np.float32), np.eye(4)
    for number, (logit_sum, code_sum, shares) in enumerate(levels):
        logits = logit_sum / shares
        logits[:, shares == 0] = -torch.inf
        if bool(torch.isnan(logits).any()):
            raise ModelError(
                "The network returned values that are not numbers. Its weights may be damaged; run it on the CPU "
                "(--device cpu) to see whether the device is the cause."
            )
        shape = tuple(logits.shape[1:])
        by_anchor = logits.reshape(anchors, -1, *shape)
        flat = by_anchor.permute(2, 3, 4, 0, 1).reshape(-1, by_anchor.shape[1])
        chosen, level_scores, level_labels = selector.select_top_score_idx_per_level(flat)
        place, anchor = torch.div(chosen, anchors, rounding_mode="floor"), chosen % anchors
        index = torch.stack(torch.unravel_index(place, shape), dim=1)
        step = torch.tensor([n // m for n, m in zip(padded, shape, strict=True)])
        centers = index * step + torch.div(step, 2, rounding_mode="floor")
        if getattr(detector.anchor_generator, "indexing", "ij") == "xy":
            centers = centers[:, [1, 0, 2]]
        reference = torch.cat([centers, centers], dim=1) + detector.anchor_generator.cell_anchors[number][anchor].cpu()
        x, y, z = index.unbind(1)
        regressed = code_sum.reshape(anchors, -1, *shape)[anchor, :, x, y, z] / shares[x, y, z, None]
        decoded = detector.box_coder.decode_single(regressed, reference)
        clipped, keep = clip_boxes_to_image(decoded, size, remove_empty=True)
        corners.append(torch.as_tensor(clipped))
        scores.append(level_scores[keep])
        labels.append(level_labels[keep])
        best = (logits.amax(0).sigmoid() if selector.apply_sigmoid else logits.amax(0).clamp_(0, 1)).numpy()
        if number == 0:
            heatmap, steps = best, step.numpy()
            heatmap_affine = np.diag([*steps.astype(float), 1.0])
            heatmap_affine[:3, 3] = steps // 2
        else:
            heatmap = np.maximum(heatmap, _enlarged(best, heatmap.shape))
    all_corners, all_scores, all_labels = torch.cat(corners), torch.cat(scores), torch.cat(labels)
    kept = batched_nms(
        all_corners,
        all_scores,
        all_labels,
        selector.nms_thresh,
        box_overlap_metric=selector.box_overlap_metric,
        max_proposals=selector.detections_per_img,
    )
    crop = tuple(
        slice(0, max(1, int(np.ceil((n - heatmap_affine[a, 3]) / heatmap_affine[a, a])))) for a, n in enumerate(size)
    )
    return Boxes(
        corners=all_corners[kept].numpy(),
        scores=all_scores[kept].numpy(),
        labels=all_labels[kept].numpy(),
        heatmap=np.ascontiguousarray(heatmap[crop]),
        heatmap_affine=heatmap_affine,
        how=how,
    )


def _enlarged(values: npt.NDArray[np.float32], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Repeat the values of a coarser level to the shape of the finest."""
    for axis, n in enumerate(shape):
        index = np.arange(n) * values.shape[axis] // n
        values = values.take(index, axis=axis)
    return values


def to_candidates(boxes: Boxes, affine: FloatArray) -> tuple[Candidate, ...]:
    """Bring boxes into the patient: centre and mean side of each, whatever way the scan is turned.

    Parameters
    ----------
    boxes : Boxes
    affine : (4, 4)
        Index (x, y, z) of the grid → LPS mm.
    """
    low, high = np.split(boxes.corners.astype(np.float64), 2, axis=1)
    centers = apply_affine(affine, (low + high) / 2)
    sides = (high - low) * np.asarray(spacing_of(affine))
    candidates = [
        Candidate((float(x), float(y), float(z)), float(side), float(min(max(score, 0.0), 1.0)))
        for (x, y, z), side, score in zip(centers, sides.mean(axis=1), boxes.scores, strict=True)
    ]
    return tuple(sorted(candidates, key=lambda c: (-c.score, c.center_mm)))


def to_heatmap(boxes: Boxes, affine: FloatArray, volume: Volume) -> Heatmap:
    """Bring the scores of all places into the canonical orientation: (z, y, x)."""
    scores = replace(volume, voxels=boxes.heatmap, affine=affine @ boxes.heatmap_affine, instances=())
    upright = preprocess.canonical(scores)
    return Heatmap(np.ascontiguousarray(upright.voxels, dtype=np.float32), upright.affine)


def places(region: preprocess.SearchRegion, affine: FloatArray) -> FloatArray:
    """Index on the network's grid of every voxel that is to be searched."""
    relative: FloatArray = np.linalg.solve(affine, region.affine).astype(np.float64)
    return apply_affine(relative, np.argwhere(region.search))


def inside(region: preprocess.SearchRegion, center_mm: npt.ArrayLike) -> bool:
    """Whether a point (LPS mm) lies in the region that is searched."""
    index = np.rint(apply_affine(np.linalg.inv(region.affine).astype(np.float64), center_mm)).astype(int)
    if (index < 0).any() or (index >= region.search.shape).any():
        return False
    return bool(region.search[tuple(index)])

"""The deletion test: how fast the score falls when that is removed which a map says is important."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_lesion.explain.maps import AttributionMap, Deletion
from napari_lesion.model.volume import spacing_of
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from napari_lesion.explain.view import ScoredCrop

SHARES = tuple(0.001 * 2**n for n in range(9))
"""Shares of the crop that are removed: from 0.1 % in doublings to 25.6 %."""
CELL_MM = 4.0
"""Side of the cubes that are removed as a whole, so that every map is judged at the same resolution."""
_SEED = 20180101
_SMALLEST_AREA = 0.05
"""Below it the score falls to nothing whatever is removed, and no order can be better than another."""


def area_of(curve: npt.ArrayLike) -> float:
    """Mean height of a curve over ``SHARES``, by the trapezoidal rule on the logarithm of the share."""
    heights = np.asarray(curve, dtype=np.float64)
    x = np.log2(SHARES)
    return float(np.trapezoid(heights, x) / (x[-1] - x[0]))


def cells_of(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> npt.NDArray[np.intp]:
    """Cut a crop into cubes of ``CELL_MM``: the number of each voxel's cube, (d, h, w)."""
    axes = [np.arange(n) // max(1, round(CELL_MM / s)) for n, s in zip(shape, spacing, strict=True)]
    counts = [int(axis[-1]) + 1 for axis in axes]
    k, j, i = np.ix_(*axes)
    result: npt.NDArray[np.intp] = (k * counts[1] + j) * counts[2] + i
    return result


def removal_order(
    values: npt.NDArray[np.float32], cells: npt.NDArray[np.intp], seed: int = _SEED
) -> npt.NDArray[np.intp]:
    """Cubes by falling mean of a map; equal ones in a random order, which favours no place."""
    flat = cells.ravel()
    means = np.bincount(flat, weights=values.ravel().astype(np.float64)) / np.bincount(flat)
    shuffled = np.random.default_rng(seed).permutation(means.size)
    return shuffled[np.argsort(-means[shuffled], kind="stable")]


def deletion_curve(
    score: Callable[[npt.NDArray[np.float32]], float],
    image: npt.NDArray[np.float32],
    cells: npt.NDArray[np.intp],
    order: npt.NDArray[np.intp],
    replacement: float,
    *,
    progress: Progress = silent,
) -> tuple[float, ...]:
    """Score after removing the first cubes of an order, as a share of that of the whole image, at each of ``SHARES``.

    Parameters
    ----------
    score : callable
        Image (d, h, w) → score in [0, 1], above 0 for ``image``.
    cells : (d, h, w)
        As ``cells_of`` numbers them.
    order : (n,)
        Cubes, the first to be removed first.
    replacement : float
        Intensity of what was removed.
    """
    whole = score(image)
    rank = np.empty(order.size, dtype=np.intp)
    rank[order] = np.arange(order.size)
    ranks = rank[cells]
    curve = []
    for number, share in enumerate(SHARES):
        progress(number, len(SHARES), "removing what a map points at")
        count = max(1, round(share * order.size))
        curve.append(score(np.where(ranks < count, np.float32(replacement), image)) / whole)
    return tuple(curve)


def deletion_test(
    view: ScoredCrop,
    made: AttributionMap | None,
    *,
    against: Deletion | None = None,
    orders: int = 1,
    progress: Progress = silent,
) -> Deletion:
    """Remove the crop of a finding piece by piece, the most important first, and watch the score at the finding.

    The crop is cut into cubes of 4 mm, ordered by the mean of the map. The first 0.1 %, 0.2 %, 0.4 % … 25.6 % of them
    become plain local lung; the score is the network's, before calibration, divided by that of the whole crop. The area
    under this curve over the logarithm of the share (a nodule is about a thousandth of the crop, and each doubling
    counts the same) is compared with that of cubes in a random order: faithfulness = 1 − area / random area. 1 says
    that the first cubes carry the score, 0 that the map is no better than chance, less than 0 that it is worse. Where
    random removal alone makes the score vanish (area under 0.05) there is no such measure.

    Parameters
    ----------
    view : ScoredCrop
    made : AttributionMap or None
        None for random orders.
    against : Deletion, optional
        That of random orders.
    orders : int
        How many random orders are averaged.

    References
    ----------
    Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models" (BMVC 2018), section 4.
    """
    from napari_lesion.explain.methods import logits, on_grid  # brings torch along

    def score(image: npt.NDArray[np.float32]) -> float:
        return float(1 / (1 + np.exp(-np.float64(logits(view, image[None])[0]))))

    cells = cells_of(view.image.shape, spacing_of(view.affine))
    if made is None:
        sequences = [np.random.default_rng(_SEED + n).permutation(int(cells.max()) + 1) for n in range(orders)]
    else:
        sequences = [removal_order(on_grid(made, view), cells)]
    curves = []
    for number, order in enumerate(sequences):

        def inner(done: int, total: int, what: str, number: int = number) -> None:
            progress(number * total + done, len(sequences) * total, what)

        curves.append(deletion_curve(score, view.image, cells, order, view.replacement, progress=inner))
    curve = np.mean(curves, axis=0)
    area = area_of(curve)
    known = against is not None and against.area >= _SMALLEST_AREA
    faithfulness = 1 - area / against.area if known and against is not None else None
    return Deletion(tuple(float(value) for value in curve), area, faithfulness)

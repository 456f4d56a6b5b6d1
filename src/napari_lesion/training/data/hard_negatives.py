"""What a network that is being trained finds in a scan: hard negatives, and the points that validation scores."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_lesion.detection.candidates import FLOOR, find_candidates, outside
from napari_lesion.imaging import preprocess
from napari_lesion.imaging.inference import predict
from napari_lesion.imaging.windows import output_affine
from napari_lesion.model.findings import Candidate, Heatmap
from napari_lesion.model.volume import FloatArray, spacing_of
from napari_lesion.support.atomic import whole_file
from napari_lesion.training.data.background import Background

HARD_FILE = "hard_negatives.csv"
_HARD_SCORE = 0.1
_HARD_MOST = 60


@dataclass(frozen=True)
class HardNegative:
    """A place where the network has wrongly seen a nodule."""

    step: int
    background: str
    index: tuple[float, float, float]
    """(k, j, i) in the background."""
    score: float


def find(
    network: nn.Module,
    hu: npt.NDArray[np.int16],
    search: npt.NDArray[np.bool_],
    affine: FloatArray,
    beside_gas: npt.NDArray[np.bool_],
    *,
    floor: float = FLOOR,
    device: str = "cpu",
) -> tuple[Candidate, ...]:
    """Search a lung box (HU on the network's grid) as the detector does; centres come in the frame of the affine."""
    low, high = preprocess.HU_WINDOW
    image = torch.from_numpy(hu.astype(np.float32)).sub_(low).div_(high - low).clamp_(0, 1)
    found = predict(network, image[None, None], device=device, mask=search)
    heatmap = Heatmap(found.probability, output_affine(affine))
    pitch = float(spacing_of(affine)[0])
    candidates = find_candidates(heatmap, found.log_diameter, found.offsets, pitch_mm=pitch, floor=floor)
    return outside(candidates, beside_gas, affine)


def mine(
    network: nn.Module,
    background: Background,
    device: str = "cpu",
    *,
    floor: float = _HARD_SCORE,
    most: int = _HARD_MOST,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where the network sees nodules in a scan that has none (its real lesions are masked).

    Returns
    -------
    (n, 3) indices into the background, (n,) scores
    """
    # With this affine "mm" are indices of the background.
    candidates = find(
        network, background.hu, background.search, np.eye(4), background.beside_gas, floor=floor, device=device
    )
    points = np.array([c.center_mm for c in candidates], dtype=np.float64).reshape(-1, 3)
    scores = np.array([c.score for c in candidates], dtype=np.float64)
    kept = healthy(background, points)
    return points[kept][:most], scores[kept][:most]


def healthy(background: Background, points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points (n, 3) do not lie on a real lesion."""
    index = np.clip(points.round().astype(int), 0, np.array(background.hu.shape) - 1)
    result: npt.NDArray[np.bool_] = ~background.ignore[tuple(index.T)]
    return result


def read_hard(folder: Path, until: int) -> list[HardNegative]:
    """Read the hard negatives that a run had found up to a step."""
    path = folder / HARD_FILE
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            HardNegative(int(r[0]), r[1], (float(r[2]), float(r[3]), float(r[4])), float(r[5]))
            for r in csv.reader(file)
        ]
    return [row for row in rows if row.step <= until]


def write_hard(folder: Path, found: Sequence[HardNegative]) -> None:
    """Write all hard negatives of a run: step, background, k, j, i, score."""
    with whole_file(folder / HARD_FILE) as new, new.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [n.step, n.background, *(round(i, 1) for i in n.index), round(n.score, 3)] for n in found
        )

"""What detectors share: those of model packages the package, its card and calibration; all the times of their steps."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from napari_lesion.imaging import preprocess
from napari_lesion.model.findings import Candidate, Heatmap
from napari_lesion.models.card import Card
from napari_lesion.models.packages import ModelPackage, load_network, require_window


class PackageDetector:
    """A detector with the network of a model package.

    Raises
    ------
    ModelError
        If the package's weights are missing or damaged, or were trained on another preprocessing.
    """

    def __init__(self, package: ModelPackage) -> None:
        self._metadata = package.metadata
        require_window(package, preprocess.HU_WINDOW)
        self._network = load_network(package)

    @property
    def card(self) -> Card:
        """Identity, licence and threshold of the model."""
        return self._metadata

    def _calibrated(self, heatmap: Heatmap, candidates: tuple[Candidate, ...]) -> tuple[Heatmap, tuple[Candidate, ...]]:
        """Give probabilities and scores as the package's calibration makes them, where it has one."""
        calibration = self._metadata.calibration
        if calibration is None:
            return heatmap, candidates
        scores = calibration(np.array([c.score for c in candidates], dtype=np.float32))
        return (
            replace(heatmap, values=calibration(heatmap.values)),
            tuple(replace(c, score=float(s)) for c, s in zip(candidates, scores, strict=True)),
        )


class Steps:
    """How long the steps of a search take, one after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def ended(self, step: str) -> None:
        """Note that a step ended; the next one begins."""
        now = time.perf_counter()
        self.seconds[step], self._last = now - self._last, now

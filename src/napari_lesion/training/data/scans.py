"""Reading what a run learns from: real series and synthetic scans."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_lesion.detection.searchable import unsuitable
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.imaging import preprocess
from napari_lesion.model.volume import Volume
from napari_lesion.phantom.scan import make_scan
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import BackgroundConfig, TrainingConfig
from napari_lesion.training.data.annotated import AnnotatedScan
from napari_lesion.training.data.background import Background, make_background


def find_background(part: BackgroundConfig) -> Series:
    """Find the largest CT volume in a folder.

    Raises
    ------
    InputFileError
        If there is none.
    """
    series = [s for s in find_series(part.path) if not unsuitable(s)]
    if not series:
        raise InputFileError(f"There is no CT series in {part.path}. Correct data.backgrounds in the configuration.")
    return max(series, key=lambda s: s.n_slices)


def read_background(part: BackgroundConfig) -> Volume:
    """Read the largest CT volume in a folder.

    Raises
    ------
    InputFileError
        If there is none.
    """
    return read_series(find_background(part))


def load_backgrounds(
    config: TrainingConfig,
    progress: Progress = silent,
    *,
    series: Sequence[BackgroundConfig] | None = None,
    annotated: Sequence[AnnotatedScan] = (),
    pitch_mm: float = preprocess.SPACING_MM,
) -> list[Background]:
    """Read the real and make the synthetic scans that a run draws its crops from.

    Parameters
    ----------
    config : TrainingConfig
    progress : Progress
    series : sequence of BackgroundConfig, optional
        By default all of ``data.backgrounds``.
    annotated : sequence of AnnotatedScan
    pitch_mm : float
        Of the grid that they are brought to.
    """
    rng = np.random.default_rng(config.seed)
    series = config.data.backgrounds if series is None else series
    total = len(series) + len(annotated) + config.data.phantoms
    backgrounds: list[Background] = []
    for part in series:
        progress(len(backgrounds), total, f"reading {part.path.name}")
        backgrounds.append(make_background(read_background(part), part.lesions, part.path.name, rng, pitch_mm=pitch_mm))
    for scan in annotated:
        progress(len(backgrounds), total, f"reading {scan.uid}")
        volume = scan.read()
        backgrounds.append(make_background(volume, scan.lesions(volume), scan.uid, rng, pitch_mm=pitch_mm))
    for n in range(config.data.phantoms):
        progress(len(backgrounds), total, f"making synthetic scan {n + 1}")
        backgrounds.append(make_background(_phantom(config.seed, n), (), f"phantom-{n}", rng, pitch_mm=pitch_mm))
    return backgrounds


def _phantom(seed: int, number: int) -> Volume:
    volume, _ = make_scan(seed=1_000_000 + 1000 * (seed % 1000) + number)
    return volume

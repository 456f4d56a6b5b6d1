"""Train whatever network a configuration names: what the command line and ``napari_lesion.train`` call."""

from __future__ import annotations

from pathlib import Path

from napari_lesion.support.errors import OptionError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.options import network_of
from napari_lesion.training.engine import run_folder
from napari_lesion.training.run_status import reported

WITHOUT_FOLDS = {
    "PatchNet": "patch classifier",
    "PlanesNet": "classifier of three planes",
    "SegmentNet": "segmenter",
    "LooksNet": "network for the look of nodules",
}
"""Networks that are no detectors: their training has no cross-validation, and writes no held-out scans."""


def train(
    config: Path | str,
    out: Path | str,
    *,
    resume: bool = False,
    fold: int | None = None,
    folds: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Train from a configuration into a folder; returns the folder of the finished model package.

    Parameters
    ----------
    config, out : Path
        The YAML file, and where checkpoints, tables and the model go.
    resume : bool
        Go on with the run in that folder, as if it had not been stopped.
    fold, folds : int, optional
        Part of a cross-validation that is validated with, from 0, and how many there are; for detectors only.
    progress : Progress

    Raises
    ------
    ConfigError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    Cancelled
        If ``progress`` raised it; the run goes on from its last checkpoint with ``resume``.
    """
    config, out = Path(config), Path(out)
    kind = network_of(config)
    if kind in WITHOUT_FOLDS and not (fold is None and folds is None):
        raise OptionError(f"{config} is for a {WITHOUT_FOLDS[kind]}: it has no folds.")
    run_folder.withdraw(out)
    with reported(out, progress) as told:
        return _train(kind, config, out, resume, fold, folds, told)


def _train(
    kind: str, config: Path, out: Path, resume: bool, fold: int | None, folds: int | None, progress: Progress
) -> Path:
    """Run the recipe of a network."""
    if kind == "LooksNet":
        from napari_lesion.training.recipes.looks import run_looks

        return run_looks(config, out, resume=resume, progress=progress)
    if kind == "SegmentNet":
        from napari_lesion.training.recipes.segmenter import run_segmenter

        return run_segmenter(config, out, resume=resume, progress=progress)
    if kind == "PatchNet":
        from napari_lesion.training.recipes.patches import run_patches

        return run_patches(config, out, resume=resume, progress=progress)
    if kind == "PlanesNet":
        from napari_lesion.training.recipes.planes import run_planes

        return run_planes(config, out, resume=resume, progress=progress)
    from napari_lesion.training.recipes.detector import run

    return run(config, out, resume=resume, fold=fold, folds=folds, progress=progress)

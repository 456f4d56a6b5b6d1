"""``napari-lesion train``: train a detector from a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_lesion.cli.console import print_line, show_progress
from napari_lesion.support.errors import OptionError


def train(
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for checkpoints, log and model.")],
    config: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="What to train on, and how (YAML). A run that there is needs none."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")] = False,
    fold: Annotated[
        int | None, typer.Option("--fold", min=0, metavar="I", help="Cross-validation: only this fold, counted from 0.")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option("--folds", min=2, metavar="K", help="Cross-validation, divided by patient: so many folds."),
    ] = None,
    held_out: Annotated[
        int,
        typer.Option(
            "--held-out", min=0, metavar="N", help="Do not train: write N held-out scans with their truth, as DICOM."
        ),
    ] = 0,
    validation: Annotated[
        bool,
        typer.Option("--validation", help="With --held-out: the scans for validation instead of those for testing."),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Look at the run in that folder; with CONFIG, start it first, beside this."),
    ] = False,
    pause: Annotated[
        bool, typer.Option("--pause", help="Let the run in that folder wait; --resume lets it go on.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the run in that folder after its next step.")] = False,
) -> None:
    """Train a detector.

    Writes checkpoints and a log while it runs, and a model package at the end. Stopped by Ctrl-C, it goes on from its
    last checkpoint with --resume. --watch starts it as a process of its own, which goes on when you stop watching or
    log out. --folds trains one model for each fold and writes what their validations say; --fold trains one of them.
    --held-out writes the scans that the configuration keeps for testing instead.
    """
    if watch or pause or stop or config is None:
        if held_out or fold is not None or folds is not None:
            raise OptionError("Folds and held-out scans are not watched: leave --watch, --pause and --stop out.")
        from napari_lesion.cli.train_watch import go_on, request, start_and_watch

        if pause or stop:
            request(out, "pause" if pause else "stop")
        elif watch:
            start_and_watch(config, out, resume=resume)
        else:
            go_on(out, resume=resume)
    elif held_out:
        _write_held_out(config, out, held_out, "validation" if validation else "test")
    else:
        _train(config, out, resume, fold, folds)


def _detectors_only(config: Path) -> None:
    from napari_lesion.training.config.options import network_of
    from napari_lesion.training.train import WITHOUT_FOLDS

    kind = network_of(config)
    if kind in WITHOUT_FOLDS:
        what = WITHOUT_FOLDS[kind]
        raise OptionError(f"{config} is for a {what}: it takes neither --held-out nor --fold nor --folds.")


def _write_held_out(config: Path, out: Path, count: int, part: Literal["validation", "test"]) -> None:
    _detectors_only(config)
    from napari_lesion.training.config.detector import read_config
    from napari_lesion.training.data.held_out import write_held_out

    with show_progress() as progress:
        truth = write_held_out(read_config(config), out, count, part=part, progress=progress)
    print_line(f"The held-out scans are in {out}; their truth is {truth}.")


def _train(config: Path, out: Path, resume: bool, fold: int | None, folds: int | None) -> None:
    if folds is not None or fold is not None:
        _detectors_only(config)
    if folds is not None and fold is None:
        from napari_lesion.training.recipes.folds import cross_validate

        with show_progress() as progress:
            table = cross_validate(config, out, folds, resume=resume, progress=progress)
        print_line(f"What the validations of the {folds} folds say is in {table}.")
        return
    from napari_lesion.training.config.options import network_of
    from napari_lesion.training.train import train as run

    with show_progress() as progress:
        package = run(config, out, resume=resume, fold=fold, folds=folds, progress=progress)
    if network_of(config) in ("LooksNet", "SegmentNet"):
        print_line(f"The model is in {package}.")
    else:
        print_line(f"The model is in {package}; try it with `napari-lesion analyse PATH -o OUT --model {package}`.")

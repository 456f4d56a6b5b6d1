"""``napari-lesion train``: train a detector from a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import say, show_progress


def train(
    config: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What to train on, and how (YAML).")],
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for checkpoints, log and model.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")] = False,
) -> None:
    """Train a detector.

    Writes checkpoints and a log while it runs, and a model pack at the end. Stopped by Ctrl-C, it goes on from its
    last checkpoint with --resume.
    """
    from napari_lesion.training.train import run

    with show_progress() as progress:
        pack = run(config, out, resume=resume, progress=progress)
    say(f"The model is in {pack}; try it with `napari-lesion analyse PATH -o OUT --model {pack}`.")

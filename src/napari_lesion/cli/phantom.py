"""``napari-lesion phantom``: synthetic chest CT with known nodules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_line, show_progress


def phantom(
    out: Annotated[Path, typer.Argument(file_okay=False, help="A new folder.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the patient; the same seed gives the same files.")] = 0,
) -> None:
    """Write a synthetic patient's baseline and follow-up as two CT series, with the truth about their nodules."""
    from napari_lesion.phantom import make_study

    with show_progress() as progress:
        study = make_study(out, seed=seed, progress=progress)
    for series in study:
        print_line(f"{series.folder}: {len(series.nodules)} nodules, series {series.series_uid}")
    print_line(f"The truth is in {out / 'truth.csv'}.")

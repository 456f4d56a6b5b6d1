"""``napari-lesion samples``: one public, real chest CT."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_line, show_progress


def samples(
    folder: Annotated[
        Path, typer.Argument(file_okay=False, help="Where to put it; must be new, empty or hold the case already.")
    ] = Path("LIDC-IDRI-0171"),
    describe: Annotated[bool, typer.Option("--describe", help="Only say what it is; no network is needed.")] = False,
) -> None:
    """Download one public chest CT of LIDC-IDRI from the Imaging Data Commons (needs the extra `idc`)."""
    from napari_lesion.samples import describe_real_case, download_real_case

    print_line(str(describe_real_case()))
    if describe:
        return
    with show_progress() as progress:
        download_real_case(folder, progress=progress)
    print_line(f"It is in {folder}; try `napari-lesion analyse {folder} -o OUT`.")

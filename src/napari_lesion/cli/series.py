"""``napari-lesion series``: what is in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_lesion.cli.console import print_error, print_line, show_progress, show_table
from napari_lesion.support.plain import one_line

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series


def series(
    path: Annotated[Path, typer.Argument(exists=True, help="A DICOM file, folder, DICOMDIR or zip.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List the image series below PATH. Only headers are read.

    Exit status: 0, or 1 where there is none, or where something that may hold scans was left out.
    """
    from napari_lesion.dicom.index.series import find_series

    with show_progress() as progress:
        index = find_series(path, progress=progress)
    if as_json:
        named = {
            name: [{"path": one_line(file), "reason": one_line(reason)} for file, reason in files]
            for name, files in (("skipped", index.skipped), ("left_out", index.left_out))
        }
        typer.echo(json.dumps({"series": [_description(s) for s in index], **named}, indent=2))
    elif index:
        show_table(
            ["series", "modality", "kind", "patient", "date", "no.", "description", "images", "size", "spacing mm"],
            [_cells(s) for s in index],
        )
        notes = [(s.key, note) for s in index for note in (s.refusal, *s.notes, *s.duplicates) if note]
        for key, note in notes:
            print_line(f"note: {key}: {note}")
    if index.skipped and not as_json:
        print_line(f"{len(index.skipped)} files are part of no series (--json lists them).")
    if not as_json:
        for file, reason in index.left_out:
            print_error(f"left out: {file}: {reason}")
    if not index:
        print_error(f"error: {path}: no image series found.")
    if index.left_out or not index:
        raise typer.Exit(1)


def _description(series: Series) -> dict[str, Any]:
    from napari_lesion.detection.searchable import unsuitable
    from napari_lesion.support.nameless import short_hash

    return {
        "key": series.key,
        "in_logs": short_hash(series.identity.series_uid),
        **series.identity.model_dump(),
        "kind": series.kind,
        "images": series.n_slices,
        "rows": series.size[0],
        "columns": series.size[1],
        "spacing_mm": series.spacing,
        "duplicates": series.duplicates,
        "notes": series.notes,
        "refused_because": series.refusal or None,
        "not_searched_because": unsuitable(series) or None,
    }


def _cells(series: Series) -> list[str]:
    identity, spacing = series.identity, series.spacing
    return [
        series.key,
        identity.modality,
        series.kind,
        identity.patient_id,
        identity.study_date,
        identity.series_number,
        identity.series_description,
        str(series.n_slices),
        f"{series.size[0]}×{series.size[1]}",
        " × ".join(f"{value:.3g}" for value in spacing) if spacing else "?",
    ]

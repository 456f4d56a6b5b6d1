"""What a user knows of patients (``--clinical``), and what the commands say about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion.cli.console import print_error

if TYPE_CHECKING:
    from napari_lesion.assessment.patient.clinical import Clinical


def load_known(path: Path | None, *, listed: bool) -> Clinical | None:
    """Read what is known of patients, and tell its problems; where names are withheld, only how many there are."""
    if path is None:
        return None
    from napari_lesion.assessment.patient.clinical import load_clinical

    known = load_clinical(path)
    if known.problems and not listed:
        print_error(f"warning: {len(known.problems)} problems in --clinical; without --withhold-names they are listed.")
    for problem in known.problems if listed else ():
        print_error(f"warning: {problem}")
    return known


def warn_of_no_known_patient(path: Path, known: Clinical, found: int, *, listed: bool) -> None:
    """Show where none of the patients that something is known of was among those of the results."""
    if not found:
        where = f" {path}" if listed else ""
        print_error(
            f"warning: --clinical{where}: none of its {len(known.statements)} patients is among those of the results, "
            "so nothing of it was used. A patient is found by the PatientID, letter by letter."
        )

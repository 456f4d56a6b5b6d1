"""Take a prior from a folder or a disc, and ask where it is not clear which one, or whose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_lesion.comparison.priors import is_same_patient
from napari_lesion.dicom.index.series import Series, SeriesIndex, find_series
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.plugin.follow_up.change_text import person_text
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.reader import not_looked_into
from napari_lesion.plugin.widgets.dialogs import SeriesDialog
from napari_lesion.plugin.widgets.parts import is_sure
from napari_lesion.plugin.widgets.task import run_with_dialog


def prior_in(folder: Path, scan: SeriesIdentity | None, show: Callable[[str], None], parent: QWidget) -> Series | None:
    """Find the CT scan in a folder; of several the user chooses one. None where there is none, or none was chosen.

    Parameters
    ----------
    folder : Path
    scan : SeriesIdentity, optional
        The one that is read: series of the same patient are proposed first.
    show : callable
        Takes a sentence on what was not found, or not looked into.
    parent : QWidget

    Raises
    ------
    Cancelled
        If the user stopped the search.
    LesionError
        If the folder cannot be read.
    """
    index: SeriesIndex = run_with_dialog(
        tr("Looking for scans in {name}", name=folder.name),
        lambda progress: find_series(folder, progress=progress),
        parent,
    )
    found = [one for one in index if one.kind == "volume" and one.identity.modality == "CT"]
    note = not_looked_into(index.left_out) if index.left_out else ""
    if not found:
        show("⚠ " + tr("{path}: there is no CT scan in it.", path=folder) + (f" {note}" if note else ""))
        return None
    if len(found) == 1:
        show(f"⚠ {note}" if note else "")
        return found[0]
    mine = [scan is not None and is_same_patient(one.identity, scan) for one in found]
    preferred = max(range(len(found)), key=lambda row: (mine[row], found[row].n_slices))
    dialog = SeriesDialog(found, preferred, note, parent=parent)
    try:
        return found[dialog.chosen[0]] if dialog.exec() and dialog.chosen else None
    finally:
        dialog.deleteLater()


def is_one_patient(scan: SeriesIdentity, prior: SeriesIdentity, parent: QWidget) -> bool:
    """Ask whether two patients, by the headers, are one."""
    return is_sure(
        parent,
        tr("Is this the same patient?"),
        tr(
            "The headers name two patients:\n\nThis scan: {one}\nThe prior: {other}\n\n"
            "Compare them all the same, because you know that they are one?",
            one=person_text(scan),
            other=person_text(prior),
        ),
    )

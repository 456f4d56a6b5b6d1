"""Where the images of a study on the list are, and those of earlier studies of the same patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_lesion.comparison.priors import choose_priors, is_same_patient
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.report.folders import owner
from napari_lesion.support.errors import LesionError, WorklistError
from napari_lesion.support.progress import Progress, part, silent
from napari_lesion.worklist.studies import Study


@dataclass(frozen=True)
class Located:
    """Images of a study.

    Attributes
    ----------
    series : Series
        The one in which the most urgent was found.
    results : Path, optional
        Folder of its results.
    priors : tuple of Series
        Of the same patient, from earlier dates, the latest first.
    notes : tuple of str
        What could not be looked at, and what was chosen, as sentences.
    """

    series: Series
    results: Path | None
    priors: tuple[Series, ...]
    notes: tuple[str, ...]


def locate(study: Study, others: Iterable[Study], progress: Progress = silent) -> Located:
    """Find the images of a study, and its priors where the list knows of earlier studies of the patient.

    Parameters
    ----------
    study : Study
    others : iterable of Study
        All that are on the list, read or not.
    progress : Progress

    Raises
    ------
    WorklistError
        If its images are not where they were.
    """
    wanted = next((one for one in study.series if one.source is not None), None)
    if wanted is None or wanted.source is None:
        raise WorklistError(
            "Where the images of this study are is not known: its results do not say. Open them by hand."
        )
    earlier = [one for one in others if one.id != study.id and is_same_patient(one.identity, study.identity)]
    more = [series.source for one in earlier for series in one.series if series.source is not None]
    paths = list(dict.fromkeys([wanted.source, *more]))
    notes: list[str] = []
    found: list[Series] = []
    for number, path in enumerate(paths):
        try:
            found += find_series(path, progress=part(progress, number, number + 1, len(paths)))
        except LesionError as error:
            if number == 0:
                raise WorklistError(f"The images of this study cannot be read: {error}") from error
            notes.append(f"Not looked at for priors: {error}")
    name = wanted.folder.name if wanted.folder is not None else ""
    own = [one for one in found if owner(one.identity) == owner(wanted.identity)]
    if wanted.folder is None and not own:  # a row of a summary names no study
        same = (wanted.identity.patient_id, wanted.identity.series_uid)
        own = [one for one in found if (one.identity.patient_id, one.identity.series_uid) == same]
    series = _of_results(own, name)
    if series is None:
        raise WorklistError(f"The images of this study are not in {wanted.source} any more. Open them by hand.")
    chosen = choose_priors(series, found)
    return Located(series, wanted.folder, chosen.priors, (*notes, *(chosen.notes if chosen.priors else ())))


def _of_results(own: Sequence[Series], name: str) -> Series | None:
    """Choose among the volumes of one series that of which the folder of results has the name."""
    volumes = [one for one in own if one.kind == "volume"] or list(own)
    named = [one for one in volumes if name == one.key or name.startswith(f"{one.key}_")]
    if len(volumes) == 1:
        return volumes[0]
    return max(named, key=lambda one: len(one.key)) if named else None

"""The one series that a folder, a list of series or a series stands for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import Progress, silent

_LISTED = 8


def one_series(
    source: Series | Sequence[Series] | str | os.PathLike[str],
    unsuitable: Callable[[Series], str] = lambda _series: "",
    *,
    progress: Progress = silent,
) -> Series:
    """Get the series that is meant where there is one; it is never guessed which.

    Parameters
    ----------
    source : Series, sequence of Series, or path
        What `find_series` gives, or the path that it is asked for.
    unsuitable : callable
        Says why a series cannot be meant (a localizer, say), as a sentence; "" where it can.
    progress : Progress

    Raises
    ------
    SeriesError
        If there is none, or several: the sentence lists them and says how one is chosen.
    """
    if isinstance(source, Series):
        return source
    if isinstance(source, str | os.PathLike):
        where = os.fspath(source)
        series: Sequence[Series] = find_series(source, progress=progress)
    else:
        where, series = "The list", source
    judged = [(one, unsuitable(one)) for one in series]
    suitable = [one for one, why in judged if not why]
    if len(suitable) == 1:
        return suitable[0]
    if not judged:
        raise SeriesError(f"{where}: there is no image series. find_series(path).skipped says why of each file.")
    if not suitable:
        raise SeriesError(f"{where}: {_listed(judged)}")
    raise SeriesError(
        f"{where}: there are {len(suitable)} series ({_listed([(one, '') for one in suitable])}). Choose one: "
        "find_series(path)[0] is the first; or analyse all with analyse_folder."
    )


def _listed(series: Sequence[tuple[Series, str]]) -> str:
    """List series by UID, without what may name a patient."""
    lines = [
        f"{one.key}, {why}" if why else f"{one.key}, {one.identity.modality or 'no modality'}, {one.n_slices} images"
        for one, why in series[:_LISTED]
    ]
    more = len(series) - len(lines)
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")

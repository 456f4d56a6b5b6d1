"""What the panel PACS fetches: where it is kept, what of it can be opened, whether it is all there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.pacs.records import Archive, Retrieved, StudyRecord
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.plugin.texts import tr
from napari_lesion.support.progress import Progress


@dataclass(frozen=True)
class Fetched:
    """What came of one study, and the series in it that can be opened."""

    retrieved: Retrieved
    series: tuple[Series, ...]


def kept_in() -> Path:
    """Where fetched studies are kept."""
    return platformdirs.user_data_path("napari-lesion") / "pacs"


def fetch_study(archive: Archive, study: StudyRecord, series_uids: Sequence[str], progress: Progress) -> Fetched:
    """Fetch a study, and look at what it holds; runs on the thread."""
    retrieved = retrieve(
        archive,
        study.study_uid,
        kept_in(),
        series_uids=series_uids,
        patient_id=study.patient_id,
        progress=progress,
    )
    found = tuple(find_series(retrieved.folder))
    wanted = [one for one in found if not series_uids or one.identity.series_uid in series_uids]
    return Fetched(retrieved, tuple(wanted))


def outcome_of(retrieved: Retrieved) -> str:
    """Say whether all of a study came."""
    missing = sum(map(len, retrieved.missing.values()))
    if not missing:
        return tr("All {count} images are there.", count=retrieved.listed)
    said = tr("⚠ NOT complete: {missing} of {count} images did not come.", missing=missing, count=retrieved.listed)
    return "\n".join([said, *retrieved.notes])

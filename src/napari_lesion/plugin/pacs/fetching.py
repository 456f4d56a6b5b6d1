"""What the panel PACS fetches: where it is kept, what of it can be opened, whether it is all there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.pacs.records import Archive, Retrieved, StudyRecord
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.pacs.storage import ENDING
from napari_lesion.plugin.texts import tr
from napari_lesion.support.progress import Progress
from napari_lesion.support.uids import name_of


@dataclass(frozen=True)
class Fetched:
    """What came of one study, the series in it that are images, and what else was asked for: a report, outlines."""

    retrieved: Retrieved
    series: tuple[Series, ...]
    objects: tuple[Path, ...] = ()


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
    images = {one.identity.series_uid for one in wanted}
    # The first is what was asked for; the others are what it needs.
    first = [uid for uid in series_uids[:1] if uid not in images]
    objects = [path for uid in first for path in sorted((retrieved.folder / name_of(uid)).glob(f"*{ENDING}"))]
    return Fetched(retrieved, tuple(wanted), tuple(objects))


def outcome_of(retrieved: Retrieved) -> str:
    """Whether all of a study came."""
    missing = sum(map(len, retrieved.missing.values()))
    if not missing:
        return tr("All {count} images are there.", count=retrieved.listed)
    said = tr("⚠ NOT complete: {missing} of {count} images did not come.", missing=missing, count=retrieved.listed)
    return "\n".join([said, *retrieved.notes])

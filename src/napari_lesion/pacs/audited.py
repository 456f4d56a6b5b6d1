"""An archive whose every question, fetch and send stands in the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from napari_lesion.pacs.records import (
    MOST_STUDIES,
    Archive,
    Instance,
    Keep,
    Query,
    Sent,
    SeriesRecord,
    StudyRecord,
)
from napari_lesion.security.audit import Action, record
from napari_lesion.support.progress import Progress, silent


class AuditedArchive:
    """Passes all on to an archive, and writes down what.

    Parameters
    ----------
    archive : Archive
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.name = archive.name

    def echo(self) -> str:
        """Ask whether it is there."""
        return self._archive.echo()

    def studies(self, query: Query, most: int = MOST_STUDIES) -> list[StudyRecord]:
        """List studies; of what was asked for, the names of the fields are logged, and the PatientID by its hash."""
        asked = ", ".join(name for name, value in vars(query).items() if value)
        record(
            Action.QUERY,
            patient_id=query.patient_id,
            study_uid=query.study_uid,
            detail=f"{self.name}: studies by {asked}",
        )
        return self._archive.studies(query, most)

    def series(self, study_uid: str) -> list[SeriesRecord]:
        """List the series of a study."""
        return self._archive.series(study_uid)

    def instances(self, study_uid: str, series_uid: str) -> list[str]:
        """List the SOPInstanceUIDs of a series."""
        return self._archive.instances(study_uid, series_uid)

    def fetch(
        self,
        study_uid: str,
        series_uid: str,
        sop_uids: Iterable[str] | None,
        keep: Keep,
        progress: Progress = silent,
    ) -> Iterator[str]:
        """Fetch a series, or some of it."""
        record(Action.RECEIVE, study_uid=study_uid, objects=(series_uid,), detail=self.name)
        yield from self._archive.fetch(study_uid, series_uid, sop_uids, keep, progress)

    def store(self, instances: Iterable[Instance], progress: Progress = silent) -> Sent:
        """Send files, a line for each study."""
        files = list(instances)
        studies = {(one.study_uid, one.patient_id) for one in files}
        for study_uid, patient_id in sorted(studies):
            objects = [one.sop_uid for one in files if (one.study_uid, one.patient_id) == (study_uid, patient_id)]
            record(Action.SEND, patient_id=patient_id, study_uid=study_uid, objects=objects, detail=self.name)
        sent = self._archive.store(files, progress)
        if sent.failed:
            record(Action.SEND, objects=sorted(sent.failed), detail=f"{self.name}: did not arrive", failed=True)
        return sent

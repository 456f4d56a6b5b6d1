"""Send results back into the study that they are of, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from napari_lesion.pacs.records import Archive, Instance, Query, Sent
from napari_lesion.support.errors import PacsError
from napari_lesion.support.progress import Progress, silent


def send(
    archive: Archive, instances: Sequence[Instance], *, new_studies: bool = False, progress: Progress = silent
) -> Sent:
    """Send files as they are stored; done is what the archive confirms.

    Parameters
    ----------
    archive : Archive
    instances : sequence of Instance
    new_studies : bool
        Send studies that the archive does not have yet, too. By default they are refused: a result in a study that the
        archive does not know was made of a scan from elsewhere, perhaps of somebody else.
    progress : Progress

    Raises
    ------
    PacsError
        If the archive has a study under the name of another patient, or not at all; nothing is sent then.
    Cancelled
        If ``progress`` raised it; what was sent by then is in the archive.
    """
    progress(0, 0, "asking whose study it is")
    patients: dict[str, set[str]] = {}
    for one in instances:
        patients.setdefault(one.study_uid, set()).add(one.patient_id)
    for study_uid, named in patients.items():
        check_study(archive, study_uid, named, new_studies=new_studies)
    return archive.store(instances, progress)


def check_study(archive: Archive, study_uid: str, patient_ids: set[str], *, new_studies: bool = False) -> None:
    """Refuse to send into a study of another patient, or into none.

    Raises
    ------
    PacsError
        If so.
    """
    if len(patient_ids) > 1:
        raise PacsError(f"Files of study {study_uid} name several patients. Nothing was sent.")
    found = archive.studies(Query(study_uid=study_uid))
    if not found:
        if new_studies:
            return
        raise PacsError(
            f"{archive.name}: has no study {study_uid}, so what belongs to it was not sent. If it is to be put there "
            "as a new study, say so (--new-studies)."
        )
    if any(study.patient_id.strip() not in {one.strip() for one in patient_ids} for study in found):
        raise PacsError(
            f"{archive.name}: has study {study_uid} under another PatientID than the files name. Nothing was sent: "
            "find out whose it is first."
        )

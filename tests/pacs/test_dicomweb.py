"""DICOMweb with a real archive: the stored syntax, into the right study, no secret in sight."""

from __future__ import annotations

from pathlib import Path

import dicom_factory as factory
import pydicom
import pytest
from orthanc import PASSWORD, Orthanc
from pacs_studies import slices
from pydicom.uid import JPEGLSLossless

from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.dicomweb import WebArchive
from napari_lesion.pacs.records import Query
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.pacs.send import send
from napari_lesion.pacs.storage import describe, instances_below
from napari_lesion.support.errors import Cancelled, PacsError


@pytest.fixture
def study(orthanc: Orthanc, tmp_path: Path) -> list[Path]:
    paths = factory.write([*slices("ct"), *slices("lung")], tmp_path / "source")
    orthanc.put(paths)
    return paths


def web(orthanc: Orthanc, **changes: object) -> WebArchive:
    return WebArchive("orthanc", orthanc.nodes(**changes).node("orthanc"))


def test_echo_and_queries(study: list[Path], orthanc: Orthanc) -> None:
    archive = web(orthanc)
    assert "answers" in archive.echo()
    [found] = archive.studies(Query(patient_id="ASYM-1", modality="CT", first_date="20240101", last_date="20241231"))
    assert (found.patient_name, found.date, found.modalities) == ("Phantom^Asymmetric", "20240229", ("CT",))
    assert archive.studies(Query(patient_id="NOBODY")) == []
    assert {one.description for one in archive.series(found.study_uid)} == {"ct", "lung"}


def test_a_study_is_fetched_as_it_is_stored(study: list[Path], orthanc: Orthanc, folder: Path) -> None:
    done = retrieve(web(orthanc), factory.uid("study"), folder)
    assert (done.listed, done.fetched, done.is_complete, done.notes) == (12, 12, True, ())
    sources = {one.sop_uid: one for one in map(describe, study)}
    for one in instances_below([folder]):
        assert one.transfer_syntax == JPEGLSLossless
        assert pydicom.dcmread(one.path).PixelData == pydicom.dcmread(sources[one.sop_uid].path).PixelData


def test_a_cancelled_retrieve_goes_on_later(study: list[Path], orthanc: Orthanc, folder: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        if done >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        retrieve(web(orthanc), factory.uid("study"), folder, progress=stop)
    assert len(instances_below([folder])) == 2
    assert retrieve(web(orthanc), factory.uid("study"), folder).fetched == 10


def test_what_is_sent_is_confirmed(study: list[Path], orthanc: Orthanc, tmp_path: Path) -> None:
    new = factory.write(slices("result"), tmp_path / "new")
    sent = send(web(orthanc), instances_below(new))
    assert (len(sent.confirmed), sent.failed) == (6, {})
    stored = orthanc.files()
    for one in map(describe, new):
        held = pydicom.dcmread(pydicom.filebase.DicomBytesIO(stored[one.sop_uid]))
        assert held.PixelData == pydicom.dcmread(one.path).PixelData


def test_a_wrong_password_is_said_and_not_shown(orthanc: Orthanc, tmp_path: Path) -> None:
    wrong = tmp_path / "secret"
    wrong.write_text("quite-wrong")
    wrong.chmod(0o600)
    nodes = orthanc.nodes(password={"file": str(wrong)})
    with pytest.raises(PacsError, match="does not accept") as error:
        open_archive(nodes, "orthanc", "dicomweb").echo()
    assert "quite-wrong" not in f"{error.value!r} {nodes!r}"
    assert PASSWORD not in repr(orthanc.nodes())


def test_nobody_there_is_said_without_what_was_searched_for(orthanc: Orthanc) -> None:
    archive = web(orthanc, dicomweb=f"http://127.0.0.1:{orthanc.local.port}/dicom-web")
    with pytest.raises(PacsError, match="cannot be reached") as error:
        archive.studies(Query(patient_id="SECRET-ID"))
    assert "SECRET-ID" not in str(error.value)

"""DIMSE with a real archive: what is fetched is all that is there, what is sent is confirmed."""

from __future__ import annotations

import time
from pathlib import Path

import dicom_factory as factory
import pydicom
import pynetdicom
import pytest
from orthanc import Orthanc
from pacs_studies import slices
from ports import free_port
from pydicom.uid import JPEGLSLossless

from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.association import VERIFICATION, Offer, associated
from napari_lesion.pacs.records import Query
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.pacs.send import send
from napari_lesion.pacs.storage import describe, instances_below
from napari_lesion.support.errors import Cancelled, PacsError


@pytest.fixture
def study(orthanc: Orthanc, tmp_path: Path) -> list[Path]:
    """Two series of one study in the archive, kept as JPEG-LS, and another patient's."""
    paths = factory.write([*slices("ct"), *slices("lung")], tmp_path / "source")
    other = slices("other", PatientID="OTHER-2", StudyInstanceUID=factory.uid("other study"), StudyDate="20230101")
    orthanc.put([*paths, *factory.write(other, tmp_path / "other")])
    return paths


def test_echo_says_who_answered(orthanc: Orthanc) -> None:
    assert "ORTHANC at 127.0.0.1" in open_archive(orthanc.nodes(), "orthanc").echo()


def test_a_wrong_ae_title_is_said(orthanc: Orthanc) -> None:
    nodes = orthanc.nodes(ae_title="NOBODY")
    with pytest.raises(PacsError, match="is not called NOBODY"):
        open_archive(nodes, "orthanc").echo()


def test_a_rejection_that_comes_before_we_look_is_said(orthanc: Orthanc) -> None:
    nodes = orthanc.nodes(ae_title="NOBODY")
    late = [(pynetdicom.evt.EVT_REQUESTED, lambda _: time.sleep(0.5))]
    with (
        pytest.raises(PacsError, match="is not called NOBODY"),
        associated(nodes.local, nodes.node("orthanc"), [Offer(VERIFICATION, ("1.2.840.10008.1.2",))], late, where="it"),
    ):
        pass


def test_no_answer_is_lost_where_threads_are_slow(orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    """pynetdicom's thread took answers away where it was held up between two of its lines, as on a busy computer."""
    association, provider = pynetdicom.association.Association, pynetdicom.dimse.DIMSEServiceProvider
    set_, get = association.__setattr__, provider.get_msg

    def held_up(one: object, name: str, value: object) -> None:
        if name == "_is_paused" and value is False:
            time.sleep(0.1)
        set_(one, name, value)

    def slow(one: object, block: bool = False) -> object:
        if block:
            time.sleep(0.3)
        return get(one, block)

    monkeypatch.setattr(association, "__setattr__", held_up)
    monkeypatch.setattr(provider, "get_msg", slow)
    nodes = orthanc.nodes(timeout_s=3)
    offers = [Offer(VERIFICATION, ("1.2.840.10008.1.2",))]
    with associated(nodes.local, nodes.node("orthanc"), offers, where="it") as opened:
        for _ in range(3):  # at different places of that thread's round
            assert opened.send_c_echo().get("Status") == 0
            time.sleep(0.05)


def test_nobody_at_the_address_is_said(orthanc: Orthanc) -> None:
    nodes = orthanc.nodes(port=orthanc.local.port)
    with pytest.raises(PacsError, match="cannot be reached"):
        open_archive(nodes, "orthanc").echo()


def test_an_archive_that_refuses_us_has_not_nothing(orthanc: Orthanc) -> None:
    """Orthanc answers an unknown caller's C-FIND with an empty status: that is no empty list."""
    nodes = orthanc.nodes()
    stranger = nodes.model_copy(update={"local": nodes.local.model_copy(update={"ae_title": "STRANGER"})})
    with pytest.raises(PacsError):
        open_archive(stranger, "orthanc").studies(Query(patient_id="ASYM-1"))


def test_studies_and_series_are_found(study: list[Path], orthanc: Orthanc) -> None:
    archive = open_archive(orthanc.nodes(), "orthanc")
    [found] = archive.studies(Query(patient_id="ASYM-1", modality="CT", first_date="20240101"))
    assert (found.patient_name, found.date, found.instances) == ("Phantom^Asymmetric", "20240229", 12)
    assert len(archive.studies(Query(patient_name="Phantom*"))) == 2
    assert archive.studies(Query(patient_id="ASYM-1", last_date="20231231")) == []
    assert archive.studies(Query(accession="A1", modality="MR")) == []
    series = archive.series(found.study_uid)
    assert {(one.description, one.modality, one.instances) for one in series} == {("ct", "CT", 6), ("lung", "CT", 6)}


def test_only_so_many_studies_come(study: list[Path], orthanc: Orthanc) -> None:
    assert len(open_archive(orthanc.nodes(), "orthanc").studies(Query(patient_name="*"), most=1)) == 2  # one too many


@pytest.mark.parametrize("way", ["get", "move"])
def test_a_study_is_fetched_as_it_is_stored(way: str, study: list[Path], orthanc: Orthanc, folder: Path) -> None:
    archive = open_archive(orthanc.nodes(retrieve=way), "orthanc")
    seen: list[tuple[int, int]] = []
    done = retrieve(archive, factory.uid("study"), folder, progress=lambda d, t, w: seen.append((d, t)))
    assert (done.listed, done.fetched, done.is_complete, done.notes) == (12, 12, True, ())
    assert seen[-1] == (12, 12)
    sources = {one.sop_uid: one for one in map(describe, study)}
    came = instances_below([folder])
    assert {one.sop_uid for one in came} == set(sources)
    for one in came:
        assert one.transfer_syntax == JPEGLSLossless
        assert pydicom.dcmread(one.path).PixelData == pydicom.dcmread(sources[one.sop_uid].path).PixelData


@pytest.mark.parametrize("way", ["get", "move"])
def test_a_cancelled_retrieve_goes_on_later(way: str, study: list[Path], orthanc: Orthanc, folder: Path) -> None:
    archive = open_archive(orthanc.nodes(retrieve=way), "orthanc")

    def stop(done: int, total: int, what: str) -> None:
        if done >= 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        retrieve(archive, factory.uid("study"), folder, progress=stop)
    there = len(instances_below([folder]))
    assert there >= 2
    done = retrieve(archive, factory.uid("study"), folder)
    assert done.is_complete
    assert done.fetched == 12 - there
    assert len(instances_below([folder])) == 12


def test_what_is_missing_is_said_whatever_the_status(study: list[Path], orthanc: Orthanc, folder: Path) -> None:
    archive = open_archive(orthanc.nodes(), "orthanc")
    listed = archive.instances

    def lists_one_more(study_uid: str, series_uid: str) -> list[str]:
        return [*listed(study_uid, series_uid), "2.25.1"]

    archive.instances = lists_one_more  # type: ignore[method-assign]
    done = retrieve(archive, factory.uid("study"), folder, series_uids=[factory.uid("ct", "series")])
    assert not done.is_complete
    assert done.missing == {factory.uid("ct", "series"): ("2.25.1",)}


def test_no_instance_of_another_patient_is_kept(study: list[Path], orthanc: Orthanc, folder: Path) -> None:
    archive = open_archive(orthanc.nodes(), "orthanc")
    done = retrieve(archive, factory.uid("study"), folder, patient_id="SOMEBODY-ELSE")
    assert not done.is_complete
    assert any("another patient" in note for note in done.notes)
    with pytest.raises(PacsError, match="nothing to send"):
        instances_below([folder])


def test_a_study_that_is_not_there_is_an_error(orthanc: Orthanc, folder: Path) -> None:
    with pytest.raises(PacsError, match="has no study"):
        retrieve(open_archive(orthanc.nodes(), "orthanc"), "2.25.1", folder)


@pytest.mark.parametrize("commitment", [False, True])
def test_what_is_sent_is_confirmed_and_unchanged(
    commitment: bool, study: list[Path], orthanc: Orthanc, tmp_path: Path
) -> None:
    archive = open_archive(orthanc.nodes(commitment=commitment), "orthanc")
    new = factory.write(slices("result"), tmp_path / "new")
    sent = send(archive, instances_below(new))
    assert (len(sent.confirmed), sent.failed, sent.notes) == (6, {}, ())
    stored = orthanc.files()
    for path in new:
        one = pydicom.dcmread(path)
        assert pydicom.dcmread(pydicom.filebase.DicomBytesIO(stored[one.SOPInstanceUID])).PixelData == one.PixelData


def test_nothing_goes_into_a_study_that_is_not_there(study: list[Path], orthanc: Orthanc, tmp_path: Path) -> None:
    archive = open_archive(orthanc.nodes(), "orthanc")
    new = instances_below(factory.write(slices("new", StudyInstanceUID="2.25.77"), tmp_path / "new"))
    with pytest.raises(PacsError, match="has no study"):
        send(archive, new)
    assert len(send(archive, new, new_studies=True).confirmed) == 6


def test_nothing_goes_into_another_patients_study(study: list[Path], orthanc: Orthanc, tmp_path: Path) -> None:
    archive = open_archive(orthanc.nodes(), "orthanc")
    before = len(orthanc.rest("instances"))
    new = instances_below(factory.write(slices("new", PatientID="WRONG"), tmp_path / "new"))
    with pytest.raises(PacsError, match="another PatientID"):
        send(archive, new, new_studies=True)
    assert len(orthanc.rest("instances")) == before


def test_a_listener_that_the_archive_does_not_find_is_said(study: list[Path], orthanc: Orthanc, folder: Path) -> None:
    nodes = orthanc.nodes(retrieve="move")
    elsewhere = nodes.local.model_copy(update={"port": free_port()})
    archive = open_archive(nodes.model_copy(update={"local": elsewhere}), "orthanc")
    done = retrieve(archive, factory.uid("study"), folder)
    assert not done.is_complete
    assert any("C-MOVE ended with status" in note for note in done.notes)

"""The listener takes workitems by itself: claimed, fetched, analysed, ended with what it gave; whatever happens."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import dicom_factory as factory
import pydicom
import pytest
import yaml
from listener_case import PATIENCE_S, PROGRAM, RETRY_S, RULE, STABLE_S, Time, listening, settings, wait_for
from orthanc import Orthanc
from pacs_studies import slices
from pydicom.filebase import DicomBytesIO
from ups_server import CANCEL_ASKED, STATE_REPORT, TOKEN, Worklist, by_dicomweb, by_dimse

from napari_lesion.pacs import analysis
from napari_lesion.pacs.nodes import Node, Nodes
from napari_lesion.pacs.queue import Queue
from napari_lesion.pacs.queue_rows import Task
from napari_lesion.pacs.rules import load_listening
from napari_lesion.pacs.workitems import Workitems
from napari_lesion.support.errors import ConfigError, PacsError

HOUR = 3600.0
ASKED = {**RULE, "on_arrival": False}


class Site:
    """An archive with a study, a worklist, and a listener between them."""

    def __init__(self, folder: Path, orthanc: Orthanc, worklist: Worklist, node: dict[str, object]) -> None:
        known = orthanc.nodes()
        ris = Node.model_validate({"timeout_s": PATIENCE_S, **node})
        self.nodes = Nodes(local=known.local, nodes={**known.nodes, "ris": ris})
        self.worklist, self.orthanc, self.time, self._folder = worklist, orthanc, Time(), folder
        self.study = factory.uid("study")

    def listener(self, rule: dict[str, object] = ASKED, **changes: object) -> AbstractContextManager[list[str]]:
        source = {"node": "ris", "label": "nodules", "rule": "chest", "fetch": "orthanc", "every_s": STABLE_S}
        self.settings = settings(
            self._folder, callers=["RIS", "ORTHANC"], rules=[rule], workitems=[{**source, **changes}]
        )
        return listening(self.settings, self.nodes, self.time)

    def reports(self) -> list[pydicom.Dataset]:
        found = [pydicom.dcmread(DicomBytesIO(content)) for content in self.orthanc.files().values()]
        return [one for one in found if one.Modality == "SR"]

    def queue(self) -> Queue:
        folder = self._folder / "service"
        folder.mkdir(exist_ok=True)
        return Queue(folder, self.time)


@pytest.fixture
def worklist() -> Worklist:
    return Worklist()


@pytest.fixture(params=["dimse", "dicomweb"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def site(
    way: str, worklist: Worklist, orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    monkeypatch.setattr(analysis, "_PROGRAM", PROGRAM)
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    orthanc.put(factory.write(slices("ct"), tmp_path / "source"))
    door: Callable[[Worklist], AbstractContextManager[object]] = by_dimse if way == "dimse" else by_dicomweb
    with door(worklist) as where:
        node = {"ae_title": "RIS", "host": "127.0.0.1", "port": where}
        if way == "dicomweb":
            node = {"dicomweb": where, "token": {"file": str(token)}}
        yield Site(tmp_path, orthanc, worklist, node)


only_dimse = pytest.mark.parametrize("way", ["dimse"], indirect=True)
only_dicomweb = pytest.mark.parametrize("way", ["dicomweb"], indirect=True)


def whose(orthanc: Orthanc) -> str:
    return str(pydicom.dcmread(DicomBytesIO(next(iter(orthanc.files().values())))).PatientID)


def test_a_workitem_is_done_and_says_what_it_gave(site: Site, worklist: Worklist) -> None:
    owner = whose(site.orthanc)
    worklist.schedule("2.25.1", "nodules", "LOW", site.study, owner)
    worklist.schedule("2.25.2", "bones", "HIGH", site.study, owner)
    with site.listener() as said:
        wait_for(lambda: worklist.state("2.25.1") == "COMPLETED")
        wait_for(lambda: "Workitem 2.25.1: completed, with 1 results." in said)
    assert worklist.state("2.25.2") == "SCHEDULED", "it is not ours"
    [report] = site.reports()
    done = worklist.items["2.25.1"].UnifiedProcedureStepPerformedProcedureSequence[0]
    [output] = done.OutputInformationSequence
    assert output.StudyInstanceUID == report.StudyInstanceUID == site.study
    assert [one.ReferencedSOPInstanceUID for one in output.ReferencedSOPSequence] == [report.SOPInstanceUID]
    assert not [line for line in said if owner in line], "no line names a patient"


def test_a_study_under_another_patient_is_not_analysed(site: Site, worklist: Worklist) -> None:
    worklist.schedule("2.25.1", "nodules", "LOW", site.study, "SOMEBODY-ELSE")
    with site.listener() as said:
        wait_for(lambda: worklist.state("2.25.1") == "CANCELED")
        wait_for(lambda: any("cancelled" in line for line in said))
    assert "another PatientID" in worklist.reason("2.25.1")
    with closing(site.queue()) as queue:
        assert queue.jobs() == []


def test_what_was_claimed_before_a_crash_is_ours_and_what_another_claimed_is_not(
    site: Site, worklist: Worklist
) -> None:
    owner = whose(site.orthanc)
    queue = site.queue()
    for number, transaction in ((1, "2.25.71"), (2, "2.25.99")):
        uid = f"2.25.{number}"
        worklist.schedule(uid, "nodules", "LOW", site.study, owner)
        queue.add_task(Task("ris", uid, "2.25.71", "chest", owner, (site.study,)))
        claim = pydicom.Dataset()
        claim.ProcedureStepState, claim.TransactionUID = "IN PROGRESS", transaction
        assert worklist.change(uid, claim) == 0
    queue.close()
    with site.listener():
        wait_for(lambda: worklist.state("2.25.1") == "COMPLETED")
    assert worklist.state("2.25.2") == "IN PROGRESS"
    with closing(site.queue()) as queue:
        assert {task.uid: task.state for task in queue.tasks("ris")}["2.25.2"] == "lost"


@only_dimse
def test_images_that_do_not_come_are_waited_for_but_not_for_ever(site: Site, worklist: Worklist) -> None:
    worklist.schedule("2.25.1", "nodules", "LOW", "2.25.77")
    with site.listener(give_up_h=1) as said:
        wait_for(lambda: any("cannot go on now" in line for line in said))
        assert worklist.state("2.25.1") == "IN PROGRESS"
        site.time.pass_by(HOUR + RETRY_S)
        wait_for(lambda: worklist.state("2.25.1") == "CANCELED")
    assert "did not come" in worklist.reason("2.25.1")


@only_dimse
def test_no_more_is_claimed_than_can_be_done_and_what_is_urgent_first(site: Site, worklist: Worklist) -> None:
    for number, priority in enumerate(("LOW", "MEDIUM", "HIGH")):
        worklist.schedule(f"2.25.{number}", "nodules", priority, f"2.25.77{number}")
    with site.listener(at_once=2) as said:
        wait_for(lambda: sum("cannot go on now" in line for line in said) == 2)
        assert [worklist.state(f"2.25.{number}") for number in range(3)] == ["SCHEDULED", *["IN PROGRESS"] * 2]


def test_a_worklist_says_when_there_is_work_and_when_it_is_to_be_cancelled(
    site: Site, worklist: Worklist, way: str
) -> None:
    """No time passes: what happens does so since the worklist reported it."""

    def tell(uid: str, kind: int) -> None:
        if way == "dimse":
            assert worklist.tell(site.settings.port, "LESION", uid, kind) == 0
        else:
            worklist.push("LESION", uid, kind)

    with site.listener(subscribe=True), closing(site.queue()) as queue:
        wait_for(lambda: worklist.subscribers == ["LESION"] and (way == "dimse" or worklist.channels))
        worklist.schedule("2.25.1", "nodules", "LOW", site.study, whose(site.orthanc))
        tell("2.25.1", STATE_REPORT)
        wait_for(lambda: worklist.state("2.25.1") == "COMPLETED")
        worklist.schedule("2.25.2", "nodules", "LOW", "2.25.77")
        tell("2.25.2", STATE_REPORT)
        wait_for(lambda: worklist.state("2.25.2") == "IN PROGRESS")
        wait_for(lambda: queue.tasks("ris")[-1].attempts == 1)  # its images are not there
        tell("2.25.2", CANCEL_ASKED)
        wait_for(lambda: worklist.state("2.25.2") == "CANCELED")
        assert worklist.reason("2.25.2") == "Cancelled as asked."
    assert worklist.subscribers == []


@only_dicomweb
def test_a_channel_that_ends_is_opened_anew_and_nonsense_in_it_is_passed_over(site: Site, worklist: Worklist) -> None:
    with site.listener(subscribe=True):
        wait_for(lambda: worklist.channels)
        for nonsense in (b"", b"{}", b"[1]", b'{"00001000": {"Value": ["../x"]}, "00001002": {"Value": [1]}}'):
            worklist.say("LESION", nonsense)
        worklist.hang_up("LESION")

        def again() -> bool:
            site.time.pass_by(STABLE_S)
            return bool(worklist.channels)

        wait_for(again)
        worklist.schedule("2.25.1", "nodules", "LOW", site.study, whose(site.orthanc))
        worklist.push("LESION", "2.25.1", STATE_REPORT)
        wait_for(lambda: worklist.state("2.25.1") == "COMPLETED")


@only_dicomweb
def test_a_worklist_without_a_channel_is_looked_at_all_the_same(
    site: Site, worklist: Worklist, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worklist, "subscribers", property(lambda _: [], lambda *_: None), raising=False)
    worklist.schedule("2.25.1", "nodules", "LOW", site.study, whose(site.orthanc))
    with site.listener(subscribe=True) as said:
        wait_for(lambda: worklist.state("2.25.1") == "COMPLETED")
        wait_for(lambda: any("does not report what happens" in line for line in said))
    assert not [line for line in said if TOKEN in line]


@only_dimse
def test_a_worklist_that_is_away_is_said_to_be_so_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    def scheduled(*_: object) -> list[object]:
        looks.append(1)
        if len(looks) < 4:
            raise PacsError("ris: it is away.")
        return []

    monkeypatch.setattr(Workitems, "scheduled", scheduled)
    with site.listener() as said:
        for number in range(1, 5):
            wait_for(lambda number=number: len(looks) == number)
            site.time.pass_by(STABLE_S)
        wait_for(lambda: len(looks) == 5)
    assert [line for line in said if line.startswith("ris")] == [
        "ris: no work can be taken from there; tried again. ris: it is away.",
        "ris: work can be taken from there again.",
    ]


def test_a_queue_of_the_version_before_opens_with_what_it_holds(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.add_job("2.25.1", "chest", "ab", ["a.dcm"])
    queue.close()
    with sqlite3.connect(queue.path) as database:
        database.execute("DROP TABLE tasks")
        database.execute("PRAGMA user_version = 1")
    again = Queue(tmp_path)
    assert [job.study_uid for job in again.jobs()] == ["2.25.1"]
    assert again.due_tasks() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"node": "nowhere"}, "which the file with the nodes lacks"),
        ({"rule": "abdomen"}, "no rule abdomen"),
        ({"label": ""}, "label"),
        ({"fetch": "mover"}, "which the listener has"),
    ],
)
def test_a_wrong_source_of_work_is_refused(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    there = {"ae_title": "RIS", "host": "127.0.0.1", "port": 104}
    nodes = Nodes.model_validate(
        {"nodes": {"ris": there, "web": {"dicomweb": "http://127.0.0.1:9"}, "mover": {**there, "retrieve": "move"}}}
    )
    source = {"node": "ris", "label": "nodules", "rule": "chest", "fetch": "ris", **changes}
    rule = {"name": "chest"}
    file = tmp_path / "listen.yaml"
    file.write_text(
        yaml.safe_dump({"callers": ["ANY"], "folder": str(tmp_path), "rules": [rule], "workitems": [source]})
    )
    with pytest.raises(ConfigError, match=said):
        load_listening(file, nodes)

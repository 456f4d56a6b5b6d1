"""Work that is scheduled for us: found, claimed once, ended with what it gave; by DIMSE and by DICOMweb."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dicom_factory as factory
import pytest
import yaml
from listener_case import PATIENCE_S
from pacs_studies import slices
from typer.testing import CliRunner
from ups_server import TOKEN, Worklist, by_dicomweb, by_dimse

from napari_lesion.cli.main import app
from napari_lesion.pacs.event_channel import address_of
from napari_lesion.pacs.nodes import Node, Nodes
from napari_lesion.pacs.storage import describe
from napari_lesion.pacs.workitem_messages import Scheduled
from napari_lesion.pacs.workitems import Workitems
from napari_lesion.support.errors import ConfigError, PacsError


@pytest.fixture
def worklist() -> Worklist:
    made = Worklist()
    made.schedule("2.25.1", "nodules", "LOW", "2.25.100")
    made.schedule("2.25.2", "nodules", "HIGH", "2.25.101")
    made.schedule("2.25.3", "bones", "HIGH", "2.25.102")
    return made


@pytest.fixture(params=["dimse", "dicomweb"])
def nodes(request: pytest.FixtureRequest, worklist: Worklist, tmp_path: Path) -> Iterator[Nodes]:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    door = by_dimse if request.param == "dimse" else by_dicomweb
    with door(worklist) as where:
        node: dict[str, object] = {"timeout_s": PATIENCE_S}
        if request.param == "dimse":
            node |= {"ae_title": "RIS", "host": "127.0.0.1", "port": where}
        else:
            node |= {"dicomweb": where, "token": {"file": str(token)}}
        yield Nodes(nodes={"ris": Node.model_validate(node)})


@pytest.fixture
def ours(nodes: Nodes) -> Workitems:
    return Workitems("ris", nodes.node("ris"), nodes.local)


def test_what_is_urgent_comes_first(ours: Workitems) -> None:
    found = ours.scheduled("nodules")
    assert [one.uid for one in found] == ["2.25.2", "2.25.1"]
    assert (found[0].priority, found[0].study_uids, found[0].patient_name) == ("HIGH", ("2.25.101",), "Größe^P1")
    assert {one.uid for one in ours.scheduled()} == {"2.25.1", "2.25.2", "2.25.3"}
    assert ours.scheduled("liver") == []


def test_one_is_done_and_says_what_it_gave(ours: Workitems, worklist: Worklist, tmp_path: Path) -> None:
    results = [describe(path) for path in factory.write(slices(), tmp_path)]
    transaction = ours.claim("2.25.2")
    assert worklist.items["2.25.2"].ProcedureStepState == "IN PROGRESS"
    assert "2.25.2" not in {one.uid for one in ours.scheduled()}
    ours.complete("2.25.2", transaction, results)
    item = worklist.items["2.25.2"]
    assert item.ProcedureStepState == "COMPLETED"
    [output] = item.UnifiedProcedureStepPerformedProcedureSequence[0].OutputInformationSequence
    assert output.StudyInstanceUID == results[0].study_uid
    assert {one.ReferencedSOPInstanceUID for one in output.ReferencedSOPSequence} == {one.sop_uid for one in results}


def test_what_somebody_else_has_is_not_taken(ours: Workitems, worklist: Worklist) -> None:
    theirs = ours.claim("2.25.1")
    with pytest.raises(PacsError, match=r"somebody else|does not allow"):
        ours.claim("2.25.1")
    with pytest.raises(PacsError, match=r"not the one of who claimed it|does not allow"):
        ours.complete("2.25.1", "2.25.99", [])
    with pytest.raises(PacsError, match=r"nobody has claimed it|does not allow"):
        ours.complete("2.25.2", "2.25.99", [])
    with pytest.raises(PacsError, match=r"no such workitem|does not know"):
        ours.claim("2.25.77")
    ours.cancel("2.25.1", theirs, "no lung is in view")
    item = worklist.items["2.25.1"]
    assert item.ProcedureStepState == "CANCELED"
    assert item.ProcedureStepProgressInformationSequence[0].ReasonForCancellation == "no lung is in view"


def test_work_is_scheduled_looked_at_and_withdrawn(ours: Workitems, worklist: Worklist) -> None:
    uid = ours.create(Scheduled("nodules", ("2.25.100", "2.25.101"), "P7", "Größe^P7", "HIGH"))
    one = ours.get(uid)
    assert (one.uid, one.state, one.priority, one.label) == (uid, "SCHEDULED", "HIGH", "nodules")
    assert (one.patient_id, one.patient_name, one.study_uids) == ("P7", "Größe^P7", ("2.25.100", "2.25.101"))
    assert uid in {one.uid for one in ours.scheduled("nodules")}
    transaction = ours.claim(uid)
    assert ours.get(uid).state == "IN PROGRESS"
    ours.request_cancel(uid, "wrong patient")
    assert worklist.cancel_asked == {uid: "wrong patient"}
    ours.cancel(uid, transaction, "as asked")
    assert ours.get(uid).state == "CANCELED"
    ours.request_cancel("2.25.1", "nobody has it")
    assert ours.get("2.25.1").state == "CANCELED"
    for refused in (lambda: ours.get("2.25.77"), lambda: ours.request_cancel("2.25.77", "")):
        with pytest.raises(PacsError, match=r"no such workitem|does not know"):
            refused()


def test_the_command_schedules_and_withdraws(nodes: Nodes, worklist: Worklist, tmp_path: Path) -> None:
    file = tmp_path / "pacs.yaml"
    file.write_text(yaml.safe_dump(nodes.model_dump(mode="json")))

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["pacs", *arguments, "--nodes", str(file)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output.strip()

    asked = ("--label", "nodules", "--patient-id", "P7")
    uid = said("request", "ris", "2.25.100", *asked)
    assert said("task", "ris", uid).startswith("SCHEDULED · MEDIUM · ")
    assert said("task", "ris", uid, "--withdraw", "asked twice").startswith("CANCELED")
    assert worklist.cancel_asked == {uid: "asked twice"}
    with pytest.raises(ConfigError, match="no priority 'SOON'"):
        said("request", "ris", "2.25.100", *asked, "--priority", "SOON")


def test_a_channel_is_only_where_the_worklist_is() -> None:
    """What a server offers is followed on its own host alone, and never out of TLS."""
    node = Node(dicomweb="https://ris.example:8443/dicom-web")
    own = "wss://ris.example:8443/dicom-web/subscribers/LESION"
    assert address_of(node, "LESION") == own
    assert address_of(node, "LESION", "wss://ris.example/events?of=LESION") == "wss://ris.example/events?of=LESION"
    for elsewhere in ("wss://elsewhere.example/events", "ws://ris.example/events", "not an address"):
        assert address_of(node, "LESION", elsewhere) == own


def test_the_command_lists_claims_and_ends(nodes: Nodes, worklist: Worklist, tmp_path: Path) -> None:
    file = tmp_path / "pacs.yaml"
    file.write_text(yaml.safe_dump(nodes.model_dump(mode="json")))

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["pacs", "tasks", "ris", "--nodes", str(file), *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    assert said("--label", "bones").strip().endswith("1 scheduled.")
    [path, *_] = factory.write(slices(), tmp_path / "made")
    transaction = said("--claim", "2.25.3").strip()
    said("--complete", "2.25.3", "--transaction", transaction, "--results", str(path))
    assert worklist.items["2.25.3"].ProcedureStepState == "COMPLETED"
    assert said("--label", "bones").strip() == "0 scheduled."


def test_a_wrong_uid_goes_nowhere() -> None:
    node = Node(dicomweb="http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="no UID"):
        Workitems("ris", node, Nodes().local).complete("../studies", "2.25.1", [])
    with pytest.raises(ConfigError, match="not reached by DIMSE"):
        Workitems("ris", node, Nodes().local, "dimse")

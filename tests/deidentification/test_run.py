"""What the command and its run do with what they get, and that nothing half-done is left."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dicom_factory as factory
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.deidentification import engine
from napari_lesion.deidentification.crosswalk import Crosswalk, read_crosswalk, write_crosswalk
from napari_lesion.deidentification.keys import Key, read_key, write_key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import DeidentificationError, deidentify
from napari_lesion.deidentification.table import Rule, edition, rule_of, rules
from napari_lesion.deidentification.workers import WorkerError, Workers
from napari_lesion.support.errors import InputFileError, OptionError, OutputError

KEY = Key(bytes(range(32)))
NOTHING = options_of((), ())


@pytest.fixture
def slices() -> list[Dataset]:
    """Three images of a person."""
    made = factory.ct_slices(factory.asymmetric_phantom(), "some")[:3]
    for one in made:
        one.PatientName, one.PatientID, one.InstitutionName = "Doe^Jane", "MRN-90210", "Mercy Hospital"
        one.BurnedInAnnotation = "NO"
    return made


def test_the_table_has_all_rows_of_its_edition() -> None:
    assert edition().startswith("PS3.15 2026c")
    assert len(rules()) == 656
    assert len([name for name in rules() if len(name) == 8 and "x" not in name]) == 652
    assert rule_of(0x00100010) == Rule("Patient's Name", "Z", {})
    assert rule_of(0x00090010) == rules()["private"]
    assert rule_of(0x60023000).name == "Overlay Data"
    assert rule_of(0x50AA0005).name == "Curve Data"


@pytest.mark.parametrize(
    ("basic", "kind", "action"),
    [
        ("X/Z/D", "1", "dummy"),
        ("X/Z/D", "2", "empty"),
        ("X/Z/D", "3", "remove"),
        ("X/D", "1C", "dummy"),
        ("Z", "1", "empty"),
        ("X/Z/U*", "3", "uid"),
    ],
)
def test_of_several_actions_the_type_decides(basic: str, kind: str, action: str) -> None:
    assert Rule("", basic, {}).action(NOTHING, kind) == action


def test_a_leak_takes_the_output_away(slices: list[Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory.write(slices, tmp_path / "in")
    whole = engine.Deidentifier.dataset

    def leaky(self, source, iod, on_change=None):
        made = whole(self, source, iod, on_change)
        made.ContrastBolusAgent = f"as given to {source.PatientName.given_name}"
        return made

    monkeypatch.setattr(engine.Deidentifier, "dataset", leaky)
    with pytest.raises(DeidentificationError, match=r"Nothing was kept: .* PatientName"):
        deidentify([tmp_path / "in"], tmp_path / "out", NOTHING, KEY)
    assert [one.name for one in tmp_path.iterdir()] == ["in"]


def test_whose_it_is_is_not_guessed(slices: list[Dataset], tmp_path: Path) -> None:
    slices[1].PatientName = "Roe^Richard"  # with the same PatientID
    factory.write(slices, tmp_path / "two names")
    slices[1].PatientName, slices[1].PatientID = "Doe^Jane", "OTHER"
    factory.write(slices, tmp_path / "two numbers")
    for name, why in (("two names", "another name or birth date"), ("two numbers", "several PatientIDs")):
        outcome = deidentify([tmp_path / name], tmp_path / f"{name} out", NOTHING, KEY)
        assert {(file.what, why in file.why) for file in outcome.files} == {("quarantined", True)}
        assert [path.name for path in (tmp_path / f"{name} out").iterdir()] == ["deidentification.json"]


def test_what_is_no_dicom_or_of_another_kind_does_not_leave(slices: list[Dataset], tmp_path: Path) -> None:
    factory.write(slices[:1], tmp_path / "in")
    (tmp_path / "in" / "report of Jane Doe.txt").write_text("Jane Doe")
    slices[1].SOPClassUID = slices[1].file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    factory.write(slices[1:2], tmp_path / "in" / "pdf")
    outcome = deidentify([tmp_path / "in"], tmp_path / "out", NOTHING, KEY)
    assert sorted(file.why for file in outcome.files if file.what == "left out") == [
        "no DICOM object", "what it is cannot be de-identified (Encapsulated PDF Storage)"
    ]  # fmt: skip
    assert outcome.count("written") == 1


def test_bad_places_are_refused(slices: list[Dataset], tmp_path: Path) -> None:
    factory.write(slices, tmp_path / "in")
    with pytest.raises(OutputError, match="among the files that name patients"):
        deidentify([tmp_path / "in"], tmp_path / "in" / "out", NOTHING, KEY)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(OutputError, match="not empty"):
        deidentify([tmp_path / "in"], tmp_path / "full", NOTHING, KEY)
    with pytest.raises(OptionError, match="--retain does not know everything"):
        options_of(["everything"], ())


def test_a_key_opens_with_its_passphrase_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    with pytest.raises(OptionError, match="at least 8"):
        write_key(path, KEY, "short")
    write_key(path, KEY, "correct horse")
    assert read_key(path, "correct horse") == KEY
    assert KEY.secret.hex() not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(InputFileError, match="passphrase does not open"):
        read_key(path, "wrong horse")
    with pytest.raises(OptionError, match="never written over"):
        write_key(path, KEY, "correct horse")
    text = json.loads(path.read_text())
    text["key"] = "00" + text["key"][2:]
    path.write_text(json.dumps(text))
    with pytest.raises(InputFileError, match="damaged"):
        read_key(path, "correct horse")


def test_the_crosswalk_is_sealed_with_the_key(tmp_path: Path) -> None:
    path = tmp_path / "a.key.crosswalk"
    write_crosswalk(path, KEY, Crosswalk({"P1": {"patient_id": "MRN-90210"}}, {"2.25.1": "1.2.3"}))
    assert b"MRN" not in path.read_bytes()
    assert read_crosswalk(path, KEY).uids == {"2.25.1": "1.2.3"}
    with pytest.raises(InputFileError, match="another key"):
        read_crosswalk(path, Key(bytes(32)))


def test_the_command_writes_says_and_keeps_the_crosswalk(slices: list[Dataset], tmp_path: Path) -> None:
    factory.write(slices, tmp_path / "in")
    command = ["deidentify", str(tmp_path / "in"), "--key", str(tmp_path / "a.key"), "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, command, env={"NAPARI_LESION_PASSPHRASE": "correct horse"})
    assert done.exit_code == 0, done.output
    assert f"3 files of 1 patients are de-identified in {tmp_path / 'out'}; 0 quarantined." in done.output
    assert "none was found" in done.output
    key = read_key(tmp_path / "a.key", "correct horse")
    known = read_crosswalk(tmp_path / "a.key.crosswalk", key)
    [folder] = [one for one in (tmp_path / "out").iterdir() if one.is_dir()]
    assert known.patients[folder.name]["patient_id"] == "MRN-90210"
    one = dcmread(next(folder.rglob("*.dcm")))
    assert known.uids[one.StudyInstanceUID] == slices[0].StudyInstanceUID


def test_heads_are_named_as_a_risk(slices: list[Dataset], tmp_path: Path) -> None:
    slices[0].BodyPartExamined = "HEAD"
    factory.write(slices, tmp_path / "in")
    outcome = deidentify([tmp_path / "in"], None, NOTHING, KEY)
    assert outcome.notes == ("a head scan shows a face, which can be recognised",)
    assert outcome.changes[("InstitutionName", "removed")] == 3


def test_several_processes_do_what_one_does(slices: list[Dataset], tmp_path: Path) -> None:
    twice = slices[0].copy()
    twice.ImageComments = "the same instance once more"
    factory.write(slices, tmp_path / "in")
    factory.write([twice], tmp_path / "in" / "twice")
    made = {}
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        outcome = deidentify([tmp_path / "in"], out, NOTHING, KEY, jobs=jobs)
        files = [(file.source, file.what, file.why, file.written) for file in outcome.files]
        made[jobs] = files, outcome.changes, outcome.uids, {one.name: one.read_bytes() for one in out.rglob("*.dcm")}
    assert made[1] == made[2]
    assert [what for _, what, _, _ in made[1][0]].count("left out") == 1
    assert len(made[1][3]) == 3


def test_what_goes_wrong_in_a_process_is_what_goes_wrong_here() -> None:
    with Workers(2) as workers:
        with pytest.raises(ValueError, match="invalid literal"):
            list(workers.map(_number, 16, ["ff", "no number"]))
        assert list(workers.map(_number, 10, ["1", "2", "3"])) == [1, 2, 3]
        with pytest.raises(WorkerError, match="--jobs 1"):
            list(workers.map(_end, 3, [0]))


def _number(base: int, text: str) -> int:
    return int(text, base)


def _end(status: int, _: int) -> None:
    os._exit(status)

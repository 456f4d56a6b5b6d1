"""What the check of a de-identification finds, and what it leaves out, with the reasons that the guide gives."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import dicom_factory as factory
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_lesion.deidentification import verify, verify_sources
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import deidentify
from napari_lesion.deidentification.verify import Found
from napari_lesion.deidentification.verify_sources import CheckOptions, words

KEY = Key(bytes(range(32)))


@pytest.fixture
def one() -> Dataset:
    """An image of a person."""
    made = factory.ct_slices(factory.asymmetric_phantom(), "some")[0]
    made.PatientName, made.PatientID, made.InstitutionName = "Doe^Jane", "MRN-90210", "Mercy Hospital"
    made.BurnedInAnnotation = "NO"
    return made


def searched(one: Dataset, folder: Path, change=None, **files: bytes) -> Found:
    """De-identify an image, change what was made of it, put files beside it, and search."""
    [source] = factory.write([one], folder / "in")
    outcome = deidentify([folder / "in"], folder / "made", options_of((), ()), KEY, check=False)
    target = folder / "out" / "a" / "a.dcm"
    target.parent.mkdir(parents=True)
    made = dcmread(folder / "made" / outcome.files[0].written)
    if change is not None:
        change(made)
    made.save_as(target)
    for name, content in files.items():
        target.with_name(f"{name}.bin").write_bytes(content)
    record = (folder / "made" / "deidentification.json").read_bytes()
    (folder / "out" / "deidentification.json").write_bytes(record)
    return verify.search([(source, target)], folder / "out", CheckOptions(frozenset()), lambda *_: None)


def test_the_verifier_shares_no_code_with_what_it_checks() -> None:
    mine = {f"napari_lesion.deidentification.{name}" for name in ("verify", "verify_sources")}
    for module in (verify, verify_sources):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        named = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        named += [one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names]
        assert "pydicom" in named
        assert [name for name in named if name.startswith("napari_lesion") and name not in mine] == []


@pytest.mark.parametrize(
    ("text", "found"), [("Doe, Jane", True), ("JANE DOE", True), ("mrn-90210", True), ("J", False), ("chest", False)]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_it_reads_bytes(one: Dataset, tmp_path: Path, text: str, found: bool, encoding: str) -> None:
    result = searched(one, tmp_path, anything=b"\1\2" + text.encode(encoding) + b"\3\4")
    assert bool(result.leaks) is found
    assert all(leak.file == "a/anything.bin" for leak in result.leaks)


@pytest.mark.parametrize("word", ["White", "Long", "Chest", "Removed"])
def test_a_name_that_is_a_common_word_is_found_in_text(one: Dataset, tmp_path: Path, word: str) -> None:
    assert word.lower() in words() | {"removed", "white", "long"}
    one.PatientName = f"{word}^Ann"

    def leaky(made: Dataset) -> None:
        made.ContrastBolusAgent = f"as for Ms {word.upper()}"

    assert {leak.attribute for leak in searched(one, tmp_path, leaky).leaks} == {"PatientName"}


def test_a_name_that_is_a_common_word_is_reported_where_a_code_has_it(one: Dataset, tmp_path: Path) -> None:
    one.PatientName = "Chest^Ann"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "43799004", "SCT", "Chest"
    one.AnatomicRegionSequence = [code]

    def coded(made: Dataset) -> None:
        made.AnatomicRegionSequence = [code]

    result = searched(one, tmp_path, coded)
    assert result.leaks == ()
    assert {leak.attribute for leak in result.doubtful} == {"PatientName"}


def test_who_de_identifies_is_told_of_it(one: Dataset, tmp_path: Path) -> None:
    one.PatientName = "Axial^Ann"
    one.ConvolutionKernel = "axial"
    factory.write([one], tmp_path / "in")
    outcome = deidentify([tmp_path / "in"], tmp_path / "out", options_of((), ()), KEY)
    text = (tmp_path / "out" / "deidentification.json").read_text()
    assert json.loads(text)["notes"] == list(outcome.notes)
    assert all("a common word" in note and "Axial" not in note for note in outcome.notes)


@pytest.mark.parametrize("name", ["options", "patients", "deidentification", "basic"])
def test_what_is_called_like_a_piece_of_our_record_is_looked_for(one: Dataset, tmp_path: Path, name: str) -> None:
    one.StationName = name[:16]
    assert searched(one, tmp_path / "clean").leaks == ()
    result = searched(one, tmp_path / "leaky", anything=f"made on {name[:16]}!".encode())
    assert [leak.attribute for leak in result.leaks] == ["StationName"]


def test_files_that_are_called_by_numbers_raise_no_alarm(one: Dataset, tmp_path: Path) -> None:
    """Six digits stand in some UID of 39 by chance."""
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = factory.uid("by number")
    [path] = factory.write([one], tmp_path / "some")
    made = deidentify([path], tmp_path / "made", options_of((), ()), KEY).files[0].written
    digits = Path(made).stem.split(".")[1][10:16]
    path.rename(path.with_name(f"{digits}.dcm"))
    outcome = deidentify([tmp_path / "some"], tmp_path / "out", options_of((), ()), KEY)
    assert digits in "".join(str(path) for path in (tmp_path / "out").rglob("*.dcm"))
    assert outcome.count("written") == 1

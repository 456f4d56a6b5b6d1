"""Faults of the program, damaged files, and what is left of a process that was killed: they name nobody."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from batch_case import FOUND
from fake_scan import FakeDetector
from leak_canary import FILE, SERIES_UID, VALUES, parts_in, write_scan
from leak_case import logged
from pydicom.dataelem import DataElement
from typer.testing import CliRunner

import napari_lesion as nl
from napari_lesion.batch import Workers, analyse_folder
from napari_lesion.cli.main import app, main
from napari_lesion.support import nameless
from napari_lesion.support.bug_report import collected, in_words, last_faults, remember
from napari_lesion.support.errors import LesionError

NAME = str(VALUES["PatientName"])
HELPERS = Path(__file__).resolve().parents[1] / "helpers"


@pytest.fixture(autouse=True)
def _state_of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("NAPARI_LESION_STATE", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv(nameless.VARIABLE, raising=False)


def deep(patient: str, calls: int = 3) -> float:
    """Fail deep down on a value, as a library does: with the value in the text."""
    return float(patient) if calls == 0 else deep(patient, calls - 1)


def fault() -> Exception:
    """One that came of another one."""
    try:
        try:
            deep(NAME)
        except ValueError as error:
            raise KeyError(f"{VALUES['PatientID']}") from error
    except KeyError as error:
        return error
    raise AssertionError


# ------------------------------------------------------------------------------------------------------------ traces


def test_a_trace_has_kinds_and_lines_of_code_but_no_values() -> None:
    error = fault()
    assert parts_in("".join(traceback.format_exception(error))) == {"name", "id"}, "else this tests nothing"
    said = nameless.trace(error)
    assert parts_in(said) == set()
    for words in ("ValueError", "which led to:", "KeyError", "test_faults.py", "in deep", "return float(patient)"):
        assert words in said
    assert str(Path(__file__).parent) not in said, "folders are called after people"
    assert nameless.place_of(error).startswith("KeyError at test_faults.py:")


def test_a_developer_may_ask_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(nameless.VARIABLE, "full")
    assert parts_in(nameless.trace(fault())) == {"name", "id"}


def test_circles_of_errors_come_to_an_end() -> None:
    one, other = ValueError(NAME), TypeError(NAME)
    one.__cause__, other.__cause__ = other, one
    assert nameless.trace(one).count("which led to:") == 1


@pytest.mark.parametrize("name", ["napari_lesion.batch", "pydicom", "someone"])
def test_the_log_of_the_program_shows_no_values_of_anybody(name: str) -> None:
    error = fault()
    record = logging.LogRecord(name, logging.ERROR, "", 0, "a study", (), (type(error), error, error.__traceback__))
    logging.Formatter().format(record)  # what another handler makes of it is kept in the record
    said = nameless.NamelessFormatter().format(record)
    assert parts_in(said) == set()
    assert ("a study" in said) == (name == "napari_lesion.batch")


def test_a_series_is_known_in_the_log_by_who_has_it(tmp_path: Path) -> None:
    short = nameless.short_hash(SERIES_UID)
    assert len(short) == 12
    assert short == nameless.short_hash(SERIES_UID) != nameless.short_hash(f"{SERIES_UID}.1")
    write_scan(tmp_path, slices=2)
    said = CliRunner().invoke(app, ["series", str(tmp_path), "--json"])
    assert [one["in_logs"] for one in json.loads(said.stdout)["series"]] == [short]


HOOKS = f"""
import sys, threading, warnings
sys.path.insert(0, {str(HELPERS)!r})
from napari_lesion.cli.console import use_plain_text
use_plain_text()
value = {NAME!r}
warnings.warn("Invalid value: " + value)
thread = threading.Thread(target=lambda: float(value))
thread.start()
thread.join()
class Odd:
    def __del__(self):
        raise ValueError(value)
Odd()
import logging
logging.getLogger("pydicom").warning(value)
logging.getLogger("other").warning(value)
float(value)
"""


def test_what_nobody_catches_on_any_thread_says_no_values() -> None:
    done = subprocess.run([sys.executable, "-c", HOOKS], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert parts_in(done.stdout, done.stderr) == set()
    assert done.stderr.count("ValueError (its text is left out") == 3
    assert "UserWarning: a warning; its text is left out" in done.stderr
    assert "other wrote a line (warning)" in done.stderr


# -------------------------------------------------------------------------------------------------- commands, batches


def test_a_fault_of_a_command_is_lines_of_code_and_is_kept_for_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("napari_lesion.dicom.index.series.find_series", lambda *_a, **_k: deep(NAME))
    monkeypatch.setattr(sys, "argv", ["napari-lesion", "series", str(tmp_path)])
    before = signal.getsignal(signal.SIGTERM)
    hooks = sys.excepthook, sys.unraisablehook, logging.getLogger().handlers[:]
    try:
        with pytest.raises(SystemExit) as end:
            main()
    finally:
        signal.signal(signal.SIGTERM, before)
        sys.excepthook, sys.unraisablehook = hooks[:2]
        logging.getLogger().handlers[:] = hooks[2]
    printed = "".join(capfd.readouterr())
    assert end.value.code == 1
    assert "ValueError" in printed
    assert "napari-lesion bug-report" in printed
    assert parts_in(printed) == set()
    (kept,) = last_faults()
    assert "return float(patient)" in kept
    report = in_words(collected())
    assert "return float(patient)" in report
    assert parts_in(report, kept, json.dumps(collected())) == set()


def test_only_the_last_faults_are_kept_for_their_user_alone(tmp_path: Path) -> None:
    for number in range(300):
        remember(f"fault {number} " + "x" * 1000)
    faults = last_faults()
    assert [one.split()[3] for one in faults] == [str(number) for number in range(299, 289, -1)]
    (file,) = Path(os.environ["NAPARI_LESION_STATE"]).iterdir()
    assert file.stat().st_size <= 64 * 1024
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("processes", [0, 1])
def test_a_fault_in_a_run_is_named_by_its_place_in_tables_and_log(tmp_path: Path, processes: int) -> None:
    write_scan(tmp_path / "ct", slices=6)
    detector = FakeDetector(FOUND, error=ValueError(f"of {NAME}"))
    with logged() as said:
        workers = Workers(1) if processes else None
        result = analyse_folder([tmp_path / "ct"], tmp_path / "out", detector=detector, workers=workers)
    (outcome,) = result.outcomes
    assert outcome.status == "failed"
    assert "unexpected error, please report it: ValueError at " in outcome.reason
    assert parts_in(outcome.reason, said.getvalue()) == set()
    assert nameless.short_hash(SERIES_UID) in said.getvalue()
    assert parts_in(tmp_path / "out") & {"name", "folder", "birth date", "accession number"} == set()


# --------------------------------------------------------------------------------------------------- damaged files


def with_value(keyword: str, vr: str, value: object) -> Callable[[pydicom.Dataset], None]:
    def damage(one: pydicom.Dataset) -> None:
        tag = pydicom.datadict.tag_for_keyword(keyword)
        assert tag is not None
        with pydicom.config.disable_value_validation():
            one[tag] = DataElement(tag, vr, value)

    return damage


def without(*keywords: str) -> Callable[[pydicom.Dataset], None]:
    def damage(one: pydicom.Dataset) -> None:
        for keyword in keywords:
            delattr(one, keyword)

    return damage


NUMBERS = (
    "Rows",
    "BitsAllocated",
    "PixelSpacing",
    "SliceThickness",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
)
GEOMETRY = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "InstanceNumber",
    "NumberOfFrames",
    "PixelRepresentation",
)
DAMAGES: dict[str, Callable[[pydicom.Dataset], None]] = {
    **{f"a name for {keyword}": with_value(keyword, "LO", NAME) for keyword in (*NUMBERS, *GEOMETRY)},
    **{
        f"a name for the date {keyword}": with_value(keyword, "DA", NAME)
        for keyword in ("StudyDate", "PatientBirthDate", "AcquisitionDate")
    },
    "a birth date that is none": with_value("PatientBirthDate", "DA", "19440612 Qznamefam"),
    "a name that is too long": with_value("PatientName", "PN", "Qznamefam" * 2000),
    "a name in a wrong character set": with_value("SpecificCharacterSet", "CS", "Qznamefam"),
    "a name for the kind of colours": with_value("PhotometricInterpretation", "CS", "QZNAMEFAM"),
    "a name for the kind of object": with_value("SOPClassUID", "UI", "Qznamefam"),
    "a long id": with_value("PatientID", "LO", "Qzpatid" * 500),
    "a comment that tells images apart": with_value("ImageComments", "LT", "Qzcomment"),
    "a protocol that tells images apart": with_value("ProtocolName", "LO", "for Qznamefam"),
    "no position": without("ImagePositionPatient"),
    "no pixels": without("PixelData"),
    "no series": without("SeriesInstanceUID"),
    "no rescale": without("RescaleSlope", "RescaleIntercept"),
}


def said_of(folder: Path) -> list[object]:
    """All that the program says of a folder: errors, their texts, their pickles, notes, and what it refuses."""
    said: list[object] = []
    index = nl.find_series(folder)
    said += [(reason,) for _, reason in (*index.skipped, *index.left_out)]
    for series in index:
        said += [series.refusal, series.notes, series.duplicates, repr(series), repr(index)]
        try:
            volume = nl.read_series(series)
        except LesionError as error:
            said += [str(error), repr(error), pickle.dumps(error), nameless.trace(error)]
        else:
            said += [volume.certificate.model_dump_json(), repr(volume)]
    return said


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_said_of_a_damaged_file_quotes_nobody(tmp_path: Path, damage: str) -> None:
    files = write_scan(tmp_path, slices=6)
    for path in files[2:4]:
        one = pydicom.dcmread(path)
        DAMAGES[damage](one)
        with pydicom.config.disable_value_validation():
            one.save_as(path)
    with logged() as logs:
        said = said_of(tmp_path)
    assert parts_in(logs.getvalue()) == set()
    assert parts_in(*map(str, said), *(one for one in said if isinstance(one, bytes))) <= {"file", "uid"}


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "cut in its header": lambda content: content[:700],
    "cut in its pixels": lambda content: content[:-500],
    "a length that is too large": lambda content: re.sub(
        rb"(\x10\x00\x10\x00PN)..", lambda found: found[1] + b"\xff\xff", content, count=1
    ),
    "a VR that there is not": lambda content: content.replace(b"\x10\x00\x10\x00PN", b"\x10\x00\x10\x00QZ", 1),
    "an encoding that breaks": lambda content: content.replace("Müller".encode(), b"M\xff\xfe\xffler"),
    "no DICOM, but text": lambda _: f"patient {NAME}".encode(),
}


@pytest.mark.parametrize("damage", BYTES)
def test_what_is_said_of_damaged_bytes_quotes_nobody(tmp_path: Path, damage: str) -> None:
    for path in write_scan(tmp_path, slices=6)[2:4]:
        content = path.read_bytes()
        path.write_bytes(BYTES[damage](content))
        assert path.read_bytes() != content
    with logged() as logs:
        said = said_of(tmp_path)
    assert parts_in(logs.getvalue()) == set()
    assert parts_in(*map(str, said)) <= {"file", "uid"}


# ------------------------------------------------------------------------------------------------------ what is left

ZIPPED = """
import os, sys, time
from napari_lesion.dicom.index.series import find_series
index = find_series(sys.argv[1])
print(len(index), flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("end", ["well", "killed"])
def test_what_a_process_unpacked_is_gone_with_it_or_with_the_next(tmp_path: Path, end: str) -> None:
    write_scan(tmp_path / "ct", slices=3)
    packed = tmp_path / f"{FILE}.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((tmp_path / "ct").iterdir()):
            archive.write(path, path.name)
    shutil.rmtree(tmp_path / "ct")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    for number, kill in enumerate((True, False) if end == "killed" else (False,)):
        with subprocess.Popen(
            [sys.executable, "-c", ZIPPED, packed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "1\n"
            folders = [path for path in temporary.iterdir() if path.is_dir()]
            assert len(folders) == 1, f"run {number}: what an earlier one left is still there"
            if kill:
                process.kill()
            else:
                process.communicate("")
    assert list(temporary.iterdir()) == []

"""Where instances lie that came: nothing half-written, nothing lost, whoever else writes there; and their analysis."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import dicom_factory as factory
import pydicom
import pytest
from pacs_studies import slices

from napari_lesion.pacs import analysis
from napari_lesion.pacs.storage import Storage, describe
from napari_lesion.support.errors import OutputError

WRITER = """
import os, sys, pathlib
from napari_lesion.pacs import storage
folder, file = map(pathlib.Path, sys.argv[1:])
sync = os.fsync
def waits(descriptor):
    print("writing", flush=True)
    sys.stdin.readline()
    os.fsync = sync
    sync(descriptor)
os.fsync = waits
print(storage.Storage(folder).keep(file.read_bytes())[1], flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_what_another_program_has_not_written_to_its_end_stays_until_it_is_gone(tmp_path: Path) -> None:
    """Two programs fetch into one folder; one of them is in the middle of an instance when the other one begins."""
    [path] = factory.write(slices()[:1], tmp_path / "one")
    folder = tmp_path / "fetched"
    storage = Storage(folder)
    one = describe(path)
    storage.series_folder(one.study_uid, one.series_uid).mkdir(parents=True)

    def half_written() -> list[Path]:
        return [one for one in folder.rglob("*") if one.is_file()]

    for ending in ("goes on", "is killed"):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdin is not None
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
            storage.clear_away()
            assert [one.suffix for one in half_written()] == [""]
            if ending == "is killed":
                writer.kill()
                continue
            writer.stdin.write("\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "True\n"
        [kept] = folder.rglob("*.dcm")
        assert describe(kept).sop_uid == kept.stem
        kept.unlink()
    assert len(half_written()) == 1
    storage.clear_away()
    assert half_written() == []


def test_two_that_come_at_the_same_moment_under_one_uid_are_both_kept(tmp_path: Path, monkeypatch) -> None:
    [path] = factory.write(slices()[:1], tmp_path / "one")
    first = path.read_bytes()
    other = pydicom.dcmread(path)
    other.SeriesDescription = "changed"
    other.save_as(path)
    storage, later = Storage(tmp_path), Storage(tmp_path)
    sync, came = os.fsync, []

    def meanwhile(descriptor: int) -> None:
        sync(descriptor)
        if not came:
            came.append(1)
            assert later.keep(path.read_bytes())[1]

    monkeypatch.setattr(os, "fsync", meanwhile)
    one = describe(path)
    storage.series_folder(one.study_uid, one.series_uid).mkdir(parents=True)
    assert storage.keep(first)[1]
    kept = [file.read_bytes() for file in storage.study_folder(one.study_uid).rglob("*.dcm")]
    assert sorted(kept) == sorted([first, path.read_bytes()])


@pytest.mark.parametrize("program", ["import time; time.sleep(600)", "while True: pass"])
def test_an_analysis_that_hangs_or_never_ends_is_ended(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what it does; `test_patience.py` tells the two apart."""
    monkeypatch.setattr(analysis, "_PROGRAM", program)
    ended = analysis.analyse(tmp_path, [], tmp_path, kinds=["sr"], model=None, limit_s=1, stop=threading.Event())
    assert re.match(r"It (did nothing|computed) for 1 s", ended.reason)
    assert not ended.is_final


def test_a_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    """As of a listener in a container, whose volume belongs to another user."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="must be allowed to write"):
        Storage(tmp_path / "file" / "inbox")

"""The real sample case arrives whole, or one sentence says why not. No test here uses a network."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from napari_lesion import samples
from napari_lesion.samples import RealCase, describe_real_case, download_real_case
from napari_lesion.support.errors import Cancelled, DownloadError

CASE = RealCase("LIDC-IDRI-0171", samples.SERIES_UID, images=3, size_mb=3.0, licence="CC BY 3.0", doi="10.7937/x")

SENDS = """
import pathlib, sys, time
for n in range({files}):
    pathlib.Path(sys.argv[1], f"{{n}}.dcm").write_bytes(bytes(1_000_000))
    time.sleep({pause})
"""
OFFLINE = """
import sys
sys.exit('ERROR "cp s3://idc-open-data/x/*": RequestError: send request failed caused by: Get "https://s3": '
         'dial tcp: lookup s3.amazonaws.com on 10.0.0.1:53: no such host')
"""


class FakeArchive:
    """Runs a little program in the place of the downloader."""

    def __init__(self, program: str) -> None:
        self.program, self.process = program, None

    def __call__(self):
        return self

    def find(self, series_uid):
        assert series_uid == samples.SERIES_UID
        return CASE

    def fetch(self, case, folder):
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.program, str(folder)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        return self.process


def test_the_case_arrives_and_its_size_and_licence_are_shown(tmp_path):
    seen = []
    folder = download_real_case(
        tmp_path / "case",
        archive=FakeArchive(SENDS.format(files=3, pause=0.3)),
        progress=lambda done, total, what: seen.append((done, total, what)),
    )
    assert sorted(f.name for f in folder.iterdir()) == ["0.dcm", "1.dcm", "2.dcm"]
    assert [p.name for p in tmp_path.iterdir()] == ["case"]
    assert all(total == 3 and "3 MB" in what and "CC BY 3.0" in what and "doi.org" in what for _, total, what in seen)
    done = [d for d, _, _ in seen]
    assert done == sorted(done)
    assert any(d > 0 for d in done)


def test_a_case_that_is_there_is_not_downloaded_again(tmp_path):
    for n in range(3):
        (tmp_path / f"{n}.dcm").touch()
    archive = FakeArchive("raise SystemExit(1)")
    assert download_real_case(tmp_path, archive=archive) == tmp_path
    assert archive.process is None


def test_without_a_network_one_sentence_says_so(tmp_path):
    with pytest.raises(DownloadError) as caught:
        download_real_case(tmp_path / "case", archive=FakeArchive(OFFLINE))
    message = str(caught.value)
    assert "cannot be reached" in message
    assert "Connect to the internet" in message
    assert "dial tcp" not in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_another_failure_is_passed_on_in_its_own_words(tmp_path):
    program = "import sys; sys.exit('first line\\nAccessDenied: the bucket is closed')"
    with pytest.raises(DownloadError, match="AccessDenied: the bucket is closed"):
        download_real_case(tmp_path / "case", archive=FakeArchive(program))


def test_a_download_that_misses_images_is_thrown_away(tmp_path):
    with pytest.raises(DownloadError, match="2 of 3 images"):
        download_real_case(tmp_path / "case", archive=FakeArchive(SENDS.format(files=2, pause=0)))
    assert list(tmp_path.iterdir()) == []


def test_cancel_ends_the_download_and_leaves_nothing(tmp_path):
    archive = FakeArchive(SENDS.format(files=3, pause=60))

    def cancel(done, total, what):
        if done:
            raise Cancelled

    start = time.monotonic()
    with pytest.raises(Cancelled):
        download_real_case(tmp_path / "case", archive=archive, progress=cancel)
    assert archive.process.poll() is not None
    assert time.monotonic() - start < 50  # it was ended, not waited for
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DownloadError, match="something else"):
        download_real_case(tmp_path, archive=FakeArchive(SENDS.format(files=3, pause=0)))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_the_extra_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "idc_index", None)  # as if it were not installed
    with pytest.raises(DownloadError, match=r"pip install 'napari-lesion\[idc\]'"):
        download_real_case(tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_the_case_is_in_the_archives_own_index_and_its_downloader_starts():
    pytest.importorskip("idc_index", reason="the extra idc is not installed")
    idc = samples.ImagingDataCommons()
    case = describe_real_case(archive=lambda: idc)
    assert case.patient_id == "LIDC-IDRI-0171"
    assert case.images == 95
    assert case.licence.startswith("CC BY")
    assert 10 < case.size_mb < 100
    assert str(case).endswith(case.doi)
    assert os.access(str(idc._client.s5cmdPath), os.X_OK)

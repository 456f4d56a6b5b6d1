"""What a reader did is on disk before the next step, whatever happens to the program."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import review_driver
from fake_scan import make_heatmap, make_volume
from review_scan import CANDIDATES, READER, a_report, a_review

from napari_lesion.review import edits
from napari_lesion.review.journal import (
    STATE_VARIABLE,
    VERSION,
    Journal,
    journal_path,
    run_id,
    take_over_earlier,
)
from napari_lesion.review.kept_heatmap import heatmap_path, keep_heatmap, kept_heatmap
from napari_lesion.review.review import Review, redo, undo, unsearched
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.journal_file import head_of

SCAN = make_volume()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reviews" / "journal.jsonl"


def written(path: Path, steps: int = 3, text: str = "Größe") -> Review:
    """A review with some changes, in a journal that nobody holds any more."""
    journal, review = Journal(path, SCAN.series), a_review(SCAN)
    journal.begin(review, READER)
    for number in range(steps):
        new = edits.comment(review, review.findings[0].id, f"{text} {number}", READER)
        journal.record(review, new, READER)
        review = new
    journal.close()
    return review


@pytest.mark.parametrize("safe", [1, 40])
def test_a_killed_program_has_lost_nothing_that_was_done(path: Path, safe: int) -> None:
    process = subprocess.Popen(
        [sys.executable, review_driver.__file__, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(review_driver.__file__).parent), *sys.path])},
    )
    with process:
        said = 0
        for line in process.stdout:
            said = int(line)
            if said >= safe:
                break
        process.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in process.stdout if line.endswith("\n"))])
    assert said >= safe
    journal = Journal(path, SCAN.series)
    review = journal.recover()
    assert len(review.changes) in (said, said + 1)
    assert review.changes[said - 1].after[0].comment.startswith(f"{said - 1} words")
    new = edits.accept(review, [review.findings[0].id], READER)
    journal.record(review, new, READER)
    assert journal.recover() == new, "the review goes on after the crash"


def test_a_last_line_that_was_cut_anywhere_is_dropped_and_the_rest_is_there(path: Path) -> None:
    review = written(path)
    content = path.read_bytes()
    last = content[:-1].rfind(b"\n") + 1
    for end in range(last, len(content), 7):
        path.write_bytes(content[:end])
        journal = Journal(path, SCAN.series)
        recovered = journal.recover()
        assert recovered.changes == review.changes[:-1]
        journal.record(recovered, undo(recovered), READER)
        assert journal.recover().undone == review.changes[1:2]
        journal.close()


def test_undo_and_redo_are_in_the_journal_with_the_reader(path: Path) -> None:
    review = written(path)
    journal = Journal(path, SCAN.series)
    for function in (undo, undo, redo):
        new = function(review)
        journal.record(review, new, READER)
        review = new
    assert journal.recover() == review
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [next(iter(line)) for line in lines[1:]] == ["change", "change", "change", "undo", "undo", "redo"]
    assert all("Röntgen" in json.dumps(line, ensure_ascii=False) for line in lines[1:])
    assert lines[0]["run"] == run_id(review.start)
    assert "P-17" not in path.read_text(encoding="utf-8"), "no name or number of the patient"
    with pytest.raises(ConfigError, match="different reports"):
        journal.record(review, Review(unsearched(SCAN)), READER)


def test_a_new_review_of_the_scan_leaves_the_old_one_in_the_file(path: Path) -> None:
    written(path)
    before = path.read_bytes()
    journal = Journal(path, SCAN.series)
    new = edits.accept(a_review(SCAN), [a_report(SCAN).findings[0].id], READER)
    journal.begin(new, READER)
    assert journal.recover() == new
    assert path.read_bytes().startswith(before)


def test_only_one_window_writes_a_journal(path: Path) -> None:
    journal = Journal(path, SCAN.series)
    with pytest.raises(ConfigError, match="another window"):
        Journal(path, SCAN.series)
    journal.close()
    assert Journal(path, SCAN.series).recover() is None


def test_a_journal_that_cannot_begin_is_said_and_set_aside_never_deleted(path: Path) -> None:
    written(path)
    content = path.read_bytes()
    for bad, words in (
        (content.replace(f'"journal": {VERSION}'.encode(), b'"journal": 99', 1), "later version"),
        (content.replace(SCAN.series.series_uid.encode() + b'"', b'1.2.9"'), "line 1 is damaged"),
        (content.replace(b'{"journal"', b'{"journey"', 1), "line 1 is damaged"),
    ):
        path.write_bytes(bad)
        journal = Journal(path, SCAN.series)
        with pytest.raises(ConfigError, match=words) as caught:
            journal.recover()
        assert str(path) in str(caught.value)
        assert journal.set_aside().read_bytes() == bad
        assert journal.recover() is None
        journal.close()
    assert len(list(path.parent.glob("*.damaged*"))) == 3


def test_a_journal_of_another_series_is_refused(path: Path) -> None:
    written(path)
    with pytest.raises(ConfigError, match="is of series"):
        Journal(path, make_volume(series_uid="1.2.9").series).recover()


def test_a_flip_or_a_cut_is_said_and_what_was_before_it_goes_on(path: Path) -> None:
    review = written(path, steps=3)
    content, head = path.read_bytes(), head_of(path).read_bytes()
    first = content.index(b"\n") + 1
    ends = [at + 1 for at in range(first, len(content) - 1) if content[at] == ord("\n")]
    for at in [*range(first, len(content), 97), *ends]:
        for bad in (content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], content[:at]):
            for old in path.parent.glob("*.damaged*"):
                old.unlink()
            path.write_bytes(bad)
            head_of(path).write_bytes(head)
            journal = Journal(path, SCAN.series)
            back = journal.recover()
            assert back.changes == review.changes[: len(back.changes)]
            assert "line" in journal.warning
            if journal.warning:
                [aside] = path.parent.glob("*.damaged*")
                assert aside.read_bytes() == bad
                assert aside.name in journal.warning
            new = edits.accept(back, [back.findings[0].id], READER)
            journal.record(back, new, READER)
            assert journal.recover() == new
            assert not journal.warning
            journal.close()


def test_a_journal_that_is_gone_or_empty_is_missed(path: Path) -> None:
    for gone in (True, False):
        written(path)
        if gone:
            path.unlink()
        else:
            path.write_bytes(b"")
        journal = Journal(path, SCAN.series)
        assert journal.recover() is None
        assert "Nothing of the review is left" in journal.warning
        review = a_review(SCAN)
        journal.begin(review, READER)
        assert journal.recover() == review
        assert not journal.warning
        journal.close()


def test_a_head_that_is_behind_means_a_crash_and_one_that_is_damaged_is_said(path: Path) -> None:
    review = written(path, steps=3)
    head = head_of(path).read_bytes()
    earlier = Path(path.parent / "earlier.jsonl")
    written(earlier, steps=1, text="Earlier")  # two reviews of one second are equal but for what is in them
    for content, said in (
        (b"%010d " % 2 + json.loads(path.read_bytes().split(b"\n")[1])["seal"].encode() + b"\n", ""),
        (b"", ""),
        (head[:40], "damaged"),
        (head.replace(b"4", b"x", 1), "damaged"),
        (head_of(earlier).read_bytes(), "is not the one"),
    ):
        head_of(path).write_bytes(content)
        journal = Journal(path, SCAN.series)
        assert journal.recover() == review
        assert (said in journal.warning) if said else not journal.warning
        journal.close()
    assert oct(head_of(path).stat().st_mode)[-3:] == "600"


def test_the_heatmap_of_the_same_run_comes_back_and_no_other(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    report, heatmap = a_report(SCAN), make_heatmap(SCAN, CANDIDATES)
    assert kept_heatmap(SCAN, report) is None
    keep_heatmap(SCAN, report, heatmap)
    back = kept_heatmap(SCAN, report)
    np.testing.assert_allclose(back.values, heatmap.values, atol=0.002)
    np.testing.assert_array_equal(back.affine, heatmap.affine)
    assert kept_heatmap(SCAN, report.model_copy(update={"created": "2020-01-01T00:00:00+00:00"})) is None
    heatmap_path(SCAN).write_bytes(b"damaged")
    assert kept_heatmap(SCAN, report) is None


def test_the_journal_of_an_earlier_version_goes_on(path: Path) -> None:
    review = written(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    header = json.loads(lines[0])
    assert header["journal"] == VERSION
    new = ("mask", "measurement", "unmeasured", "tracking_uid")
    findings = [{name: f[name] for name in f if name not in new} for f in header["report"]["findings"]]
    report = {name: header["report"][name] for name in header["report"] if name not in ("patient", "comparisons")}
    del header["seal"]
    old = {**header, "journal": 1, "report": {**report, "schema_version": "1.2", "findings": findings}}
    changes = []
    for line in lines[1:]:
        change = json.loads(line)["change"]
        changes.append({name: change[name] for name in ("what", "time", "reader", "before", "after")})
    path.write_text("\n".join(map(json.dumps, [old, *({"change": one} for one in changes)])) + "\n", encoding="utf-8")
    journal = Journal(path, SCAN.series)
    assert journal.recover() == review
    journal.record(review, undo(review), READER)
    assert journal.recover() == undo(review)


def test_each_volume_has_a_journal_of_its_own_in_the_state_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    path = journal_path(SCAN)
    assert path.parent == tmp_path / "reviews"
    assert path == journal_path(make_volume())
    assert path != journal_path(make_volume(series_uid="1.2.9"))
    assert journal_path(make_volume(series_uid="../../etc/passwd")).parent == path.parent
    monkeypatch.delenv(STATE_VARIABLE)
    assert "napari-lesion" in str(journal_path(SCAN))


def frames(volume, numbers):
    """The same volume as planes of one multiframe image."""
    planes = [replace(i, sop_instance_uid="1.2.8", frame=n) for i, n in zip(volume.instances, numbers, strict=True)]
    return replace(volume, instances=tuple(planes))


def test_stacks_of_one_image_and_images_without_a_place_have_journals_of_their_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    first, second = frames(SCAN, range(1, 41)), frames(SCAN, range(41, 81))
    assert journal_path(first) != journal_path(second)
    apart = [replace(SCAN, instances=(), voxels=SCAN.voxels[k : k + 1]) for k in (0, 20)]
    apart[1] = replace(apart[1], voxels=apart[1].voxels + 1)
    assert journal_path(apart[0]) != journal_path(apart[1])


def test_the_journal_that_stacks_of_one_image_had_goes_to_the_one_that_it_is_of(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    first, second = frames(SCAN, range(1, 41)), frames(SCAN, range(41, 81))
    review = a_review(second)
    whole = hashlib.sha256(b"1.2.8").hexdigest()[:12]
    earlier = tmp_path / "reviews" / f"{SCAN.series.series_uid}-{whole}.jsonl"
    journal = Journal(earlier, SCAN.series)
    journal.begin(review, READER)
    journal.close()
    take_over_earlier(first)
    assert earlier.exists()
    take_over_earlier(second)
    assert not earlier.exists()
    assert not journal_path(first).exists()
    journal = Journal(journal_path(second), SCAN.series)
    assert journal.recover() == review
    assert not journal.warning

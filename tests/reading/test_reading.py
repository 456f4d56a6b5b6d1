"""A reading of one scan: blind, revealed, finished, and nothing that mixes them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fake_scan import make_volume
from reading_case import Clock, read_scan, report_with

from napari_lesion.model.volume import Volume
from napari_lesion.reading_study.journal import Journal, hold, load, path_of, place_of, settle
from napari_lesion.support.errors import ReadingError
from napari_lesion.support.journal_file import head_of

NODULE, OTHER, FAR = (10.0, 20.0, 30.0), (-40.0, 0.0, 60.0), (80.0, 80.0, 0.0)
REPORT = report_with((NODULE, 0.9), (OTHER, 0.7), (FAR, 0.2))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Journal:
    return Journal.start(path_of(tmp_path, "Dr. Ä/1", "1.2.3"), "Dr. Ä/1", "1.2.3", seen_before=False, clock=clock)


def test_a_reading_goes_from_blind_to_revealed_to_finished_and_knows_what_each_brought(journal: Journal, clock) -> None:
    clock.wait(30)
    near = journal.mark((11.0, 21.0, 30.0), 3)
    wrong = journal.mark(FAR, 1)
    clock.wait(10)
    journal.mark((11.0, 20.5, 30.0), 4, near.id)
    journal.reveal(REPORT)
    reading = journal.reading
    assert [f.score for f in reading.shown] == [0.9, 0.7], "the candidate under the threshold stays hidden"
    assert [f.score for f in reading.undecided] == [0.7], "a finding on the reader's own mark needs no decision"
    clock.wait(5)
    journal.unmark(wrong.id)
    journal.decide(reading.undecided[0].id, 2)
    clock.wait(1)
    journal.finish()
    done = load(journal.path)
    assert done == journal.reading
    assert [(m.center_mm, m.confidence) for m in done.blind_marks] == [(FAR, 1), ((11.0, 20.5, 30.0), 4)]
    assert [m.confidence for m in done.marks] == [4]
    assert [(f.center_mm, level) for f, level in done.taken_over] == [(OTHER, 2)]
    assert (done.blind_s, done.assisted_s, done.phase) == (40.0, 6.0, "finished")


def test_the_two_reads_cannot_be_mixed(journal: Journal) -> None:
    before = journal.path.read_bytes()
    with pytest.raises(ReadingError, match="no findings to decide on before the reveal"):
        journal.decide(REPORT.findings[0].id, 5)
    with pytest.raises(ReadingError, match="before the findings were revealed"):
        journal.finish()
    with pytest.raises(ReadingError, match="of another series"):
        journal.reveal(report_with(series_uid="9.9"))
    assert journal.path.read_bytes() == before, "what was refused is not in the file"
    mark = journal.mark(NODULE, 5)
    journal.reveal(REPORT)
    with pytest.raises(ReadingError, match="revealed already"):
        journal.reveal(REPORT)
    with pytest.raises(ReadingError, match="1 findings are neither accepted nor rejected"):
        journal.finish()
    with pytest.raises(ReadingError, match="no finding"):
        journal.decide(REPORT.findings[2].id, 5)
    journal.mark(FAR, 1, mark.id)
    assert [m.center_mm for m in journal.reading.blind_marks] == [NODULE], "what was marked blind stays"
    assert len(journal.reading.undecided) == 2, "a finding whose mark moved away has to be decided"
    for finding in journal.reading.undecided:
        journal.decide(finding.id, None)
    journal.finish()
    for change in (lambda: journal.mark(FAR, 2), lambda: journal.unmark(mark.id), journal.pause, journal.finish):
        with pytest.raises(ReadingError, match="is finished"):
            change()
    with pytest.raises(ReadingError, match="is finished"):
        Journal.resume(journal.path)


def test_a_scan_is_read_once_by_a_reader(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="has read this scan, or begun to"):
        Journal.start(journal.path, "Dr. Ä/1", "1.2.3", seen_before=False)
    with pytest.raises(ReadingError, match="Say who reads"):
        Journal.start(tmp_path / "x.jsonl", "  ", "1.2.3", seen_before=False)
    assert load(journal.path).reader == "Dr. Ä/1"
    assert journal.path.parent.parent == tmp_path


def test_pauses_do_not_count_and_a_paused_reading_takes_no_marks(journal: Journal, clock: Clock) -> None:
    clock.wait(10)
    journal.pause()
    with pytest.raises(ReadingError, match="paused"):
        journal.mark(NODULE, 3)
    clock.wait(1000)
    again = Journal.resume(journal.path, clock=clock)
    clock.wait(5)
    again.mark(NODULE, 3)
    assert (again.reading.blind_s, again.reading.interruptions) == (15.0, 0)


def test_a_reading_is_not_blind_once_the_findings_were_seen(journal: Journal, tmp_path: Path) -> None:
    assert journal.reading.blind
    assert Journal.resume(journal.path).reading.blind
    assert not Journal.resume(journal.path, seen_before=True).reading.blind
    assert not Journal.resume(journal.path).reading.blind, "what was seen stays seen"
    other = Journal.start(tmp_path / "2.jsonl", "B", "1.2.3", seen_before=False)
    other.reveal(report_with())
    assert Journal.resume(other.path, seen_before=True).reading.blind, "after the reveal that is as it should be"


def test_a_killed_reading_comes_back_as_it_was(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom napari_lesion.reading_study.journal import Journal\n"
        "journal = Journal.start(Path(sys.argv[1]), 'A', '1.2.3', seen_before=False)\n"
        "for level in (1, 2, 3): journal.mark((level, 0.0, 0.0), level)\n"
        "print('marked', flush=True)\ntime.sleep(60)\n"
    )
    path = tmp_path / "A" / "1.2.3.jsonl"
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "marked\n"
    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()
    process.stdout.close()
    with path.open("ab") as file:
        file.write(b'{"time": "2026-03-01T08:0')  # as if it had been killed in the middle of a line
    cut = path.read_bytes()
    again = Journal.resume(path)
    assert "cut off" in again.warning
    assert path.with_name("1.2.3.damaged1").read_bytes() == cut
    assert [mark.confidence for mark in again.reading.marks] == [1, 2, 3]
    assert again.reading.interruptions == 1
    again.mark((4.0, 0.0, 0.0), 4)
    assert [mark.confidence for mark in load(path).marks] == [1, 2, 3, 4]


def test_a_file_that_was_changed_afterwards_is_refused(tmp_path: Path) -> None:
    path = read_scan(tmp_path, "A", REPORT, marks=((NODULE, 2),), decisions=(None,)).path
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert load(path).phase == "finished"
    forgeries = (
        [lines[0], lines[1].replace('"confidence": 2', '"confidence": 5'), *lines[2:]],  # another
        [lines[0], lines[2], lines[1], *lines[3:]],  # a mark that moves after the reveal
        [lines[0], *lines[2:]],  # taken out
        [*lines[:2], lines[1], *lines[2:]],  # twice
    )
    for forged in forgeries:
        assert forged != lines
        path.write_text("".join(forged), encoding="utf-8")
        with pytest.raises(ReadingError, match=r"line \d"):
            load(path)
    path.write_text(lines[0] + json.dumps({"what": "mark"}) + "\n", encoding="utf-8")
    with pytest.raises(ReadingError, match="line 2 is no event"):
        load(path)


def test_a_reading_whose_first_line_never_came_to_the_disk_can_begin_again(tmp_path: Path) -> None:
    path = tmp_path / "1.2.3.jsonl"
    path.write_bytes(b'{"time": "20')
    with pytest.raises(ReadingError, match="line 1 was cut off"):
        load(path)
    assert Journal.start(path, "A", "1.2.3", seen_before=False).reading == load(path)


def a_blind_read(path: Path) -> Journal:
    journal = Journal.start(path, "A", "1.2.3", seen_before=False)
    for level in (1, 2, 3, 4):
        journal.mark((float(level), 0.0, 0.0), level)
    return journal


def damaged_at(line: int, how: str, path: Path) -> bytes:
    """Damage a line (from 1) of a file, and give what it holds then."""
    lines = path.read_bytes().splitlines(keepends=True)
    if how == "cut at its end":
        content = b"".join(lines[: line - 1])
    else:
        old = lines[line - 1]
        place = old.index(b'"seal"') if how == "its seal" else old.index(b'"time"') + 12
        lines[line - 1] = old[: place + 1] + bytes([old[place + 1] ^ 1]) + old[place + 2 :]
        content = b"".join(lines)
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("how", ["its seal", "its time", "cut at its end"])
@pytest.mark.parametrize("line", [2, 4, 5])
def test_a_damaged_line_costs_what_came_after_it_and_not_the_reading(tmp_path: Path, line: int, how: str) -> None:
    path = tmp_path / "1.2.3.jsonl"
    a_blind_read(path)
    bad = damaged_at(line, how, path)
    with pytest.raises(ReadingError, match=f"line {line}"):
        load(path)
    again = Journal.resume(path)
    assert f"line {line}" in again.warning
    assert path.with_name("1.2.3.damaged1").read_bytes() == bad
    assert [mark.confidence for mark in again.reading.marks] == list(range(1, line - 1))
    assert again.reading.blind == (how != "cut at its end"), "what is missing may have been the reveal"
    assert ("not blind any more" in again.warning) == (how == "cut at its end")
    again.mark(NODULE, 5)
    assert load(path) == again.reading


def test_what_may_hold_the_reveal_ends_the_blind_read(tmp_path: Path) -> None:
    path = read_scan(tmp_path, "A", REPORT, marks=((NODULE, 2), (FAR, 1)), decisions=(None,)).path
    damaged_at(3, "its time", path)
    again = Journal.resume(path)
    assert again.reading.phase == "blind"
    assert not again.reading.blind, "the findings were revealed after the damaged line"
    assert "not blind any more" in again.warning


def test_a_reading_without_a_whole_start_is_set_aside_and_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "1.2.3.jsonl"
    a_blind_read(path)
    bad = damaged_at(1, "its time", path)
    with pytest.raises(ReadingError, match="line 1"):
        Journal.resume(path)
    again = Journal.start(path, "A", "1.2.3", seen_before=False)
    assert "nothing of that reading can be read" in again.warning
    assert path.with_name("1.2.3.damaged1").read_bytes() == bad
    assert load(path).blind, "all its lines were of the blind read"


def test_a_reading_of_an_earlier_version_goes_on_without_a_head(tmp_path: Path) -> None:
    path = tmp_path / "1.2.3.jsonl"
    a_blind_read(path)
    head_of(path).unlink()
    again = Journal.resume(path)
    assert not again.warning
    assert len(again.reading.marks) == 4
    again.mark(NODULE, 5)
    damaged_at(7, "cut at its end", path)
    assert "line 7, the last one, is missing" in Journal.resume(path).warning


def test_a_reading_lies_in_its_folder_and_is_of_one_reader_only(tmp_path: Path) -> None:
    for uid in ("../../outside", "..", "/etc/passwd", "CON", "1." + "2" * 300):
        path = path_of(tmp_path, "A", uid)
        assert path.parent == tmp_path / "A"
        assert len(path.name) < 100
    Journal.start(path_of(tmp_path, "Dr. A", "1.2.3"), "Dr. A", "1.2.3", seen_before=False)
    other = path_of(tmp_path, "Dr._A", "1.2.3")
    assert not other.exists(), "another reader, whose name makes the same name of a folder"
    Journal.start(other, "Dr._A", "1.2.3", seen_before=False)
    assert load(path_of(tmp_path, "Dr. A", "1.2.3")).reader == "Dr. A"
    assert load(path_of(tmp_path, "Dr._A", "1.2.3")).reader == "Dr._A"


def test_a_reader_goes_on_in_one_window_at_a_time(tmp_path: Path) -> None:
    path = path_of(tmp_path, "A", "1.2.3")
    first = hold(path)
    with pytest.raises(ReadingError, match="another window"):
        hold(path_of(tmp_path, "A", "1.2.4"))
    hold(path_of(tmp_path, "B", "1.2.3")).release()
    first.release()
    hold(path).release()


def stacks() -> tuple[Volume, Volume]:
    """Two volumes of one series, on one grid."""
    first = make_volume(shape=(4, 8, 8), series_uid="1.2.3")
    instances = tuple(replace(one, sop_instance_uid=f"{one.sop_instance_uid}.9") for one in first.instances)
    return first, replace(first, instances=instances)


def test_two_stacks_of_a_series_share_no_reading(tmp_path: Path) -> None:
    first, second = stacks()
    places = [place_of(tmp_path, "A", volume) for volume in (first, second)]
    assert places[0] != places[1]
    Journal.start(places[0], "A", "1.2.3", first.stack, seen_before=False)
    assert load(places[0]).stack == first.stack
    assert [place_of(tmp_path, "A", volume) for volume in (first, second)] == places
    assert not places[1].exists()


def test_a_reading_that_was_kept_by_the_series_alone_goes_on_as_that_of_one_stack(tmp_path: Path) -> None:
    first, second = stacks()
    earlier = path_of(tmp_path, "A", "1.2.3")
    a_blind_read(earlier.parent / "x.jsonl")
    (earlier.parent / "x.jsonl").replace(earlier)
    assert place_of(tmp_path, "A", first) == place_of(tmp_path, "A", second) == earlier, "it does not say of which"
    path = settle(earlier, tmp_path, "A", first)
    assert Journal.resume(path).reading.marks
    assert place_of(tmp_path, "A", first) == path
    assert place_of(tmp_path, "A", second) != earlier


def test_a_revealed_reading_of_the_series_shows_of_which_stack_it_is(tmp_path: Path) -> None:
    first, second = stacks()
    path = read_scan(tmp_path, "A", REPORT, decisions=(3, None)).path
    assert path == path_of(tmp_path, "A", "1.2.3")
    assert place_of(tmp_path, "A", first) == path
    assert place_of(tmp_path, "A", second) != path, "its findings name images of the first one"

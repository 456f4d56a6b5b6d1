"""The worklist on disk: what arrived is on it once; each study has one reader; what was read stays read."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from judged_nodules import nodule
from worklist_case import DAWN, HOUR, Clock, large, numbers, result, results, small, worklist_of

from napari_lesion.pacs.queue import Queue
from napari_lesion.report.ledger import Ledger, LedgerEntry
from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.support.errors import InputFileError, OptionError, WorklistError
from napari_lesion.worklist.seats import new_seat
from napari_lesion.worklist.store import Worklist


def test_what_arrived_is_on_the_list_the_most_urgent_first(tmp_path: Path) -> None:
    failed = {"1.2.77": "The slices are of two patients."}
    place = results(tmp_path / "out", small(1), large(2), result(3), failed=failed, source="/archive/a")
    worklist = worklist_of(tmp_path, place)
    listed = worklist.waiting()
    assert numbers(listed) == ["P2", "P99", "P1", "P3"]
    assert listed[1].found.reason == "The slices are of two patients."
    assert listed[0].series[0].folder == place / "1.2.2.1"
    assert listed[0].series[0].source == Path("/archive/a")


def test_series_of_a_study_are_one_and_studies_of_two_patients_never(tmp_path: Path) -> None:
    second = {"series_uid": "1.2.1.2"}
    stranger = {"series_uid": "1.2.1.3", "patient_id": "P7"}
    place = results(tmp_path / "out", small(1), large(1, **second), small(1, **stranger))
    worklist = worklist_of(tmp_path, place)
    one, other = worklist.waiting()
    assert [series.identity.series_uid for series in one.series] == ["1.2.1.2", "1.2.1.1"]
    assert [series.identity.patient_id for series in other.series] == ["P7"]
    with pytest.raises(OptionError, match="of several patients"):
        worklist.study("1.2.1")
    assert worklist.study(other.id) == other


def test_waiting_raises_what_came_early_above_what_is_urgent(tmp_path: Path) -> None:
    clock = Clock()
    place = results(tmp_path / "out", small(1, at=DAWN - 73 * HOUR), large(2), small(3))
    assert numbers(worklist_of(tmp_path, place, clock=clock).waiting()) == ["P1", "P2", "P3"]


def test_nobody_gets_what_another_has_open(tmp_path: Path) -> None:
    worklist = worklist_of(tmp_path, results(tmp_path / "out", small(1), large(2), small(3)))
    assert worklist.next("Ada").identity.patient_id == "P2"
    second = worklist.next("Bo")
    assert second.identity.patient_id in {"P1", "P3"}
    with pytest.raises(WorklistError, match="Ada has this study open"):
        worklist.claim("1.2.2", "Bo")
    with pytest.raises(WorklistError, match="cannot mark"):
        worklist.done("1.2.2", "Bo", "by hand")
    assert worklist.claim("1.2.2", "Ada").holder == "Ada"
    assert not worklist.release(worklist.study("1.2.2").id, "Bo")
    assert worklist.release(worklist.study("1.2.2").id, "Ada")
    assert worklist.claim("1.2.2", "Bo").holder == "Bo"


def test_a_claim_ends_without_a_sign_of_life_and_lives_on_with_one(tmp_path: Path) -> None:
    clock = Clock()
    worklist = worklist_of(tmp_path, results(tmp_path / "out", small(1)), clock=clock)
    study = worklist.next("Ada").id
    for _ in range(5):
        clock.now += 14 * 60
        assert worklist.keep(study, "Ada")
        assert worklist.next("Bo") is None
    clock.now += 16 * 60
    assert worklist.next("Bo").id == study
    assert not worklist.keep(study, "Ada"), "who lost it is told so"
    with pytest.raises(WorklistError):
        worklist.done(study, "Ada", "by hand")


GONE = """
import sys
from pathlib import Path
from napari_lesion.worklist.seats import new_seat
from napari_lesion.worklist.store import Worklist
print(Worklist(Path(sys.argv[1])).next("Ada", new_seat()).id)
"""


def test_two_viewers_of_one_name_do_not_have_one_study(tmp_path: Path) -> None:
    worklist = worklist_of(tmp_path, results(tmp_path / "out", small(1), small(2)))
    here, there = new_seat(), new_seat()
    study = worklist.claim("1.2.1", "Ada", here).id
    with pytest.raises(WorklistError, match="Ada has this study open in another window or program"):
        worklist.claim(study, "Ada", there)
    with pytest.raises(WorklistError, match="another window"):
        worklist.done(study, "Ada", "pdf", there)
    assert not worklist.release(study, "Ada", there)
    assert not worklist.keep(study, "Ada", there)
    assert worklist.next("Ada", there).identity.patient_id == "P2"
    assert worklist.keep(study, "Ada", here)
    assert worklist.claim(study, "Ada", here).holder == "Ada"
    assert worklist.release(study, "Ada"), "who says it by name means it, wherever the study is open"
    assert worklist.claim(study, "Ada", there).holder == "Ada"
    worklist.done(study, "Ada", "pdf", there)
    assert worklist.study(study).is_read


def test_what_was_open_in_a_viewer_that_crashed_is_its_readers_again_and_nobody_elses(tmp_path: Path) -> None:
    path = worklist_of(tmp_path, results(tmp_path / "out", small(1))).path
    gone = subprocess.run([sys.executable, "-c", GONE, path], capture_output=True, text=True, check=True)
    worklist = Worklist(path)
    study = gone.stdout.strip()
    with pytest.raises(WorklistError, match="Ada has this study open"):
        worklist.claim(study, "Bo", new_seat())
    here = new_seat()
    assert worklist.claim(study, "Ada", here).holder == "Ada"
    assert worklist.keep(study, "Ada", here)


def test_a_list_of_the_version_before_opens_with_what_it_holds(tmp_path: Path) -> None:
    worklist = worklist_of(tmp_path, results(tmp_path / "out", small(1)))
    study = worklist.next("Ada").id
    worklist.close()
    with sqlite3.connect(worklist.path) as database:
        database.execute("ALTER TABLE studies DROP COLUMN seat")
        database.execute("PRAGMA user_version = 1")
    again = Worklist(worklist.path, clock=Clock())
    assert again.study(study).holder == "Ada"
    assert again.claim(study, "Ada", new_seat()).holder == "Ada"


READER = """
import sys
from pathlib import Path
from napari_lesion.worklist.store import Worklist
worklist = Worklist(Path(sys.argv[1]))
while (one := worklist.next(sys.argv[2])) is not None:
    print(one.identity.patient_id, flush=True)
"""


def test_readers_in_several_processes_get_each_study_once(tmp_path: Path) -> None:
    place = results(tmp_path / "out", *(small(number) for number in range(20)))
    path = worklist_of(tmp_path, place).path
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, path, f"reader {number}"], stdout=subprocess.PIPE, text=True)
        for number in range(3)
    ]
    got = Counter(name for reader in readers for name in reader.communicate()[0].split())
    assert [reader.returncode for reader in readers] == [0] * 3
    assert got == Counter(f"P{number}" for number in range(20))


def test_what_was_read_is_off_the_list_until_something_else_is_found(tmp_path: Path) -> None:
    clock = Clock()
    place = results(tmp_path / "out", small(1), small(2))
    worklist = worklist_of(tmp_path, place, clock=clock)
    study = worklist.claim("1.2.1", "Ada").id
    worklist.done(study, "Ada", "pdf")
    assert numbers(worklist.waiting()) == ["P2"]
    assert [(one.read_by, one.terms) for one in worklist.read()] == [("Ada", ())]

    results(place, small(1, at=DAWN + HOUR))  # analysed again: the same is found
    worklist.refresh()
    assert numbers(worklist.waiting()) == ["P2"]

    clock.now += 5 * HOUR
    results(place, large(1, at=DAWN + 2 * HOUR))
    worklist.refresh()
    assert numbers(worklist.waiting()) == ["P1", "P2"]
    assert worklist.study(study).arrived == clock.now
    events = [(one.what, one.who, one.detail) for one in worklist.history(study)]
    assert events == [("arrived", "", ""), ("claimed", "Ada", ""), ("read", "Ada", "pdf"), ("changed", "", "")]


def test_what_came_while_it_was_open_is_not_taken_as_read(tmp_path: Path) -> None:
    place = results(tmp_path / "out", small(1))
    worklist = worklist_of(tmp_path, place)
    study = worklist.claim("1.2.1", "Ada").id
    results(place, large(1))
    worklist.refresh()
    worklist.done(study, "Ada", "pdf")
    assert numbers(worklist.waiting()) == ["P1"]


def test_the_list_is_the_same_after_a_restart_and_in_another_process(tmp_path: Path) -> None:
    clock = Clock()
    worklist = worklist_of(tmp_path, results(tmp_path / "out", small(1), large(2)), clock=clock)
    worklist.set_priority(worklist.study("1.2.1").id, "STAT", "Ada")
    worklist.next("Ada")
    before = worklist.waiting()
    worklist.close()
    assert Worklist(worklist.path, clock=clock).waiting() == before
    assert numbers(before) == ["P1", "P2"]
    assert [one.holder for one in before] == ["Ada", ""]
    assert worklist.path.stat().st_mode & 0o077 == 0, "it names patients"


def test_a_folder_that_is_gone_takes_nothing_off_the_list(tmp_path: Path) -> None:
    place = results(tmp_path / "out", small(1))
    worklist = worklist_of(tmp_path, place)
    place.rename(tmp_path / "away")
    assert "what is known of it is kept" in worklist.refresh()[0]
    assert numbers(worklist.waiting()) == ["P1"]
    with pytest.raises(InputFileError, match="no such folder"):
        worklist.add(tmp_path / "nowhere")
    assert worklist.remove(place)
    assert worklist.waiting() == []


def test_results_that_cannot_be_read_are_on_the_list_with_the_reason(tmp_path: Path) -> None:
    place = results(tmp_path / "out", small(1))
    (place / "1.2.1.1" / "findings.json").write_text("{")
    (one,) = worklist_of(tmp_path, place).waiting()
    assert "not JSON" in one.found.reason
    assert [term.kind for term in one.terms if term.kind != "waiting"] == ["not_searched"]


def test_a_series_that_failed_is_one_of_its_study_as_the_ledger_of_the_run_says(tmp_path: Path) -> None:
    place = results(tmp_path / "out", small(1))
    ledger = Ledger(place)
    for number, (state, patient) in enumerate((("quarantined", "P1"), ("failed", "P8"), ("queued", "P9"))):
        outcome = SeriesOutcome(f"1.2.1.{7 + number}", "failed", reason="It crashed.", patient_id=patient)
        ended = None if state == "queued" else outcome
        ledger.settle(
            LedgerEntry(f"key{number}", "1.2.1", outcome.series_uid, state, reason="It crashed.", outcome=ended)
        )
    ledger.close()
    worklist = worklist_of(tmp_path, place)
    listed = {one.identity.patient_id: one for one in worklist.waiting()}
    assert set(listed) == {"P1", "P8"}, "what the run has not come to is not there yet"
    assert {series.identity.series_uid for series in listed["P1"].series} == {"1.2.1.1", "1.2.1.7"}
    assert (listed["P1"].found.unsearched, listed["P1"].found.series) == (1, 2)
    assert listed["P8"].found.reason == "It crashed."


def test_the_same_series_in_two_folders_is_one(tmp_path: Path) -> None:
    old = results(tmp_path / "old", small(1))
    new = results(tmp_path / "new", large(1, at=DAWN + HOUR))
    (one,) = worklist_of(tmp_path, old, new).waiting()
    assert [series.folder for series in one.series] == [new / "1.2.1.1"]


def test_what_a_listener_received_is_on_the_list_also_before_it_is_analysed(tmp_path: Path) -> None:
    folder = tmp_path / "listener"
    folder.mkdir()
    queue = Queue(folder)
    for study in ("1.2.1", "1.2.2", "1.2.3"):
        queue.add_job(study, "chest", "d1", ["a.dcm"])
    jobs = queue.jobs()
    results(folder / "jobs" / f"{jobs[0].id:06d}" / "results", large(1, at=DAWN))
    queue.begin_job()
    queue.end_job(jobs[0].id, "", [])
    queue.begin_job()
    queue.fail_job(jobs[1].id, "It ended with status -9.", None)
    worklist = worklist_of(tmp_path, folder)
    listed = {one.identity.study_uid: one for one in worklist.waiting()}
    assert set(listed) == {"1.2.1", "1.2.2", "1.2.3"}
    assert listed["1.2.1"].arrived == jobs[0].created
    assert listed["1.2.1"].series[0].source == folder / "inbox" / "1.2.1"
    assert listed["1.2.2"].found.reason == "It ended with status -9."
    assert listed["1.2.3"].found.reason == "Its analysis has not ended yet."

    late = queue.add_job("1.2.1", "chest", "d2", ["a.dcm", "b.dcm"])
    worklist.refresh()
    assert worklist.study("1.2.1").found.unsearched == 1, "late slices that nobody has searched"
    results(folder / "jobs" / f"{late.id:06d}" / "results", small(1, at=DAWN))
    queue.begin_job()
    queue.end_job(late.id, "", [])
    worklist.refresh()
    (series,) = worklist.study("1.2.1").series
    assert (series.folder.parts[-3], series.found.lung_rads) == (f"{late.id:06d}", "2")
    queue.close()


def test_a_list_of_another_version_or_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "worklist.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(InputFileError, match="this is not the worklist"):
        Worklist(tmp_path / "worklist.sqlite")
    worklist = worklist_of(tmp_path)
    worklist._db.do("PRAGMA user_version = 7")
    worklist.close()
    with pytest.raises(InputFileError, match="another version"):
        Worklist(worklist.path)


def test_a_finding_that_is_judged_changes_nothing_of_whose_study_it_is(tmp_path: Path) -> None:
    place = results(tmp_path / "out", result(1, nodule(8.0, status="candidate"), category="4A"))
    worklist = worklist_of(tmp_path, place)
    study = worklist.study("1.2.1").id
    results(place, result(1, nodule(8.0, status="rejected")))
    worklist.refresh()
    (one,) = worklist.waiting()
    assert (one.id, one.found.lung_rads) == (study, "")

"""The ledger of a folder of results: what a run finds there, whatever the last one left."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from napari_lesion.report.ledger import FILE_NAME, Ledger, LedgerEntry, ledgers_in, read_ledgers
from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.support.errors import InputFileError


def entry(number, state="queued", **values):
    return LedgerEntry(
        f"key-{number}", "1.2", f"1.2.{number}", state, position=number, settings_sha256="settings", **values
    )


def outcome(number, status="done", **values):
    return SeriesOutcome(f"1.2.{number}", status, **values)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path)
    yield ledger
    ledger.close()


def test_what_was_under_way_when_a_run_ended_is_queued_with_what_it_has_been_through(ledger, tmp_path):
    ledger.queue(map(entry, (1, 2)))
    ledger.lease("key-1", "worker 1", limit_s=60)
    ledger.give_back("key-1", "It crashed.", struck=True)
    ledger.lease("key-1", "worker 1")
    ledger.close()
    again = Ledger(tmp_path)
    again.begin()
    again.queue(map(entry, (1, 2)))
    first, second = again.entries()
    assert (first.state, first.attempts, first.strikes, first.reason) == ("queued", 2, 1, "It crashed.")
    assert (second.state, second.attempts, second.strikes) == ("queued", 0, 0)
    again.close()


def test_what_is_settled_and_queued_again_begins_anew(ledger):
    ledger.queue([entry(1)])
    ledger.lease("key-1")
    ledger.give_back("key-1", "It hung.", struck=True)
    ledger.lease("key-1")
    ledger.settle(entry(1, "quarantined", outcome=outcome(1, "failed", reason="It hung."), reason="It hung."))
    assert ledger.entry("key-1").attempts == 2
    ledger.queue([entry(1)])
    assert (ledger.entry("key-1").attempts, ledger.entry("key-1").strikes) == (0, 0)


def test_an_outcome_comes_back_as_it_was(ledger):
    told = outcome(1, warnings=("a", "b"), best_score=0.123456789, findings=3, patient_id="Müller\udce4", images=7)
    ledger.settle(entry(1, "done", outcome=told, result_sha256="ab", reason="M\udcfcller"))
    assert ledger.entry("key-1").outcome == told
    assert ledger.entry("key-1").reason == "M\\xfcller"
    assert ledger.entry("key-1").result_sha256 == "ab"


def test_a_folder_of_results_has_one_row(ledger):
    ledger.settle(entry(1, "done", folder="1.2", outcome=outcome(1, folder="1.2")))
    ledger.settle(entry(2, "done", folder="1.2", outcome=outcome(2, folder="1.2")))
    assert [one.key for one in ledger.entries()] == ["key-2"]


def test_it_can_be_read_while_a_run_writes_and_the_newest_row_of_all_shards_counts(ledger, tmp_path):
    ledger.queue([entry(1), entry(2)])
    ledger.settle(entry(1, "done", outcome=outcome(1), ended=10.0))
    shard = Ledger(tmp_path, "ledger-2-of-2.sqlite")
    shard.settle(entry(2, "failed", outcome=outcome(2, "failed"), ended=20.0))
    assert {one.key: one.state for one in read_ledgers(tmp_path)} == {"key-1": "done", "key-2": "failed"}
    shard.close()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be one" * 100, None], ids=["other", "newer"])
def test_what_is_no_ledger_of_this_version_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / FILE_NAME
    if content is None:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        content = path.read_bytes()
    path.write_bytes(content)
    for use in (Ledger, read_ledgers):
        with pytest.raises(InputFileError, match="Move it away"):
            use(tmp_path)
    assert path.read_bytes() == content


def damage(path, how):
    if how == "pages":
        content = path.read_bytes()
        path.write_bytes(content[:4096] + b"\x5a" * (len(content) - 4096))
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute({"table": "DROP TABLE series", "row": "UPDATE series SET outcome = '{\"a'"}[how])


@pytest.mark.parametrize("how", ["pages", "table", "row"])
def test_a_damaged_ledger_is_said_to_be_one(ledger, tmp_path, how):
    ledger.settle(entry(1, "done", outcome=outcome(1)))
    ledger.close()
    damage(ledger.path, how)
    for use in (Ledger, read_ledgers):
        with pytest.raises(InputFileError, match=r"damaged .*Move it away"):
            use(tmp_path)


def test_what_shards_did_is_taken_over_with_its_pictures_and_their_ledgers_are_gone(ledger, tmp_path):
    shard = Ledger(tmp_path, "ledger-1-of-2.sqlite")
    shard.settle(entry(1, "done", outcome=outcome(1, patient_id="Kanarienvogel"), ended=10.0), b"a jpeg")
    shard.close()
    ledger.take_over()
    assert [one.state for one in ledger.entries()] == ["done"]
    assert ledger.thumbnails() == {"key-1": b"a jpeg"}
    assert ledgers_in(tmp_path) == (ledger.path,)

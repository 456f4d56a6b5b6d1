"""A comparison with a prior is part of the review: saved, undone, and back after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_scan import make_volume

from napari_lesion.model.compared import Alignment, Change, Comparison
from napari_lesion.review import edits
from napari_lesion.review.journal import STATE_VARIABLE, Journal, journal_path
from napari_lesion.review.review import Provenance, Review, redo, reported, undo, unsearched, with_comparison

BY = Provenance("A", "2026-01-01T00:00:00+00:00")


def comparison(uid: str, date: str, fate: str = "grown", id_: str = "") -> Comparison:
    change = Change(finding_id=id_, prior_finding_id="p", fate=fate, why="by 30 %")
    return Comparison(
        prior_series_uid=uid, prior_study_date=date, days=365, alignment=Alignment(accepted=True), changes=(change,)
    )


def test_a_comparison_is_undone_replaced_and_comes_back_from_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    volume = make_volume()
    alone = edits.add(Review(unsearched(volume)), (52.0, -20.0, -240.0), 10.0, BY, volume)
    (id_,) = (finding.id for finding in alone.findings)

    once = edits.compared(alone, comparison("1.1", "20200101", id_=id_), {id_: "2.25.7"}, BY)
    assert once.finding(id_).tracking_uid == "2.25.7"
    assert once.report.comparisons[0].of(id_).fate == "grown"
    assert reported(once, 0.5).comparisons == once.comparisons, "it is not in what is saved"
    assert edits.compared(once, once.comparisons[0], {id_: "2.25.7"}, BY) is once

    older = edits.compared(once, comparison("1.0", "20190101", id_=id_), {}, BY)
    again = edits.compared(older, comparison("1.1", "20200101", "stable", id_), {}, BY)
    assert [(one.prior_series_uid, one.changes[0].fate) for one in again.comparisons] == [
        ("1.1", "stable"),
        ("1.0", "grown"),
    ]
    back = undo(undo(undo(again)))
    assert back.comparisons == ()
    assert back.finding(id_).tracking_uid == alone.finding(id_).tracking_uid
    assert redo(back).report == once.report

    # Numbers that follow from a change of findings are no step of their own.
    edited = edits.resize(again, id_, 14.0, BY)
    followed = with_comparison(edited, comparison("1.1", "20200101", "grown", id_))
    assert [one.changes[0].fate for one in followed.comparisons] == ["grown", "grown"]
    assert undo(followed).finding(id_).diameter_mm == 10.0
    assert with_comparison(followed, comparison("1.9", "20180101")) is followed, "it was never compared with that"
    again = edits.compared(followed, comparison("1.1", "20200101", "shrunk", id_), {}, BY)
    assert again.comparisons[0].changes[0].fate == "shrunk"

    journal = Journal(journal_path(volume), volume.series)
    journal.begin(once, BY)
    journal.record(once, again, BY)
    journal.close()
    assert Journal(journal_path(volume), volume.series).recover().report == again.report

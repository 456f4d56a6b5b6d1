"""Drawings are drawn, moved, named and deleted as steps of the review, on the disk before the next one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_scan import UID, make_volume
from review_scan import READER, a_report, a_review

from napari_lesion.review import drawing, edits
from napari_lesion.review.carry_over import carried_over
from napari_lesion.review.journal import Journal
from napari_lesion.review.review import Review, redo, reported, undo, unsearched
from napari_lesion.support.errors import ConfigError, GeometryError

SCAN = make_volume()
NORMAL = (0.0, 0.0, 1.0)
HERE = SCAN.to_patient([20, 50, 40])


def ruler(review: Review, across_mm: float = 10.0) -> Review:
    return drawing.draw(review, "ruler", [HERE, HERE + np.array([across_mm, 0, 0])], NORMAL, READER, SCAN)


def test_a_drawing_is_measured_moved_and_deleted_and_each_step_is_taken_back() -> None:
    states = [a_review(SCAN)]
    states.append(ruler(states[-1]))
    (first,) = states[-1].drawings
    assert (first.name, first.values.length, first.reader) == ("M1", 10, READER.reader)
    assert (first.sop_instance_uid, first.on_image) == (f"{UID}.21", True)
    states.append(drawing.reshape(states[-1], first.id, [HERE, HERE + np.array([0, 7, 0])], READER, SCAN))
    assert states[-1].drawings[0].values.length == 7
    states.append(drawing.label(states[-1], first.id, " scar ", READER))
    assert states[-1].drawings[0].text == "scar"
    states.append(drawing.erase(states[-1], [first.id], READER))
    assert states[-1].drawings == ()
    assert all(one.findings == states[0].findings for one in states), "findings are left alone"
    back = states[-1]
    for state in reversed(states[:-1]):
        back = undo(back)
        assert back.drawings == state.drawings
    for state in states[1:]:
        back = redo(back)
        assert back.drawings == state.drawings


def test_a_number_of_a_drawing_is_never_given_twice() -> None:
    review = ruler(ruler(a_review(SCAN)))
    assert [one.name for one in review.drawings] == ["M1", "M2"]
    review = ruler(drawing.erase(review, [review.drawings[1].id], READER))
    assert [one.name for one in review.drawings] == ["M1", "M3"]
    review = ruler(undo(review))
    assert [one.name for one in review.drawings] == ["M1", "M4"]
    assert review.report.last_drawing == 4
    again = ruler(Review(drawing.erase(review, [one.id for one in review.drawings], READER).report))
    assert [one.name for one in again.drawings] == ["M5"]


def test_what_changes_nothing_or_cannot_be_leaves_the_review_as_it_is() -> None:
    review = ruler(a_review(SCAN))
    (one,) = review.drawings
    assert drawing.reshape(review, one.id, one.points_mm, READER, SCAN) is review
    assert drawing.label(review, one.id, "", READER) is review
    assert drawing.erase(review, [], READER) is review
    with pytest.raises(GeometryError, match="outside"):
        drawing.reshape(review, one.id, [HERE + np.array([900, 0, 0]), HERE + np.array([910, 0, 0])], READER, SCAN)
    with pytest.raises(ConfigError, match="no drawing"):
        drawing.erase(review, ["gone"], READER)


def test_drawings_are_in_the_journal_before_the_next_step(tmp_path: Path) -> None:
    journal, review = Journal(tmp_path / "journal.jsonl", SCAN.series), Review(unsearched(SCAN))
    journal.begin(review, READER)
    for step in (ruler, ruler, undo, redo, undo, ruler):
        new = step(review)
        journal.record(review, new, READER)
        review = new
        assert journal.recover() == review
    assert [one.name for one in review.drawings] == ["M1", "M3"]


def test_a_new_search_keeps_drawings_and_those_of_a_file_come_to_them(tmp_path: Path) -> None:
    old = drawing.erase(ruler(ruler(a_review(SCAN))), [], READER)
    theirs = ruler(Review(a_report(SCAN)), 33).report
    new = carried_over(old, theirs, READER)
    assert [(one.name, round(one.values.length)) for one in new.drawings] == [("M1", 10), ("M2", 10), ("M3", 33)]
    journal = Journal(tmp_path / "journal.jsonl", SCAN.series)
    journal.begin(new, READER)
    assert journal.recover() == new
    assert carried_over(new, new.report, READER).drawings == new.drawings


def test_the_report_that_is_saved_has_the_drawings() -> None:
    review = edits.accept(ruler(a_review(SCAN)), [a_review(SCAN).findings[0].id], READER)
    report = reported(review, 0.5)
    assert [one.name for one in report.drawings] == ["M1"]
    assert np.allclose(report.drawings[0].points_mm[0], HERE)

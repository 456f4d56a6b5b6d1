"""A reader's changes: what each does, and that undo, redo and the journal lead exactly back and forth."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_scan import make_volume
from hypothesis import given, settings
from hypothesis import strategies as st
from review_scan import READER, a_report, a_review

from napari_lesion.model.assessed import Appearance, Patient, SourcedValue
from napari_lesion.model.compared import Alignment, Comparison, Lesion
from napari_lesion.model.findings import Finding
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Axis, HounsfieldUnits, Measurement
from napari_lesion.review import edits
from napari_lesion.review.carry_over import carried_over
from napari_lesion.review.journal import Journal
from napari_lesion.review.review import (
    NO_MODEL,
    Provenance,
    Review,
    provenance,
    redo,
    reported,
    undo,
    unsearched,
    with_measurements,
)
from napari_lesion.support.errors import ConfigError

SCAN = make_volume()
START = a_review(SCAN)
IDS = [finding.id for finding in START.findings]


def test_each_judgement_is_in_the_history_with_time_and_reader() -> None:
    review = edits.accept(START, IDS[:2], READER)
    review = edits.reject(review, IDS[1:2], Provenance("Dr. Curie", "2026-11-24T12:05:00+00:00"))
    assert [f.status for f in review.findings] == ["accepted", "rejected", "candidate", "candidate"]
    assert [(e.time, e.reader, e.what) for e in review.finding(IDS[1]).history] == [
        ("2026-11-24T12:00:00.000+00:00", "Dr. Röntgen", "accepted"),
        ("2026-11-24T12:05:00+00:00", "Dr. Curie", "rejected"),
    ]
    assert edits.reject(review, IDS[1:2], READER) is review, "rejecting what is rejected changes nothing"
    assert edits.reopen(review, IDS[1:2], READER).finding(IDS[1]).status == "candidate"
    assert START.findings[0].status == "candidate", "a review is never changed in place"


def test_a_moved_and_resized_finding_takes_its_box_and_its_image_along() -> None:
    review = edits.move(START, IDS[0], (50.0, -22.0, -230.0), READER, SCAN)
    review = edits.resize(review, IDS[0], 12.0, READER)
    finding = review.finding(IDS[0])
    assert finding.center_mm == (50, -22, -230)
    assert finding.box_mm == ((44, -28, -236), (56, -16, -224))
    assert finding.sop_instance_uid == SCAN.nearest_instance((50, -22, -230)).sop_instance_uid
    assert finding.sop_instance_uid != START.findings[0].sop_instance_uid
    assert finding.status == "edited"
    assert [e.detail for e in finding.history] == ["by 10.4 mm from (52.0, -20.0, -240.0)", "from 20.0 to 12.0 mm"]
    assert edits.reopen(edits.accept(review, IDS[:1], READER), IDS[:1], READER).finding(IDS[0]).status == "edited"
    assert edits.move(review, IDS[0], finding.center_mm, READER, SCAN) is review
    with pytest.raises(ConfigError, match="more than 0"):
        edits.resize(review, IDS[0], 0.0, READER)


def test_merged_findings_are_one_that_reaches_as_far_as_all() -> None:
    review = edits.comment(START, IDS[2], "spiculated", READER)
    review = edits.merge(review, IDS[1:3], READER, SCAN)
    assert [f.id for f in review.findings] == [IDS[0], IDS[1], IDS[3]]
    merged = review.finding(IDS[1])
    assert merged.box_mm[0] == pytest.approx((-52, -2, -277))
    assert merged.diameter_mm == pytest.approx(14)
    assert merged.comment == "spiculated"
    assert [e.what for e in merged.history] == ["commented", "merged"]
    with pytest.raises(ConfigError, match="at least two"):
        edits.merge(review, IDS[:1], READER, SCAN)


def test_what_the_reader_added_can_be_deleted_and_what_the_model_found_is_rejected_instead() -> None:
    review = edits.add(START, (10, 20, -250), 7.5, READER, SCAN, "estimated")
    added = review.findings[0]
    assert (added.status, added.score, added.diameter_mm) == ("added", 1.0, 7.5)
    assert added.history[0].detail == "estimated"
    assert edits.reject(review, [added.id], READER).finding(added.id).status == "rejected"
    assert edits.accept(review, [added.id], READER) is review, "the reader put it there"
    review = edits.remove(review, [added.id, IDS[0]], READER)
    assert [f.id for f in review.findings] == IDS
    assert review.finding(IDS[0]).status == "rejected"
    assert len(review.report.active) == 3
    with pytest.raises(ConfigError, match="no finding"):
        edits.accept(review, [added.id], READER)


def test_the_saved_report_holds_what_was_judged_whatever_its_score() -> None:
    review = edits.accept(START, IDS[3:], READER)
    review = edits.reject(review, IDS[:1], READER)
    report = reported(review, 0.5, 2.0)
    assert [(f.id, f.status) for f in report.findings] == [
        (IDS[0], "rejected"),
        (IDS[1], "candidate"),
        (IDS[2], "candidate"),
        (IDS[3], "accepted"),
    ]
    assert (report.model.threshold, report.model.false_positives_per_scan) == (0.5, 2.0)
    assert [f.id for f in reported(review, 0.8).findings] == [IDS[0], IDS[3]]


def test_a_new_search_keeps_what_the_reader_did_before() -> None:
    first = edits.add(Review(unsearched(SCAN)), (10, 20, -250), 7.5, READER, SCAN)
    assert first.start.model == NO_MODEL
    review = carried_over(first, a_report(SCAN), READER)
    assert [f.status for f in review.findings] == ["added", *["candidate"] * 4]
    review = edits.reject(review, IDS[:1], READER)
    chosen = (Lesion(uid=review.findings[0].lesion_uid, organ="lung", role="target"),)
    review = edits.follow(review, chosen, READER)
    again = carried_over(review, a_report(SCAN), READER)
    assert again.findings == review.findings
    assert again.lesions == again.report.lesions == chosen
    assert undo(again).findings == again.start.findings
    assert undo(again).lesions == ()
    with pytest.raises(ConfigError, match=r"1\.2\.9"):
        carried_over(review, a_report(make_volume(series_uid="1.2.9")), READER)


def measured(finding: Finding, number: float = 100.0) -> Finding:
    """As the program does it, with a made up mask and made up numbers."""
    k, j, i = (round(value) for value in SCAN.to_index(finding.center_mm))
    axis = Axis(length_mm=number, start_mm=finding.center_mm, end_mm=finding.center_mm)
    numbers = Measurement(
        method="test",
        long_axis=axis,
        short_axis=axis,
        mean_diameter_mm=number,
        diameter_3d_mm=number,
        volume_mm3=number,
        hu=HounsfieldUnits(mean=0, sd=0, p05=0, median=0, p95=0),
        mass_mg=0,
    )
    mask = finding.mask or Mask.of(np.ones((2, 2, 2)), (k, j, i))
    return finding.model_copy(update={"mask": mask, "measurement": numbers})


def test_mask_and_numbers_end_with_what_they_were_of_and_come_back_with_it() -> None:
    review = with_measurements(START, [measured(f) for f in START.unmeasured])
    before = review.finding(IDS[0])
    assert before.measurement.volume_mm3 == 100
    assert not review.unmeasured
    assert not review.changes, "nobody has to undo what the program measured"

    moved = edits.move(review, IDS[0], (50, -22, -230), READER, SCAN)
    assert moved.unmeasured == (moved.finding(IDS[0]),)
    assert moved.finding(IDS[0]).mask is None
    late = with_measurements(moved, [measured(before, 7.0)])
    assert late is moved, "numbers of what it was are not those of what it is"
    moved = with_measurements(moved, [measured(moved.finding(IDS[0]), 50.0)])
    assert moved.finding(IDS[0]).measurement.volume_mm3 == 50
    resized = edits.resize(moved, IDS[0], 9.0, READER)
    assert resized.finding(IDS[0]).measurement is None
    undone = undo(undo(resized))
    assert undone.finding(IDS[0]) == before, "undo needs no new measurement"
    assert redo(undone).finding(IDS[0]).measurement.volume_mm3 == 50
    assert with_measurements(undone, []).undone, "measuring does not end what can be made again"

    merged = edits.merge(review, IDS[::3], READER, SCAN)
    assert merged.finding(IDS[0]).mask is None


def test_an_outline_that_a_reader_draws_is_the_finding_and_can_be_undone_with_its_numbers() -> None:
    review = with_measurements(START, [measured(f) for f in START.unmeasured])
    drawn = Mask.of(np.ones((3, 4, 5)), (20, 30, 40))
    outlined = edits.outline(review, IDS[0], drawn, READER, SCAN)
    finding = outlined.finding(IDS[0])
    assert (finding.mask, finding.measurement, finding.status) == (drawn, None, "edited")
    assert finding.center_mm == pytest.approx(SCAN.to_patient((21.0, 31.5, 42.0)).tolist())
    size = np.subtract(finding.box_mm[1], finding.box_mm[0])
    assert size == pytest.approx(np.multiply((5, 4, 3), SCAN.spacing[::-1]))
    assert finding.history[-1].detail == "60 voxels"
    assert edits.outline(outlined, IDS[0], drawn, READER, SCAN) is outlined

    outlined = with_measurements(outlined, [measured(finding, 60.0)])
    assert undo(outlined).finding(IDS[0]).measurement.volume_mm3 == 100
    assert redo(undo(outlined)).finding(IDS[0]).measurement.volume_mm3 == 60
    again = edits.measure_again(outlined, IDS[0], READER)
    assert again.unmeasured[0].mask is None
    assert edits.outline(outlined, IDS[0], None, READER, SCAN).finding(IDS[0]) == again.finding(IDS[0])


def test_patient_and_comparisons_are_changes_like_others_and_a_new_search_keeps_the_patient() -> None:
    patient = Patient(age_years=SourcedValue(value=61, source="entered", detail="typed by A"))
    review = edits.describe(START, patient, READER)
    assert edits.describe(review, patient, READER) is review
    prior = Comparison(
        prior_series_uid="1.2.7", prior_study_date="20250101", days=300, alignment=Alignment(accepted=True)
    )
    review = edits.compared(review, prior, {IDS[0]: "2.25.9"}, READER)
    assert (review.report.patient, review.report.comparisons) == (patient, (prior,))
    assert review.finding(IDS[0]).tracking_uid == "2.25.9"
    assert reported(review, 0.5).patient == patient
    back = undo(undo(review))
    assert (back.patient, back.comparisons, back.findings) == (START.patient, (), START.findings)
    assert redo(back).patient == patient
    again = carried_over(review, a_report(SCAN), READER)
    assert again.patient == patient
    assert again.comparisons == (), "those were of the findings of another search"
    looks = Appearance(spiculated=SourcedValue(value=True, source="entered"))
    described = edits.appear(START, IDS[3], looks, READER)
    assert [f.id for f in reported(described, 0.5).findings][-1] == IDS[3], "a reader has seen it"
    assert described.finding(IDS[3]).history[0].detail == "spiculated: yes"
    assert edits.appear(described, IDS[3], looks, READER) is described
    assert edits.add(START, (1, 2, -250), 5, READER, SCAN).findings[0].tracking_uid.startswith("2.25.")


Step = Callable[[Review], Review]


def steps_of(picks: st.DrawFn) -> Step:
    """A step that a reader might make, right or wrong."""

    def ids(review: Review, rows: list[int]) -> list[str]:
        return [review.findings[row % len(review.findings)].id for row in rows] if review.findings else ["gone"]

    rows = picks(st.lists(st.integers(0, 9), min_size=1, max_size=3))
    number = picks(st.floats(-20, 20))
    name = picks(
        st.sampled_from(
            [
                *("accept", "reject", "reopen", "move", "resize", "merge", "add", "remove", "comment", "undo", "redo"),
                *("outline", "again", "measured", "patient"),
            ]
        )
    )
    by = provenance(picks(st.sampled_from(["A", "B"])))
    place = (10 + number, -20 - number, -250 + number / 2)
    return {
        "accept": lambda r: edits.accept(r, ids(r, rows), by),
        "reject": lambda r: edits.reject(r, ids(r, rows), by),
        "reopen": lambda r: edits.reopen(r, ids(r, rows), by),
        "move": lambda r: edits.move(r, ids(r, rows)[0], place, by, SCAN),
        "resize": lambda r: edits.resize(r, ids(r, rows)[0], number, by),
        "merge": lambda r: edits.merge(r, ids(r, rows), by, SCAN),
        "add": lambda r: edits.add(r, place, abs(number), by, SCAN),
        "remove": lambda r: edits.remove(r, ids(r, rows), by),
        "comment": lambda r: edits.comment(r, ids(r, rows)[0], str(number), by),
        "outline": lambda r: edits.outline(r, ids(r, rows)[0], Mask.of(np.ones((len(rows), 2, 2))), by, SCAN),
        "again": lambda r: edits.measure_again(r, ids(r, rows)[0], by),
        "measured": lambda r: with_measurements(r, [measured(f, number) for f in r.unmeasured[: len(rows)]]),
        "patient": lambda r: edits.describe(r, Patient(age_years=SourcedValue(value=number, source="entered")), by),
        "undo": undo,
        "redo": redo,
    }[name]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_undoing_everything_is_the_start_redoing_everything_the_end_and_the_journal_says_the_same(data) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.jsonl", SCAN.series)
        journal.begin(START, READER)
        review = START
        for _ in range(data.draw(st.integers(0, 25))):
            try:
                new = steps_of(data.draw)(review)
            except ConfigError:
                continue
            journal.record(review, new, READER)
            review = new
        assert journal.recover() == review
        journal.close()
    end = review
    while end.undone:
        end = redo(end)
    start = end
    while start.changes:
        start = undo(start)
    assert replace(start, measured=()).findings == START.findings
    assert start.patient == START.patient
    again = start
    while again.undone:
        again = redo(again)
    assert again == end
    assert again.findings == end.findings

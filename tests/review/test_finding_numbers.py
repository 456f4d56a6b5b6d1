"""A finding is called F1, F2, … once and for ever; it has one size; two that are apart do not become one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import dicom_factory as factory
import pytest
from fake_scan import FakeDetector, make_volume
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian
from review_scan import CANDIDATES, READER, a_report, a_review

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.findings import Candidate, image_name
from napari_lesion.pipeline import analyse, search, with_all_candidates
from napari_lesion.report.json import load_report, report_from, save_report
from napari_lesion.review import edits
from napari_lesion.review.carry_over import carried_over
from napari_lesion.review.journal import Journal
from napari_lesion.review.review import Provenance, Review, redo, reported, undo, unsearched
from napari_lesion.support.errors import ConfigError

SCAN = make_volume(nodules=tuple((one.center_mm, one.diameter_mm) for one in CANDIDATES))
START = a_review(SCAN)
IDS = [finding.id for finding in START.findings]
FREE = ((50.0, -40.0, -255.0), (40.0, -10.0, -280.0), (-50.0, -30.0, -230.0))


def names(review: Review) -> dict[str, str]:
    return {finding.id: finding.name for finding in review.findings}


def test_findings_are_numbered_by_score_and_the_threshold_changes_no_number() -> None:
    few = analyse(SCAN, detector=FakeDetector(CANDIDATES), threshold=0.5, measure=False)
    assert [finding.name for finding in few.report.findings] == ["F1", "F2", "F3"]
    everything = with_all_candidates(few)
    assert [finding.name for finding in everything.findings] == ["F1", "F2", "F3", "F4"]
    assert everything.findings[:3] == few.report.findings


def test_a_reader_s_finding_is_not_numbered_after_hundreds_that_no_threshold_shows() -> None:
    scores = (0.9, 0.6, 0.3, 0.1, 0.05)
    many = tuple(replace(one, score=s) for one, s in zip((*CANDIDATES, CANDIDATES[0]), scores, strict=False))
    points = ((0.5, 0.6), (8.0, 0.2))
    everything = search(SCAN, detector=FakeDetector(many, operating_points=points)).report
    assert [finding.score for finding in everything.findings] == [0.9, 0.6, 0.3]
    lower = search(SCAN, detector=FakeDetector(many, operating_points=points), threshold=0.08).report
    assert len(lower.findings) == 4, "what was asked for is there"
    assert len(search(SCAN, detector=FakeDetector(many)).report.findings) == len(many)


def test_a_number_is_never_used_twice_even_after_undo() -> None:
    review = edits.add(START, FREE[0], 5.0, READER, SCAN)
    assert review.finding(review.changes[-1].after[0].id).name == "F5"
    other = edits.add(undo(review), FREE[1], 5.0, READER, SCAN)
    assert other.changes[-1].after[0].name == "F6", "F5 was on the screen, and may stand in somebody's notes"
    merged = edits.merge(other, IDS[1:3], READER, SCAN)
    assert set(names(merged).values()) == {"F1", "F2", "F4", "F6"}
    later = edits.add(edits.remove(merged, [other.changes[-1].after[0].id], READER), FREE[2], 5.0, READER, SCAN)
    assert "F7" in names(later).values()
    assert "F3" not in names(later).values()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["add", "reject", "merge", "remove", "undo", "redo"]), max_size=14))
def test_whatever_a_reader_does_a_name_stands_for_one_finding(tmp_path_factory, what: list[str]) -> None:
    path = tmp_path_factory.mktemp("journal") / "one.jsonl"
    journal, review = Journal(path, SCAN.series), START
    journal.begin(review, READER)
    owner = {finding.name: finding.id for finding in review.findings}
    for n, one in enumerate(what):
        by = Provenance("R", f"2026-11-24T12:00:{n:02}.000+00:00")  # two changes are never made at one moment
        ids = [finding.id for finding in review.findings]
        pick = ids[n % len(ids)] if ids else ""
        steps = {
            "add": lambda r, by=by: edits.add(r, FREE[len(r.changes) % 3], 4.0, by, SCAN),
            "reject": lambda r, by=by, pick=pick: edits.reject(r, [pick], by),
            "merge": lambda r, by=by, ids=ids: edits.merge(r, ids[:2], by, SCAN, insist=True),
            "remove": lambda r, by=by, pick=pick: edits.remove(r, [pick], by),
            "undo": undo,
            "redo": redo,
        }
        if len(ids) < {"add": 0, "undo": 0, "redo": 0, "merge": 2}.get(one, 1):
            continue
        new = steps[one](review)
        journal.record(review, new, by)
        review = new
        for finding in review.findings:
            assert owner.setdefault(finding.name, finding.id) == finding.id
    assert len(set(names(review).values())) == len(review.findings)
    assert journal.recover() == review
    journal.close()


def test_exported_and_opened_again_it_has_the_same_names_and_the_next_one_a_new_number(tmp_path: Path) -> None:
    review = undo(edits.add(edits.reject(START, IDS[:1], READER), FREE[0], 5.0, READER, SCAN))
    save_report(reported(review, 0.5), tmp_path / "findings.json")
    again = Review(load_report(tmp_path / "findings.json"))
    assert names(again) == {id_: name for id_, name in names(review).items() if name != "F4"}
    assert edits.add(again, FREE[1], 5.0, READER, SCAN).changes[-1].after[0].name == "F6", "F4 and F5 are taken"


def test_searched_again_findings_keep_their_names_those_of_another_model_by_their_place() -> None:
    old = edits.add(edits.accept(START, IDS[:1], READER), FREE[0], 5.0, READER, SCAN)
    same = carried_over(old, a_report(SCAN), READER)
    assert names(same) == names(old)

    x, y, z = CANDIDATES[1].center_mm
    found = (Candidate((60.0, -30.0, -235.0), 7.0, 0.95), Candidate((x + 1, y, z), 12.0, 0.7), CANDIDATES[3])
    other = analyse(SCAN, detector=FakeDetector(found, sha256="cd" * 32), threshold=0.0, measure=False).report
    new = carried_over(old, other, READER)
    by_place = {finding.center_mm: finding.name for finding in new.findings}
    assert by_place[(x + 1, y, z)] == "F2", "the same place"
    assert by_place[CANDIDATES[3].center_mm] == "F4"
    assert by_place[CANDIDATES[0].center_mm] == "F1", "what the reader accepted"
    assert by_place[(60.0, -30.0, -235.0)] == "F6", "F5 is the reader's own"


def test_files_and_journals_of_earlier_versions_get_numbers_in_their_order(tmp_path: Path) -> None:
    content = json.loads(a_report(SCAN).model_dump_json())
    for finding in content["findings"]:
        del finding["number"], finding["instance_number"]
    del content["last_number"]
    content["schema_version"] = "1.3"
    old = report_from(content, "old")
    assert [finding.name for finding in old.findings] == ["F1", "F2", "F3", "F4"]

    journal = Journal(tmp_path / "old.jsonl", SCAN.series)
    review = START
    journal.begin(review, READER)
    for step in (
        lambda r: edits.add(r, FREE[0], 5.0, READER, SCAN),
        lambda r: edits.accept(r, IDS[:1], READER),
        undo,
        undo,
        redo,
        lambda r: edits.add(r, FREE[1], 5.0, READER, SCAN),
    ):
        new = step(review)
        journal.record(review, new, READER)
        review = new
    lines = [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines()]
    lines[0]["journal"] = 2
    journal.path.write_text("".join(json.dumps(_without_numbers(line)) + "\n" for line in lines), encoding="utf-8")
    recovered = journal.recover()
    journal.close()
    assert recovered is not None
    assert names(recovered) == names(review)


def _without_numbers(value):
    """What an earlier version would have written."""
    if isinstance(value, dict):
        gone = ("number", "instance_number", "last_number", "seal")
        return {key: _without_numbers(one) for key, one in value.items() if key not in gone}
    return [_without_numbers(one) for one in value] if isinstance(value, list) else value


def test_the_measured_diameter_is_the_only_one_once_there_is_one() -> None:
    result = analyse(SCAN, detector=FakeDetector(CANDIDATES), threshold=0.0)
    measured = [finding for finding in result.report.findings if finding.measurement is not None]
    assert measured
    for finding in measured:
        assert finding.size_mm == finding.measurement.mean_diameter_mm
        assert finding.size == f"{finding.measurement.mean_diameter_mm:.1f}"
    estimate = START.findings[0]
    assert estimate.is_estimated
    assert estimate.size == "about 20"
    assert edits.resize(START, IDS[0], 5.96, READER).finding(IDS[0]).size == "6.0", "a reader's own number is no guess"


def test_findings_that_are_apart_or_in_different_lungs_are_merged_only_if_one_insists() -> None:
    with pytest.raises(ConfigError, match=r"F1, F2 are \d+ mm apart from edge to edge"):
        edits.merge(START, IDS[:2], READER, SCAN)
    assert len(edits.merge(START, IDS[:2], READER, SCAN, insist=True).findings) == 3
    edits.merge(START, IDS[1:3], READER, SCAN)

    left, right = analyse(SCAN, detector=FakeDetector(CANDIDATES), threshold=0.0).report.findings[:2]
    assert {one.measurement.side for one in (left, right)} == {"left", "right"}
    assert "different lungs" in edits.apart([left, right])


def test_chains_of_findings_are_one_lesion_where_each_reaches_the_next() -> None:
    first = START.findings[0]
    x, y, z = first.center_mm
    row = [replace_at(first, (x + step, y, z)) for step in (0.0, 29.0, 58.0)]
    assert edits.apart(row) == ""
    assert edits.apart([row[0], row[2]])
    assert edits.apart([row[0], row[2], row[1]]) == "", "whatever their order"


def replace_at(finding, center_mm):
    return finding.model_copy(update={"center_mm": center_mm})


@pytest.mark.parametrize("place", [(-110.0, 70.0, -250.0), (0.0, 0.0, -320.0), (115.0, -80.0, -250.0)])
def test_a_mark_outside_of_the_body_is_refused_in_a_sentence(place) -> None:
    with pytest.raises(ConfigError, match="outside of the patient's body"):
        edits.add(START, place, 5.0, READER, SCAN)
    with pytest.raises(ConfigError, match="outside of the patient's body"):
        edits.move(START, IDS[0], place, READER, SCAN)


@pytest.mark.parametrize(
    "place", [(52.0, -20.0, -240.0), (0.0, -15.0, -250.0), (-46.0, 20.0, -299.0), (96.0, -15.0, -250.0)]
)
def test_lungs_tissue_ends_of_the_scan_and_the_skin_are_the_patient(place) -> None:
    assert edits.add(START, place, 5.0, READER, SCAN).findings


def test_a_lung_that_the_field_of_view_cuts_open_is_still_the_patient() -> None:
    narrow = replace(SCAN, voxels=SCAN.voxels[:, 10:70, 20:130], affine=_moved(SCAN.affine, 10, 20))
    inside = Review(unsearched(narrow))
    for x in (-80.0, -60.0, 52.0, 70.0):
        assert edits.add(inside, (x, -15.0, -250.0), 5.0, READER, narrow).findings


def _moved(affine, j, i):
    moved = affine.copy()
    moved[:3, 3] += affine[:3, 1] * j + affine[:3, 2] * i
    return moved


def test_an_image_is_named_as_the_scanner_numbered_it_not_as_the_file_lies(tmp_path: Path) -> None:
    slices = factory.ct_slices(factory.asymmetric_phantom(), "numbered")
    for n, ds in enumerate(slices):
        ds.InstanceNumber = 200 - n
        ds.SeriesNumber = 3
    factory.write(slices, tmp_path / "ct")
    [series] = find_series(tmp_path / "ct")
    volume = read_series(series)
    expected = {ds.SOPInstanceUID: int(ds.InstanceNumber) for ds in slices}
    assert {one.sop_instance_uid: one.number for one in volume.instances} == expected
    mark = factory.MARKS[0].center_mm
    added = edits.add(Review(unsearched(volume)), mark, 5.0, READER, volume).findings[0]
    assert added.instance_number == expected[added.sop_instance_uid]
    assert image_name(volume.series, added.instance_number, added.frame) == f"Se 3, Im {added.instance_number}"

    frames = factory.encode(factory.enhanced(factory.asymmetric_phantom(), "frames"), ExplicitVRLittleEndian)
    factory.write([frames], tmp_path / "multiframe")
    volume = read_series(find_series(tmp_path / "multiframe")[0])
    added = edits.add(Review(unsearched(volume)), mark, 5.0, READER, volume).findings[0]
    assert image_name(volume.series, added.instance_number, added.frame).endswith(f"frame {added.frame}")

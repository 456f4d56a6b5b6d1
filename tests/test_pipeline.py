from __future__ import annotations

import numpy as np
import pytest
from fake_scan import UID, FakeDetector, make_volume

from napari_lesion.model.findings import Candidate
from napari_lesion.pipeline import analyse
from napari_lesion.support.errors import Cancelled, ConfigError, LungsNotFoundError, SeriesError

LEFT = Candidate((52.0, -15.0, -250.0), 9.0, 0.9)
RIGHT = Candidate((-48.0, -30.0, -231.2), 6.0, 0.6)
WEAK = Candidate((-40.0, 0.0, -270.0), 5.0, 0.2)


def test_candidates_become_findings_at_their_place_sorted_by_score():
    report = analyse(make_volume(), detector=FakeDetector((RIGHT, WEAK, LEFT))).report

    assert [finding.score for finding in report.findings] == [0.9, 0.6]
    best = report.findings[0]
    assert best.center_mm == LEFT.center_mm
    assert best.diameter_mm == 9.0
    assert best.box_mm == ((47.5, -19.5, -254.5), (56.5, -10.5, -245.5))


def test_a_finding_names_the_nearest_image():
    volume = make_volume()
    report = analyse(volume, detector=FakeDetector((RIGHT,))).report
    # z = -231.2 mm lies 0.3 slices below the slice with k = 28 (z = -230 mm)
    assert report.findings[0].sop_instance_uid == volume.instances[28].sop_instance_uid


def test_ids_stay_when_the_threshold_changes_and_differ_between_findings():
    volume = make_volume()
    few = analyse(volume, detector=FakeDetector((LEFT, RIGHT, WEAK))).report.findings
    all_of_them = analyse(volume, detector=FakeDetector((LEFT, RIGHT, WEAK)), threshold=0).report.findings

    assert [f.id for f in all_of_them][:2] == [f.id for f in few]
    assert len({f.id for f in all_of_them}) == 3


def test_the_same_place_in_another_series_has_another_id():
    one = analyse(make_volume(), detector=FakeDetector((LEFT,))).report
    other = analyse(make_volume(series_uid=UID + "1"), detector=FakeDetector((LEFT,))).report
    assert one.findings[0].id != other.findings[0].id


def test_the_analysis_keeps_the_candidates_under_the_threshold():
    analysis = analyse(make_volume(), detector=FakeDetector((LEFT, WEAK)))
    assert analysis.candidates == (LEFT, WEAK)
    assert len(analysis.report.findings) == 1


def test_the_report_says_how_it_was_made():
    volume = make_volume(notes=("The table was 3 mm off.",))
    report = analyse(volume, detector=FakeDetector((LEFT,)), threshold=0.25).report

    assert report.series_uid == UID
    assert report.certificate == volume.certificate
    assert (report.model.id, report.model.version, report.model.threshold) == ("fake", "1.0", 0.25)
    assert report.warnings == ("The table was 3 mm off.", "The fake detector looked at nothing.")
    assert {"read", "detect", "network", "total"} <= set(report.timings_s)
    assert {"python", "napari-lesion", "numpy", "torch"} <= set(report.versions)


def test_progress_is_one_scale_that_only_grows():
    seen: list[tuple[int, int]] = []
    analyse(make_volume(), detector=FakeDetector(), progress=lambda done, total, what: seen.append((done, total)))

    assert len({total for _, total in seen}) == 1
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1]


def test_cancelling_stops_the_work():
    def cancel(done: int, total: int, what: str) -> None:
        if what == "searching":
            raise Cancelled

    with pytest.raises(Cancelled):
        analyse(make_volume(), detector=FakeDetector(), progress=cancel)


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (make_volume(modality="MR"), "not CT but MR"),
        (make_volume(modality=""), "unknown modality"),
        (make_volume(unit="stored values"), "not in HU"),
        (make_volume(shape=(1, 100, 150)), "a single image"),
    ],
)
def test_what_is_no_ct_volume_is_refused_before_anything_is_searched(volume, words):
    detector = FakeDetector()
    with pytest.raises(SeriesError, match=words):
        analyse(volume, detector=detector)
    assert not detector.calls


def test_a_model_that_says_so_searches_a_single_image():
    detector = FakeDetector((LEFT,), single_images=True)
    report = analyse(make_volume(shape=(1, 100, 150)), detector=detector).report
    assert len(report.findings) == 1


def test_a_model_for_mr_searches_mr_whose_values_have_no_unit_and_no_ct():
    detector = FakeDetector((LEFT,), modalities=("MR",))
    report = analyse(make_volume(modality="MR", unit=""), detector=detector).report
    assert [finding.center_mm for finding in report.findings] == [LEFT.center_mm]
    with pytest.raises(SeriesError, match="not MR but CT; this model searches in MR only"):
        analyse(make_volume(), detector=detector)


def test_no_lungs_in_view_is_said():
    with pytest.raises(LungsNotFoundError, match="no lungs"):
        analyse(make_volume(), detector=FakeDetector(error=LungsNotFoundError("no lungs")))


def test_the_report_says_how_many_false_positives_to_expect():
    detector = FakeDetector((LEFT, RIGHT, WEAK), operating_points=((0.5, 0.8), (2.0, 0.4), (8.0, 0.1)))
    model = analyse(make_volume(), detector=detector, false_positives=2.0).report.model
    assert (model.threshold, model.false_positives_per_scan) == (pytest.approx(0.4), pytest.approx(2.0))
    assert analyse(make_volume(), detector=detector).report.model.false_positives_per_scan == pytest.approx(
        1.4142, 1e-3
    )
    assert analyse(make_volume(), detector=detector, threshold=0).report.model.false_positives_per_scan is None
    assert analyse(make_volume(), detector=FakeDetector()).report.model.false_positives_per_scan is None


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.nan])
def test_a_threshold_outside_of_0_to_1_is_refused(threshold):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        analyse(make_volume(), detector=FakeDetector(), threshold=threshold)

"""A scan against its prior: the two sample series, whose nodules' courses are known, and what must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from followed_scan import a_finding, report_of, truth, visit

from napari_lesion.assessment.measure.measure import measure
from napari_lesion.comparison import register
from napari_lesion.comparison.compare import Compared, compare, tracked
from napari_lesion.comparison.match import changes
from napari_lesion.model.findings import Finding, Report
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import Cancelled


def measured(volume: Volume, finding: Finding) -> Finding:
    """Measure a ball of the true size; what segmenting adds to it is another test's."""
    radius = finding.diameter_mm / 2
    low = np.floor(volume.to_index(finding.center_mm) - radius / np.array(volume.spacing)).astype(int)
    high = np.ceil(volume.to_index(finding.center_mm) + radius / np.array(volume.spacing)).astype(int) + 1
    local = np.stack(np.indices(high - low), axis=-1) + low
    inside = np.linalg.norm(volume.to_patient(local) - finding.center_mm, axis=-1) <= radius
    mask = Mask.of(inside, (int(low[0]), int(low[1]), int(low[2])))
    number = measure(volume, mask, method="a ball", spread=0.03 * 4 / 3 * np.pi * radius**3)
    return finding.model_copy(update={"mask": mask, "measurement": number})


def report(name: str, without: tuple[str, ...] = ()) -> Report:
    volume = visit(name)
    found = {n: measured(volume, finding) for n, finding in truth(volume).items() if n not in without}
    return report_of(volume, tuple(found.values()))


@pytest.fixture(scope="module", autouse=True)
def _lungs_once() -> Iterator[None]:
    """Find the lungs of a scan once for all tests."""
    find, known = register._chest, {}

    def once(volume: Volume) -> object:
        if id(volume.voxels) not in known:
            known[id(volume.voxels)] = find(volume), volume  # the volume is kept, so that its id stays its own
        return known[id(volume.voxels)][0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(register, "_chest", once)
        yield


@pytest.fixture(scope="module")
def compared() -> Compared:
    return compare(report("followup"), visit("followup"), report("baseline"), visit("baseline"))


def test_the_nodules_of_the_samples_did_what_their_truth_says(compared: Compared) -> None:
    comparison = compared.comparison
    assert comparison.alignment.accepted, comparison.alignment.says
    assert comparison.days == 371
    fates = {(one.finding_id or one.prior_finding_id or "")[:2]: one.fate for one in comparison.changes}
    assert fates == {
        "N1": "grown", "N2": "new", "N3": "resolved", "N4": "stable", "N5": "stable", "N6": "stable", "N7": "stable",
    }  # fmt: skip
    grown = comparison.of("N1 20250318")
    assert grown is not None
    assert grown.prior_finding_id == "N1 20240312"
    assert grown.apart_mm is not None
    assert grown.apart_mm < 1.5
    # 9 to 14 mm in 371 days: 371 ln 2 / (3 ln (14 / 9)) = 194 days
    assert grown.doubling_days == pytest.approx(194, abs=25)
    assert grown.doubling_low_days is not None
    assert grown.doubling_high_days is not None
    assert grown.doubling_low_days < grown.doubling_days < grown.doubling_high_days
    assert all(one.why for one in comparison.changes)


def test_volumes_that_are_not_made_alike_are_said_to_be_so(compared: Compared) -> None:
    aligned = compared.aligned
    assert aligned is not None
    now, before = report("followup"), report("baseline")
    alike = changes(now, before, aligned)
    assert not any("slices are" in one.why or "outlined by a reader" in one.why for one in alike)
    drawn = tuple(
        one.model_copy(update={"measurement": one.measurement.model_copy(update={"method": "outlined by A. Reader"})})
        for one in now.findings
        if one.measurement is not None
    )
    pitch = np.diag([2.0, 1.0, 1.0, 1.0])
    thick = replace(visit("baseline"), voxels=visit("baseline").voxels[::2], affine=visit("baseline").affine @ pitch)
    listed = changes(now.model_copy(update={"findings": drawn}), before, replace(aligned, prior=thick))
    (stable,) = (one for one in listed if (one.finding_id or "").startswith("N4"))
    assert stable.fate == "stable"
    assert "2.5 mm apart now and were 5 mm" in stable.why
    assert "One was outlined by a reader" in stable.why


def test_places_go_to_the_prior_and_back(compared: Compared) -> None:
    now, before = truth(visit("followup")), truth(visit("baseline"))
    aligned = compared.aligned
    assert aligned is not None
    for name in now.keys() & before.keys():
        there = aligned.to_prior(now[name].center_mm)
        assert np.linalg.norm(there - before[name].center_mm) < 2.0, name
        assert np.linalg.norm(aligned.to_current(there) - now[name].center_mm) < 0.01, name


def test_the_prior_is_shown_on_the_grid_of_the_scan(compared: Compared) -> None:
    scan = visit("followup")
    aligned = compared.aligned
    assert aligned is not None
    shown = aligned.prior_on_current(visit("baseline"))
    assert shown.shape == scan.shape
    assert np.array_equal(shown.affine, scan.affine)
    assert shown.series.series_uid == visit("baseline").series.series_uid
    crop = (slice(40, 80), slice(150, 350), slice(100, 400))
    # Elsewhere than this, patient and noise differ by more than that.
    assert np.corrcoef(shown.voxels[crop].ravel(), scan.voxels[crop].ravel())[0, 1] > 0.97


def test_lesions_keep_their_uid_over_time(compared: Compared) -> None:
    now, before = report("followup"), report("baseline")
    uids = {finding.id[:2]: finding.tracking_uid for finding in tracked(now, compared.comparison, before).findings}
    earlier = {finding.id[:2]: finding.lesion_uid for finding in before.findings}
    assert all(uids[name] == earlier[name] for name in ("N1", "N4", "N5", "N6", "N7"))
    assert uids["N2"] not in earlier.values()
    assert len(set(uids.values())) == len(uids)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids.values())


def test_a_nodule_that_the_prior_shows_but_nobody_reported_is_not_new(compared: Compared) -> None:
    assert compared.aligned is not None
    for name in ("N1", "N4", "N6"):  # 9 mm in the prior and 14 now, 8 and 8, 17 and 17 part-solid
        listed = changes(report("followup"), report("baseline", without=(name,)), compared.aligned)
        change = next(one for one in listed if (one.finding_id or "").startswith(name))
        assert change.fate == "unclear", name
        assert "not reported in the prior" in change.why.lower()


def test_rejected_findings_do_not_count(compared: Compared) -> None:
    assert compared.aligned is not None
    now, before = report("followup"), report("baseline")
    no = tuple(
        one.model_copy(update={"status": "rejected"}) if one.id[:2] in ("N2", "N4") else one for one in now.findings
    )
    listed = changes(now.model_copy(update={"findings": no}), before, compared.aligned)
    named = {(one.finding_id or one.prior_finding_id or "")[:2] for one in listed}
    assert named == {"N1", "N3", "N5", "N6", "N7"}  # nor is N4 of the prior said to be gone


def test_a_place_that_is_out_of_view_is_neither_new_nor_resolved(compared: Compared) -> None:
    prior = visit("baseline")
    low = replace(prior, voxels=prior.voxels[:60])
    assert compared.aligned is not None
    part = replace(compared.aligned, prior=low)
    top = [a_finding("top", truth(visit("followup"))["N4"].center_mm, 8.0)]
    (change,) = changes(report_of(visit("followup"), top), report_of(low, ()), part)
    assert change.fate == "not in view"


def test_two_nodules_near_each_other_are_paired_as_a_whole(compared: Compared) -> None:
    aligned = compared.aligned
    assert aligned is not None
    x, y, z = truth(visit("followup"))["N4"].center_mm
    now = [a_finding("a", (x, y, z), 6.0), a_finding("b", (x + 5, y, z), 6.0)]
    # The prior's first one lies closer to b than to a; by the nearest alone, one of the two would be left over.
    places = aligned.to_prior([(x + 3, y, z), (x + 8, y, z)])
    before = [a_finding(n, tuple(map(float, p)), 6.0) for n, p in zip("AB", places, strict=True)]
    listed = changes(report_of(visit("followup"), now), report_of(visit("baseline"), before), aligned)
    assert [(one.finding_id, one.prior_finding_id) for one in listed] == [("a", "A"), ("b", "B")]
    assert {one.fate for one in listed} == {"unclear"}  # sizes by the detector are no measurements


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"patient_id": "OTHER"}, "two patients (patient ID PHANTOM-0000 and OTHER)"),
        ({"patient_birth_date": "19800101"}, "birth date"),
        ({"study_date": "20260101"}, "after this scan"),
        ({"series_uid": visit("followup").series.series_uid}, "same series"),
    ],
)
def test_headers_that_do_not_fit_are_refused_at_once(changed: dict[str, str], says: str) -> None:
    prior = visit("baseline")
    other = replace(prior, series=prior.series.model_copy(update=changed))
    now = report_of(visit("followup"), ())
    refused = compare(now, visit("followup"), report_of(other, ()), other)
    assert not refused.comparison.alignment.accepted
    assert says in refused.comparison.alignment.says
    assert refused.aligned is None
    assert refused.comparison.changes == ()


def test_a_mirrored_prior_is_refused() -> None:
    prior = visit("baseline")
    mirrored = replace(prior, voxels=np.ascontiguousarray(prior.voxels[:, :, ::-1]))
    now = report_of(visit("followup"), ())
    refused = compare(now, visit("followup"), report_of(prior, ()), mirrored)
    assert not refused.comparison.alignment.accepted
    assert "mirrored?" in refused.comparison.alignment.says


def test_it_can_be_cancelled_between_iterations() -> None:
    seen = []

    def stop(done: int, total: int, what: str) -> None:
        seen.append(what)
        if what == "aligning: turn and shift" and done > 20:
            raise Cancelled

    now = report_of(visit("followup"), ())
    with pytest.raises(Cancelled):
        compare(now, visit("followup"), report_of(visit("baseline"), ()), visit("baseline"), progress=stop)
    assert "aligning: breath" not in seen

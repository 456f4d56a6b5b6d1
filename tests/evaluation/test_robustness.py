"""Perturbed scans: the truth goes where the lesions go, and the table says what is lost."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from fake_scan import AXIAL, CORONAL, make_heatmap, make_volume
from scipy import ndimage
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.evaluation import remade_scans, robustness
from napari_lesion.evaluation.froc import Mark
from napari_lesion.evaluation.perturbations import UNCHANGED, default_perturbations
from napari_lesion.evaluation.robustness import measure
from napari_lesion.imaging.preprocess import canonical
from napari_lesion.imaging.suitability import noise_hu
from napari_lesion.model.findings import Candidate, Detection
from napari_lesion.model.volume import Volume
from napari_lesion.models.card import Card
from napari_lesion.support.errors import ConfigError, LungsNotFoundError

UID = "1.2.3.4"
#: In the left lung (two) and the right one, at heights that are not each other's mirror image.
NODULES = (((52.0, -30.0, -241.0), 20.0), ((-45.0, 5.0, -275.0), 14.0), ((48.0, 12.0, -219.0), 10.0))
TRUTH = [Mark(UID, center, diameter) for center, diameter in NODULES]


@dataclass
class BrightSpots:
    """Finds what is dense and not part of the body, as long as its slices are not too thick."""

    thickest_mm: float = 99.0
    seen: list[Volume] = field(default_factory=list)
    card: Card = field(
        default=Card(id="spots", version="1", task="test", licence="none", sha256="0" * 64, threshold=0.5)
    )

    def detect(self, volume, *, device="auto", progress=lambda *_: None) -> Detection:
        self.seen.append(volume)
        parts, count = ndimage.label(volume.voxels > -450)
        sizes = ndimage.sum_labels(np.ones(volume.shape), parts, range(1, count + 1))
        spots = [n + 1 for n in range(count) if n != np.argmax(sizes)] if volume.spacing[0] <= self.thickest_mm else []
        centers = ndimage.center_of_mass(parts > 0, parts, spots) if spots else []
        found = tuple(Candidate(tuple(map(float, volume.to_patient(c))), 8.0, 0.9) for c in centers)
        return Detection(make_heatmap(volume, ()), found, "cpu", {})


@pytest.fixture(scope="module")
def scan() -> Volume:
    return make_volume(nodules=NODULES, series_uid=UID)


def rows_of(scans, detector=None, truth=TRUTH, only=(), **options) -> dict:
    ways = {name: default_perturbations()[name] for name in only or default_perturbations()}
    table = measure(scans, truth, detector or BrightSpots(), bootstraps=20, perturbations=ways, **options)
    return {row.name: row for row in table.rows}


@pytest.mark.parametrize("affine", [AXIAL, CORONAL], ids=["axial", "coronal"])
def test_what_is_found_is_found_in_every_perturbed_scan_where_it_lies_then(affine):
    rows = rows_of(
        [make_volume(affine, (40, 100, 150) if affine is AXIAL else (50, 90, 150), nodules=NODULES, series_uid=UID)]
    )
    assert set(rows) >= {*default_perturbations()} - {"slices of 1 mm", "slices of 2 mm"}
    for row in rows.values():
        assert (row.sensitivity, row.fp_per_scan, row.cpm) == (1.0, 0.0, 1.0), row
        assert (row.sensitivity_change, row.few) == (0.0, True), row
        assert (row.sensitivity_unchanged, row.fp_per_scan_unchanged, row.refused) == (1.0, 0.0, 0), row
    assert rows[UNCHANGED].nodules == 3
    halves = [rows[name].nodules for name in ("upper half", "lower half")]
    assert sorted(halves) == ([1, 2] if affine is AXIAL else [1, 1]), "the coronal scan is cut through a nodule"


def test_truth_that_is_not_moved_would_be_missed(scan):
    """The check above can fail: the mirror image of each nodule is further away than its radius."""
    for name in ("left for right", "front for back", "head for feet"):
        made = default_perturbations()[name](canonical(scan), TRUTH)
        for mark in TRUTH:
            moved = robustness._moved(made, mark.center_mm)
            assert np.linalg.norm(np.subtract(moved, mark.center_mm)) > mark.diameter_mm / 2


def test_the_shift_moves_the_lesions_by_half_a_voxel(scan):
    before = BrightSpots().detect(scan).candidates
    made = default_perturbations()["half a voxel further"](scan, TRUTH)
    after = BrightSpots().detect(made.volume).candidates
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(np.subtract(other.center_mm, one.center_mm), (-0.75, -0.75, -1.25), atol=0.35)
        np.testing.assert_allclose(robustness._moved(made, one.center_mm), other.center_mm, atol=0.35)


def test_thicker_slices_are_means_and_lie_where_their_middle_is(scan):
    made = remade_scans.thicker(scan, 5.0)
    assert made.volume.spacing == pytest.approx((5.0, 1.5, 1.5))
    np.testing.assert_allclose(made.volume.voxels[3], scan.voxels[6:8].mean(axis=0), atol=0.51)
    np.testing.assert_allclose(made.volume.to_patient((3, 0, 0)), scan.to_patient((6.5, 0, 0)))
    assert made.volume.certificate.slice_thickness_mm == 5.0
    uneven = remade_scans.thicker(scan, 4.0).volume
    np.testing.assert_allclose(
        uneven.voxels[1], (0.4 * scan.voxels[1] + 1.0 * scan.voxels[2] + 0.2 * scan.voxels[3]) / 1.6, atol=0.51
    )


def test_slices_are_not_made_thinner_than_they_are(scan):
    assert remade_scans.thicker(scan, 2.0) is None
    assert remade_scans.thicker(scan, 2.5).volume is scan
    overlapping = scan.certificate.model_copy(update={"slice_thickness_mm": 5.0})
    assert remade_scans.thicker(replace(scan, certificate=overlapping), 4.0) is None


def noisy(level: float) -> Volume:
    volume = make_volume(series_uid=UID)
    noise = np.random.default_rng(3).normal(0, level, volume.shape)
    return replace(volume, voxels=np.rint(volume.voxels + noise).astype(np.int16))


@pytest.mark.parametrize(("level", "share", "factor"), [(10.0, 1 / 2, 1.0), (40.0, 1 / 2, 1.0), (20.0, 1 / 4, 3**0.5)])
def test_noise_goes_with_the_root_of_the_dose(level, share, factor):
    volume = noisy(level)
    added = remade_scans.less_dose(volume, share).voxels.astype(float) - volume.voxels
    assert added.std() == pytest.approx(level * factor, rel=0.1)
    neighbours = np.corrcoef(added[:, :, :-1].ravel(), added[:, :, 1:].ravel())[0, 1]
    assert neighbours > 0.05, "noise of a scanner is correlated within a slice"


def test_a_soft_kernel_takes_noise_away_and_a_sharp_one_brings_more():
    volume = noisy(20.0)
    assert noise_hu(remade_scans.soften(volume)) < 14
    assert noise_hu(remade_scans.sharpen(volume)) > 26
    assert noise_hu(remade_scans.sharpen(volume, 0.5)) < noise_hu(remade_scans.sharpen(volume, 2.0))


def test_contrast_brightens_tissue_and_lesions_less_and_lung_and_bone_not_at_all(scan):
    voxels = scan.voxels.copy()
    voxels[5, 50, 80] = 700
    bright = remade_scans.enhance(replace(scan, voxels=voxels), TRUTH, 150.0).voxels
    assert bright[5, 50, 80] == 700
    (k, j, i), tissue = np.rint(scan.to_index(NODULES[0][0])).astype(int), scan.voxels == 30
    assert tissue[20].any()
    np.testing.assert_allclose(np.median(bright[20][tissue[20]]), 30 + 150 * 0.8, atol=1)
    np.testing.assert_allclose(bright[k, j, i], 40 + 0.3 * 150 * 0.9, atol=1)
    assert (bright[20][scan.voxels[20] == -850] == -850).all()


def test_a_lesion_that_a_slab_cuts_counts_neither_way(scan):
    middle = float(scan.to_patient((20, 0, 0))[2])
    cut = Mark(UID, (52.0, -30.0, middle), 20.0)
    volume = make_volume(nodules=((cut.center_mm, 20.0), NODULES[1]), series_uid=UID)
    rows = rows_of([volume], truth=[cut, TRUTH[1]], only=(UNCHANGED, "upper half", "lower half", "left for right"))
    assert rows[UNCHANGED].nodules == 2
    assert set(rows) - {"upper half"} == set(rows), "no lesion is left in the upper half"
    assert rows["lower half"].nodules == 1
    for row in rows.values():
        assert row.fp_per_scan == 0, row


def test_the_table_says_what_is_lost(scan):
    rows = rows_of([scan], BrightSpots(thickest_mm=3.5), only=("slices of 3 mm", "slices of 4 mm"))
    assert (rows["slices of 3 mm"].sensitivity, rows["slices of 3 mm"].cpm) == (1.0, 1.0)
    lost = rows["slices of 4 mm"]
    assert (lost.sensitivity, lost.cpm, lost.sensitivity_unchanged, lost.cpm_unchanged) == (0.0, 0.0, 1.0, 1.0)


def test_false_positives_are_counted_at_the_default_threshold(scan):
    rows = rows_of([scan], truth=TRUTH[:2], only=(UNCHANGED, "left for right"))
    assert rows[UNCHANGED].fp_per_scan == 1.0
    assert rows["left for right"].fp_per_scan == rows["left for right"].fp_per_scan_unchanged == 1.0
    ignored = rows_of([scan], truth=TRUTH[:2], excluded=TRUTH[2:], only=("left for right",))
    assert ignored["left for right"].fp_per_scan == 0.0


def test_a_scan_without_lungs_after_the_change_is_all_missed(scan):
    class Choosy(BrightSpots):
        def detect(self, volume, **options):
            if volume.shape != scan.shape:
                raise LungsNotFoundError("no lung is in view")
            return super().detect(volume, **options)

    row = rows_of([scan], Choosy(), only=("slices of 5 mm",))["slices of 5 mm"]
    assert (row.refused, row.sensitivity, row.sensitivity_unchanged) == (1, 0.0, 1.0)


def test_progress_is_one_scale_that_only_grows(scan):
    seen = []
    rows_of(
        [scan, replace(scan, series=scan.series.model_copy(update={"series_uid": "9"}))],
        count=2,
        only=(UNCHANGED, "contrast, 75 HU"),
        progress=lambda *a: seen.append(a),
    )
    assert len({total for _, total, _ in seen}) == 1
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert seen[-1][0] == seen[-1][1]


@pytest.fixture
def study(scan, tmp_path, monkeypatch):
    detector = BrightSpots()
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda name: detector)
    for n in range(3):
        write_ct_series(scan, tmp_path / "scans" / str(n), series_uid=f"{UID}.{n}")
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm"))
        writer.writerows((f"{UID}.{n}", *center, d) for n in range(3) for center, d in NODULES)
    return detector


def run(tmp_path, *more):
    words = ["robustness", tmp_path / "scans", "--truth", tmp_path / "truth.csv", "-o", tmp_path / "out", *more]
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_the_command_writes_the_table_for_a_part_of_scans_and_perturbations(study, tmp_path):
    done = run(tmp_path, "--scans", "2", "--only", "left for right", "--only", "slices of 5 mm")
    assert done.exit_code == 0, done.output
    assert len({volume.series.series_uid for volume in study.seen}) == 2
    content = json.loads((tmp_path / "out" / "robustness.json").read_text())
    assert [(row["name"], row["scans"], row["nodules"]) for row in content["rows"]] == [
        ("slices of 5 mm", 2, 6),
        ("left for right", 2, 6),
    ]
    assert content["rows"][1]["sensitivity"] == 1.0
    with (tmp_path / "out" / "robustness.csv").open(newline="") as file:
        assert [row["cpm"] for row in csv.DictReader(file)] == ["1.0", "1.0"]
    markdown = (tmp_path / "out" / "robustness.md").read_text()
    assert "| left for right * | 2 | 1 | 6 | 1.000 (1.000 to 1.000) | 1.000 |" in markdown
    page = (tmp_path / "out" / "robustness.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "1 patients are fewer than 10" in page
    with (tmp_path / "out" / "robustness_groups.csv").open(newline="") as file:
        groups = list(csv.DictReader(file))
    assert [(row["by"], row["group"], row["scans"], row["few"]) for row in groups] == [
        (by, "unknown", "2", "True") for by in ("age", "sex", "scanner", "site")
    ]


def test_the_command_knows_its_perturbations(study, tmp_path):
    with pytest.raises(ConfigError, match="no perturbation 'backwards'; there are the kinds contrast, dose"):
        run(tmp_path, "--only", "backwards")
    (tmp_path / "truth.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.9,0,0,0,5\n")
    with pytest.raises(ConfigError, match="is in the truth"):
        run(tmp_path)


def test_a_chest_that_moves_is_blurred_and_lies_where_it_lay(scan):
    strengths = [remade_scans.moving(scan, mm) for mm in (1.0, 3.0)]
    values = scan.voxels.astype(float)
    lost = [float(np.abs(one.voxels - values).mean()) for one in strengths]
    assert 0 < lost[0] < lost[1]
    for one in strengths:
        for before, after in zip(
            BrightSpots().detect(scan).candidates, BrightSpots().detect(one).candidates, strict=True
        ):
            np.testing.assert_allclose(after.center_mm, before.center_mm, atol=0.5)
        across = np.abs(np.diff(one.voxels.astype(float), axis=2)).max()
        assert across == np.abs(np.diff(values, axis=2)).max(), "it does not move from side to side"


def test_another_field_of_view_has_other_pixels_and_the_lesions_where_they_are(scan):
    made = remade_scans.in_field(scan, 240.0, 200)
    assert (made.shape, made.spacing) == ((40, 200, 200), pytest.approx((2.5, 1.2, 1.2)))
    assert made.certificate.spacing_mm == pytest.approx((2.5, 1.2, 1.2))
    np.testing.assert_allclose(made.to_patient((3, 99.5, 99.5)), scan.to_patient((3, 49.5, 74.5)), atol=1e-6)
    assert made.voxels[5, 0, 0] == -1024
    assert made.voxels[5, 100, 1] == -1000
    for before, after in zip(BrightSpots().detect(scan).candidates, BrightSpots().detect(made).candidates, strict=True):
        np.testing.assert_allclose(after.center_mm, before.center_mm, atol=0.5)


def test_another_header_changes_no_voxel_and_a_detector_that_reads_it_is_seen(scan):
    class Reader(BrightSpots):
        def detect(self, volume, **options):
            found = super().detect(volume, **options)
            return found if volume.series.manufacturer != remade_scans.MAKER else replace(found, candidates=())

    made = default_perturbations()["another header"](scan, TRUTH).volume
    assert made.voxels is scan.voxels
    rows = rows_of([scan], Reader(), only=("another header", "sharp kernel, 1 times"))
    assert [rows[name].sensitivity for name in ("another header", "sharp kernel, 1 times")] == [0.0, 1.0]
    assert rows["another header"].sensitivity_change_interval == (-1.0, -1.0)


def test_a_kind_of_perturbations_is_asked_for_by_its_name(study, tmp_path):
    assert run(tmp_path, "--scans", "1", "--only", "motion", "--only", "slices of 5 mm").exit_code == 0
    rows = json.loads((tmp_path / "out" / "robustness.json").read_text())["rows"]
    assert [(row["name"], row["kind"], row["strength"]) for row in rows] == [
        ("slices of 5 mm", "thickness", 5.0),
        *((f"motion, {mm} mm", "motion", mm) for mm in (1, 2, 4)),
    ]


def test_scans_of_one_patient_are_one_patient(scan):
    scans = [replace(scan, series=scan.series.model_copy(update={"series_uid": str(n)})) for n in range(3)]
    truth = [replace(mark, series_uid=str(n)) for n in range(3) for mark in TRUTH]
    rows = rows_of(scans, BrightSpots(thickest_mm=3.5), truth=truth, only=("slices of 4 mm",))
    assert (rows["slices of 4 mm"].scans, rows["slices of 4 mm"].patients) == (3, 1)
    assert rows["slices of 4 mm"].p == 1.0, "one patient who lost all proves nothing: the sign may as well be flipped"

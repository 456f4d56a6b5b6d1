from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from fake_scan import AXIAL, CORONAL, FakeDetector, make_volume
from matplotlib.image import imread

from napari_lesion.model.findings import Candidate
from napari_lesion.pipeline import analyse
from napari_lesion.report.overview import (
    LUNG_WINDOW,
    SOFT_TISSUE_WINDOW,
    overview_figure,
    plane_around,
    sample,
    save_overview,
    side_of,
)

LEFT = (52.0, -15.0, -250.0)
RIGHT = (-48.0, -33.0, -230.0)
NODULES = ((LEFT, 12.0), (RIGHT, 7.0))
FOUND = tuple(Candidate(center, diameter, 0.9 - 0.1 * n) for n, (center, diameter) in enumerate(NODULES))


@pytest.fixture(params=[AXIAL, CORONAL], ids=["axial", "coronal"])
def analysis(request):
    volume = make_volume(request.param, nodules=NODULES, notes=("The gantry was tilted by 12°.",))
    return analyse(volume, detector=FakeDetector(FOUND))


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_each_finding_is_shown_in_the_middle_of_its_cut_out(analysis):
    figure = overview_figure(analysis)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        image = np.asarray(axes.images[0].get_array())
        middle = image.shape[0] // 2
        assert image[middle, middle] > 0  # the nodule
        assert image[middle, middle + 20] < -700  # lung 8 mm beside it


def test_the_patients_left_is_on_the_right_of_the_image_and_the_front_is_up(analysis):
    axes = overview_figure(analysis).axes[0]  # the finding on the left, near the left chest wall
    letters = {text.get_text(): text.get_position() for text in axes.texts}
    assert letters["L"][0] > 0.9
    assert letters["R"][0] < 0.1
    assert letters["A"][1] > 0.9
    assert letters["P"][1] < 0.1
    # The left chest wall is 33 mm to the left of the nodule and 44 mm to the right is still lung or mediastinum.
    image = np.asarray(axes.images[0].get_array())
    row = image[image.shape[0] // 2]
    assert row[image.shape[1] // 2 + 90] > -100
    assert row[image.shape[1] // 2 - 60] < -700
    # In data coordinates the axes run in LPS mm, so the picture cannot be mirrored against them.
    assert axes.get_xlim()[0] < LEFT[0] < axes.get_xlim()[1]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_score_size_side_and_place_are_written_over_the_cut_out(analysis):
    first, second = (axes.get_title() for axes in overview_figure(analysis).axes)
    assert "score 0.90" in first
    found = analysis.report.findings[0]
    assert first.startswith("F1 ")
    assert f"{found.size} mm" in first
    assert found.size_mm == pytest.approx(12, abs=2)
    assert "left" in first
    assert f"Se 4, Im {found.instance_number}" in first
    assert "right" in second


def test_the_heading_has_the_series_the_doubts_and_the_intended_use(analysis):
    words = "\n".join(texts(overview_figure(analysis)))
    assert "P-17" in words
    assert "Thorax lung" in words
    assert "⚠ The gantry was tilted by 12°." in words
    assert "For research use only" in words


def test_a_reformatted_scan_says_so():
    coronal = analyse(make_volume(CORONAL, nodules=NODULES), detector=FakeDetector(FOUND))
    assert any("reformatted" in text for text in texts(overview_figure(coronal)))


def test_only_the_best_findings_are_shown_and_the_rest_is_counted():
    many = tuple(Candidate((52.0, -15.0, -290.0 + n), 6.0, 0.9 - 0.01 * n) for n in range(15))
    figure = overview_figure(analyse(make_volume(), detector=FakeDetector(many)), best=12)
    assert len(figure.axes) == 12
    assert any("15 findings" in text and "best 12 shown" in text for text in texts(figure))


def test_a_scan_without_findings_says_so():
    assert "No findings" in texts(overview_figure(analyse(make_volume(), detector=FakeDetector())))


def test_a_finding_at_the_edge_of_the_scan_is_drawn():
    edge = Candidate((52.0, -15.0, -300.0), 6.0, 0.9)
    assert len(overview_figure(analyse(make_volume(), detector=FakeDetector((edge,)))).axes) == 1


def test_the_picture_is_saved_with_something_on_it(analysis, tmp_path):
    save_overview(analysis, tmp_path / "overview.png")
    picture = imread(tmp_path / "overview.png")
    assert picture.shape[0] > 400
    assert picture[..., :3].std() > 0.1
    assert [path.name for path in tmp_path.iterdir()] == ["overview.png"]


def test_drawing_leaves_pyplot_alone():
    code = "import sys, napari_lesion.report.overview; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("affine", [AXIAL, CORONAL], ids=["axial", "coronal"])
@pytest.mark.parametrize(("center", "side"), [(LEFT, "left"), (RIGHT, "right"), ((3.0, -15.0, -250.0), "midline")])
def test_the_side_is_the_patients(affine, center, side):
    assert side_of(make_volume(affine), center) == side


def test_the_side_does_not_depend_on_where_the_patient_lay():
    shifted = AXIAL.copy()
    shifted[0, 3] += 200  # the table was moved to the patient's left; x is positive everywhere
    volume = make_volume()
    moved = type(volume)(volume.voxels, shifted, volume.series, volume.certificate, volume.instances)
    assert side_of(moved, (RIGHT[0] + 200, RIGHT[1], RIGHT[2])) == "right"


def test_a_field_of_view_around_one_lung_gives_no_side():
    volume = make_volume()
    narrow = volume.voxels[:, :, :70]  # the right lung and the midline, cut off there
    assert side_of(type(volume)(narrow, volume.affine, volume.series, volume.certificate), RIGHT) == "?"


def test_the_table_under_the_patient_does_not_move_the_midline():
    volume = make_volume()
    volume.voxels[:, 95:97, 70:] = 200
    assert side_of(volume, (3.0, -15.0, -250.0)) == "midline"


def test_values_that_are_not_hu_give_no_side():
    assert side_of(make_volume(modality="MR", unit=""), RIGHT) == "?"


def test_the_window_fits_what_is_in_view():
    chest = make_volume()
    belly = replace(chest, voxels=np.where(chest.voxels == -850, 30, chest.voxels))
    head = make_volume(modality="MR", unit="")
    head = replace(head, voxels=np.broadcast_to(np.arange(150, dtype=np.int16), head.shape))
    detector = FakeDetector((Candidate(RIGHT, 9.0, 0.9),), modalities=("CT", "MR"))

    def shown(volume):
        return overview_figure(analyse(volume, detector=detector)).axes[0].images[0]

    assert shown(chest).get_clim() == LUNG_WINDOW
    assert shown(belly).get_clim() == SOFT_TISSUE_WINDOW
    image = shown(head)
    assert image.get_clim() == pytest.approx(np.percentile(image.get_array().compressed(), (1, 99)))


def test_a_plane_samples_the_scan_at_its_points():
    volume = make_volume(nodules=NODULES)
    plane = plane_around(np.array(LEFT), 3.0, 1.5)
    assert np.allclose(plane.points().mean(axis=(0, 1)), LEFT)
    assert (sample(volume.voxels, volume.affine, plane.points(), np.nan) == 40).all()
    outside = plane_around(np.array([500.0, 0.0, -250.0]), 3.0, 1.5)
    assert np.isnan(sample(volume.voxels, volume.affine, outside.points(), np.nan)).all()

"""Candidates lie exactly where the network put them, each lesion once."""

import numpy as np
import pytest

from napari_lesion.detection.candidates import MOST, find_candidates, outside
from napari_lesion.imaging.windows import output_affine
from napari_lesion.model.findings import Candidate, Heatmap

CANONICAL = np.array([[0, 0, 1, -100], [0, 1, 0, 20], [1, 0, 0, 300], [0, 0, 0, 1]], dtype=float)
"""1 mm; (k, j, i) grows to (z, y, x)."""
SHAPE = (20, 24, 28)


def find(peaks, *, affine=CANONICAL, sizes=None, offsets=None, shape=SHAPE, **options):
    values = np.zeros(shape, dtype=np.float32)
    log_diameter = np.zeros(shape, dtype=np.float32)
    shift = np.zeros((3, *shape), dtype=np.float32)
    for place, score in peaks.items():
        values[place] = score
        log_diameter[place] = np.log((sizes or {}).get(place, 8.0) / 8.0)
        shift[(slice(None), *place)] = (offsets or {}).get(place, (0, 0, 0))
    return find_candidates(Heatmap(values, output_affine(affine)), log_diameter, shift, **options)


def test_an_output_voxel_lies_between_the_two_input_voxels_that_it_covers():
    (candidate,) = find({(3, 5, 7): 0.9})
    assert candidate.center_mm == pytest.approx((-100 + 14.5, 20 + 10.5, 300 + 6.5))
    assert candidate.score == pytest.approx(0.9)


def test_the_offset_goes_along_z_y_and_x():
    (candidate,) = find({(3, 5, 7): 0.9}, offsets={(3, 5, 7): (0.25, -0.5, 0.75)})
    assert candidate.center_mm == pytest.approx((-100 + 14.5 + 0.75, 20 + 10.5 - 0.5, 300 + 6.5 + 0.25))


def test_the_offset_is_in_mm_along_the_axes_of_an_oblique_box():
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = CANONICAL.copy()
    affine[:3, :3] = turn @ CANONICAL[:3, :3] * 0.8
    (candidate,) = find({(3, 5, 7): 0.9}, affine=affine, offsets={(3, 5, 7): (0.0, 0.0, 1.0)})
    input_index = np.array([6.5, 10.5, 14.5])
    expected = affine[:3, :3] @ input_index + affine[:3, 3] + turn @ [1.0, 0, 0]
    assert candidate.center_mm == pytest.approx(tuple(expected))


def test_on_a_finer_grid_the_network_counts_in_its_voxels():
    affine = CANONICAL.copy()
    affine[:3, :3] *= 0.8
    here = {(3, 5, 7): (0.0, 0.0, 1.0)}
    (candidate,) = find({(3, 5, 7): 0.9}, affine=affine, offsets=here, sizes={(3, 5, 7): 10.0}, pitch_mm=0.8)
    assert candidate.center_mm == pytest.approx((-100 + 0.8 * (14.5 + 1), 20 + 0.8 * 10.5, 300 + 0.8 * 6.5))
    assert candidate.diameter_mm == pytest.approx(8)


@pytest.mark.parametrize(("said", "reported"), [(4.5, 4.5), (30.0, 30.0), (1.0, 3.0), (500.0, 60.0)])
def test_the_diameter_is_what_the_network_said_within_what_is_possible(said, reported):
    (candidate,) = find({(3, 5, 7): 0.9}, sizes={(3, 5, 7): said})
    assert candidate.diameter_mm == pytest.approx(reported, rel=1e-5)


def test_only_local_maxima_count():
    found = find({(5, 5, 5): 0.5, (5, 5, 6): 0.6, (6, 6, 6): 0.7, (15, 15, 15): 0.2}, sizes={(15, 15, 15): 4.0})
    assert [c.score for c in found] == pytest.approx([0.7, 0.2])


def test_maxima_in_the_same_lesion_are_merged_and_the_best_stays():
    near = {(5, 5, 5): 0.5, (5, 5, 9): 0.6}  # 8 mm apart
    assert [c.score for c in find(near, sizes={(5, 5, 5): 20.0, (5, 5, 9): 5.0})] == pytest.approx([0.6])
    assert len(find(near, sizes={(5, 5, 5): 10.0, (5, 5, 9): 5.0})) == 2


def test_maxima_closer_than_lesions_can_be_are_merged_however_small():
    assert len(find({(5, 5, 5): 0.5, (5, 5, 7): 0.6}, offsets={(5, 5, 7): (0, 0, -0.1)}, sizes={(5, 5, 5): 3.0})) == 1


def test_two_equal_neighbours_are_one_lesion():
    assert len(find({(5, 5, 5): 0.5, (5, 5, 6): 0.5})) == 1


def test_a_maximum_at_the_border_of_the_box_counts():
    assert len(find({(0, 0, 0): 0.5, (19, 23, 27): 0.5})) == 2


def test_nothing_under_the_floor_and_nothing_in_an_empty_heatmap():
    assert find({(5, 5, 5): 0.3}, floor=0.3) == ()
    assert find({}) == ()


def test_sorted_by_score_and_no_more_than_the_limit():
    random = np.random.default_rng(0)
    values = random.random((60, 60, 60)).astype(np.float32)
    zeros = np.zeros((3, *values.shape), dtype=np.float32)
    found = find_candidates(Heatmap(values, output_affine(CANONICAL)), zeros[0] - 1, zeros)
    scores = [c.score for c in found]
    assert len(found) == MOST
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == values.max()


def test_candidates_in_a_mask_are_left_out_wherever_its_grid_lies() -> None:
    mask = np.zeros((4, 5, 6), bool)
    mask[1, 2, 3] = True
    affine = np.array([[0, 0, 2.0, 10], [0, 2.0, 0, 20], [2.0, 0, 0, 30], [0, 0, 0, 1]])
    inside = Candidate((16.4, 24.0, 32.0), 5.0, 0.9)
    others = (Candidate((18.2, 24.0, 32.0), 5.0, 0.8), Candidate((-50.0, 0.0, 0.0), 5.0, 0.7))
    assert outside((inside, *others), mask, affine) == others
    assert outside((), mask, affine) == ()

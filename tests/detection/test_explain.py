"""Why a finding: maps with a known answer, their place in the patient, and the deletion test."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK
import torch
from fake_scan import AXIAL, CORONAL, FakeDetector, make_heatmap, make_volume
from torch import nn

from napari_lesion.detection.nodule3d import NoduleDetector
from napari_lesion.explain import methods
from napari_lesion.explain.deletion import SHARES, area_of, cells_of, deletion_test, removal_order
from napari_lesion.explain.explain import check_methods, explain
from napari_lesion.explain.inputs import CROP_MM, nodule_view
from napari_lesion.explain.maps import METHODS, AttributionMap
from napari_lesion.explain.view import ScoredCrop
from napari_lesion.model.findings import Candidate, Detection, Finding, Heatmap, ModelReference
from napari_lesion.models import package_metadata
from napari_lesion.models.networks import NoduleNet
from napari_lesion.pipeline import findings_of
from napari_lesion.report.explanation import save_explanation
from napari_lesion.support.errors import Cancelled, ConfigError, GeometryError, LungsNotFoundError
from napari_lesion.support.progress import silent

CENTER = (52.0, -20.0, -240.0)
DIAMETER = 12.0
IDENTITY = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1.0]])


def finding_at(center=CENTER, diameter=DIAMETER, score=0.8) -> Finding:
    corner = tuple(c - diameter / 2 for c in center), tuple(c + diameter / 2 for c in center)
    return Finding(id="f", center_mm=center, diameter_mm=diameter, box_mm=corner, score=score)


class Brightness(nn.Module):
    """Its logit is the mean brightness of 5 × 5 × 5 voxels around the target, in a network of NoduleNet's form."""

    def __init__(self) -> None:
        super().__init__()
        self.merge2 = nn.Sequential(nn.AvgPool3d(4))
        self.blur = nn.Conv3d(1, 1, 5, padding=2, stride=2, bias=False)
        nn.init.constant_(self.blur.weight, 6 / 125)

    def forward(self, x):
        local = self.blur(x) + 0 * nn.functional.interpolate(self.merge2(x), scale_factor=2)
        coarse = nn.functional.interpolate(self.merge2(x), scale_factor=2, mode="nearest")
        logit = local + coarse - 2.5
        return torch.cat([logit, torch.zeros_like(logit).expand(-1, 4, -1, -1, -1)], 1)


class ModelPackage:
    """A detector with the network above and the real way from a scan to a view."""

    def __init__(self) -> None:
        self.card = FakeDetector().card

    def detect(self, volume, *, device="auto", progress=silent):
        raise AssertionError("a view needs no search")

    view = NoduleDetector.view
    _network = Brightness()
    _metadata = package_metadata.Metadata(
        id="brightness",
        version="1",
        task="test",
        licence="none",
        threshold=0.5,
        network=package_metadata.NoduleNetSpec(width=2),
        preprocessing=package_metadata.Preprocessing(spacing_mm=1, window_hu=(-1000, 400)),
        training_cases=(),
    )


@pytest.fixture(scope="module", params=[AXIAL, CORONAL], ids=["axial", "coronal"])
def volume(request):
    shape = (40, 100, 150) if request.param is AXIAL else (56, 66, 150)
    return make_volume(request.param, shape, nodules=((CENTER, DIAMETER),))


@pytest.fixture(scope="module")
def explanation(volume):
    return explain(ModelPackage(), volume, finding_at())


# -- known answers ----------------------------------------------------------------------------------------------------

WEIGHTS = torch.from_numpy(np.random.default_rng(1).normal(size=(8, 8, 8)).astype(np.float32))


def linear(images):
    return (images[:, 0] * WEIGHTS).sum(dim=(1, 2, 3)) + 3


def curved(images):
    return torch.sigmoid((images[:, 0] * WEIGHTS).sum(dim=(1, 2, 3))) * 5


@pytest.fixture
def image():
    return torch.rand(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(2))


def test_integrated_gradients_of_a_linear_network_are_its_weights_times_the_difference(image) -> None:
    made = methods.integrated_gradients(linear, image, 0.2, steps=4)
    np.testing.assert_allclose(made, (WEIGHTS * (image[0, 0] - 0.2)).numpy(), atol=1e-5)


def test_integrated_gradients_sum_to_the_difference_of_the_scores(image) -> None:
    made = methods.integrated_gradients(curved, image, 0.2)
    difference = curved(image) - curved(torch.full_like(image, 0.2))
    assert abs(float(difference[0])) > 0.1
    assert made.sum() == pytest.approx(float(difference[0]), abs=1e-2)


def test_gradient_shap_of_a_linear_network_is_the_mean_over_its_baselines_and_repeats_itself(image) -> None:
    made = methods.gradient_shap(linear, image, (0.2,), samples=64)
    np.testing.assert_allclose(made, (WEIGHTS * (image[0, 0] - 0.2)).numpy(), atol=0.02)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(made, methods.gradient_shap(linear, image, (0.2,), samples=64))
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_occlusion_of_a_linear_network_is_what_each_window_adds(image) -> None:
    where = (slice(0, 8), slice(2, 8), slice(0, 8))
    made = methods.occlusion(linear, image, 0.2, where, (2, 2, 2), (2, 2, 2))
    share = (WEIGHTS * (image[0, 0] - 0.2)).numpy()
    assert made[4:6, 2:4, 6:8] == pytest.approx(np.full((2, 2, 2), share[4:6, 2:4, 6:8].sum()), abs=1e-4)
    assert not made[:, :2].any()


def test_lime_finds_the_regions_of_a_linear_network(image) -> None:
    regions = np.zeros((8, 8, 8), int)
    for n, corner in enumerate(((0, 0), (0, 4), (4, 0), (4, 4)), 1):
        regions[2:6, corner[0] : corner[0] + 4, corner[1] : corner[1] + 4] = n
    made = methods.lime(linear, image, 0.2, regions, samples=200)
    share = (WEIGHTS * (image[0, 0] - 0.2)).numpy()
    for n in range(1, 5):
        assert made[regions == n].mean() == pytest.approx(share[regions == n].sum(), rel=0.15, abs=0.3)
    assert not made[regions == 0].any()


# -- the deletion test ------------------------------------------------------------------------------------------------


def toy_view() -> ScoredCrop:
    """A bright ball of 6 mm in plain surroundings, and a logit that is the ball's brightness."""
    offsets = np.stack(np.indices((32, 32, 32))) - np.array([12, 20, 16])[:, None, None, None]
    ball = (offsets**2).sum(axis=0) < 36
    mask = torch.from_numpy(ball)
    image = np.where(ball, 1.0, 0.1).astype(np.float32)
    return ScoredCrop(
        image=image,
        affine=IDENTITY,
        center=np.array([12.0, 20.0, 16.0]),
        target_mm=(16.0, 20.0, 12.0),
        logit=lambda images: 8 * images[:, 0][:, mask].mean(dim=1) - 5,
        replacement=0.1,
        replacement_spread=(0.1,),
        replaced_by="plain",
        heatmap=Heatmap(image, IDENTITY),
        score=lambda logit: logit,
    )


def test_a_good_map_is_more_faithful_than_noise_and_that_than_its_inverse() -> None:
    view = toy_view()
    random = deletion_test(view, None, orders=3)
    noise = np.random.default_rng(0).normal(size=view.image.shape).astype(np.float32)
    good, poor, bad = (
        deletion_test(view, AttributionMap("lime", values, IDENTITY, 0.0), against=random).faithfulness
        for values in (view.image, noise, -view.image)
    )
    assert good > 0.4
    assert abs(poor) < 0.2
    assert bad < poor - 0.02
    assert good > poor


def test_the_deletion_curve_starts_at_one_and_ends_with_nothing_left_of_the_ball() -> None:
    tested = deletion_test(toy_view(), AttributionMap("lime", toy_view().image, IDENTITY, 0.0))
    assert tested.curve[0] > 0.5
    floor = (1 + np.exp(-3)) / (1 + np.exp(5 - 0.8))
    assert tested.curve[-1] == pytest.approx(floor, rel=1e-3)
    assert tested.area == pytest.approx(area_of(tested.curve))
    assert area_of(np.ones(len(SHARES))) == pytest.approx(1)


def test_cubes_are_removed_by_their_mean_and_equal_ones_in_no_order_of_place() -> None:
    cells = cells_of((8, 8, 8), (1.0, 1.0, 2.0))
    assert cells.max() + 1 == 2 * 2 * 4
    values = np.zeros((8, 8, 8), np.float32)
    values[4:, :4, 6:] = 1
    order = removal_order(values, cells)
    assert order[0] == cells[5, 0, 7]
    assert sorted(order) == list(range(16))
    assert list(order[1:]) != sorted(order[1:])


# -- in the patient ---------------------------------------------------------------------------------------------------


def test_every_method_makes_a_map_that_was_tested(explanation) -> None:
    assert [made.method for made in explanation.maps] == list(METHODS)
    assert explanation.left_out == {}
    assert all(np.isfinite(made.values).all() and made.values.any() for made in explanation.maps)
    assert all(made.faithfulness is not None for made in explanation.maps)
    assert "plain lung" in explanation.replaced_by
    assert "-85" in explanation.replaced_by  # the lung of the phantom has -850 HU
    local = [made for made in explanation.maps if made.method != "grad-cam"]
    assert min(made.faithfulness for made in local) > 0.2


def test_the_peak_of_each_map_lies_on_the_nodule_in_the_files(explanation, volume, tmp_path) -> None:
    model = ModelReference(id="toy", version="1", sha256="ab", threshold=0.5)
    save_explanation(explanation, volume, model, tmp_path / "finding-1")
    for made in explanation.maps:
        read = SimpleITK.ReadImage(str(tmp_path / "finding-1" / f"{made.method}.nii.gz"))  # LPS, by another reader
        values = SimpleITK.GetArrayFromImage(read)
        np.testing.assert_array_equal(values.shape, made.values.shape)
        strongest = np.argwhere(values >= values.max() * 0.999)
        peak = read.TransformContinuousIndexToPhysicalPoint([float(n) for n in strongest.mean(axis=0)[::-1]])
        assert np.linalg.norm(np.subtract(peak, CENTER)) < DIAMETER / 2, made.name
    assert (tmp_path / "finding-1" / "overview.png").stat().st_size > 10_000


def test_the_score_of_the_crop_is_that_of_the_whole_scan() -> None:
    torch.manual_seed(0)
    network = NoduleNet(width=2).eval()
    volume = make_volume(nodules=((CENTER, DIAMETER),))
    from napari_lesion.imaging import inference, preprocess

    box = preprocess.prepare(volume)
    view = nodule_view(network, box, finding_at(), score=lambda heat: heat, device="cpu")
    prediction = inference.predict(network, box.image[None, None], device="cpu")
    whole = Heatmap(prediction.probability, view.affine)
    assert view.image.shape == (CROP_MM,) * 3
    start = np.rint(np.linalg.solve(box.affine, view.affine)[:3, 3]).astype(int)
    assert not (start % 16).any()
    inner = tuple(slice(max(s, 0) // 2 + 13, max(s, 0) // 2 + 16) for s in start)
    shift = np.minimum(start, 0) // 2
    crop = tuple(slice(13 - d, 16 - d) for d in shift)
    np.testing.assert_allclose(view.heatmap.values[crop], whole.values[inner], atol=2e-3)


def test_a_finding_outside_of_what_is_searched_is_an_error(volume) -> None:
    with pytest.raises(GeometryError, match="does not search"):
        explain(ModelPackage(), volume, finding_at(center=(300.0, 0.0, -240.0)))


def test_cancelling_stops_within_a_method(volume) -> None:
    seen = []

    def progress(done: int, total: int, what: str) -> None:
        seen.append((done, total, what))
        if what == "occlusion" and sum(text == "occlusion" for *_, text in seen) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        explain(ModelPackage(), volume, finding_at(), ["heatmap", "occlusion", "lime"], progress=progress)
    assert "lime" not in {what for *_, what in seen}
    assert [done for done, *_ in seen] == sorted(done for done, *_ in seen)


def test_a_method_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="no method 'grad-cat'; choose among heatmap, grad-cam"):
        check_methods(["grad-cat"])
    assert check_methods(["lime", "heatmap"]) == ("heatmap", "lime")


# -- detectors without gradients --------------------------------------------------------------------------------------


class Black(FakeDetector):
    """Finds the brightest place; gives a heatmap and nothing else."""

    needs_lungs = False

    def detect(self, volume, *, device="auto", progress=silent):
        if self.needs_lungs and volume.shape[1] < 90:
            raise LungsNotFoundError("no lung is in view.")
        near = np.array([volume.to_index(CENTER)]).round().astype(int)[0]
        around = volume.voxels[tuple(slice(n - 1, n + 2) for n in near)]
        score = float(np.clip((around.mean() + 850) / 1000, 0.001, 0.95))
        found = (Candidate(CENTER, DIAMETER, score),)
        return Detection(make_heatmap(volume, found), found, "cpu", {})


def test_a_detector_without_gradients_still_gets_occlusion_and_lime() -> None:
    volume = make_volume(nodules=((CENTER, DIAMETER),))
    [finding] = findings_of(volume, Black().detect(volume).candidates, "m", 0.5)
    made = explain(Black(), volume, finding, ["heatmap", "grad-cam", "occlusion"])
    assert [one.method for one in made.maps] == ["heatmap", "occlusion"]
    assert made.left_out == {"grad-cam": "Grad-CAM needs gradients, which fake does not give."}
    occlusion = made.maps[1]
    peak = np.argwhere(occlusion.values == occlusion.values.max()).mean(axis=0)
    assert np.linalg.norm(occlusion.affine[:3, :3] @ peak + occlusion.affine[:3, 3] - CENTER) < DIAMETER / 2
    assert occlusion.faithfulness > 0.2


def test_a_detector_that_needs_the_whole_scan_gives_its_heatmap_and_says_why_no_more() -> None:
    volume = make_volume(nodules=((CENTER, DIAMETER),))
    detector = Black()
    detector.needs_lungs = True
    made = explain(detector, volume, finding_at(), ["all"])
    assert [one.method for one in made.maps] == ["heatmap"]
    assert made.maps[0].faithfulness is None
    assert set(made.left_out) == set(METHODS) - {"heatmap"}
    assert "cannot be run on a part of the scan (no lung is in view.)" in made.warnings[0]

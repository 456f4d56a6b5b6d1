"""Segmentation bundles: the probability of the chosen classes is the heatmap, connected parts of them are the findings.

The bundle's own configuration decides orientation, spacing, window and sliding window; its transforms, its inferer and
MONAI's ``Invertd`` do the work, so that the map is the one that MONAI's own pipeline gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.inferer import SimpleInferer, SlidingWindowInferer
from monai.transforms.post.dictionary import Invertd
from scipy import ndimage
from torch import Tensor, nn

from napari_lesion.detection.monai_bundles.bundle import Bundle, as_model_error, load_weights
from napari_lesion.detection.monai_bundles.segmentation_recipe import SegmentationRecipe, read_recipe
from napari_lesion.detection.package_detector import Steps
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.monai_transforms import lps_affine, to_image
from napari_lesion.model.findings import Candidate, Detection, Heatmap
from napari_lesion.model.volume import FloatArray, Volume, apply_affine
from napari_lesion.models.card import Card
from napari_lesion.support.errors import GeometryError, ModelError
from napari_lesion.support.progress import Progress, part, silent

MOST = 200
"""Findings kept at most, the largest of the best."""
SMALLEST_MM = 3.0
"""Diameter below which a part is a speck, not a finding."""

_TOLERANCE_MM = 1e-2
_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)
_SCALE = 1000
_PREPARED, _SEARCHED = 150, 850


class SegmentationBundle:
    """Finds the connected parts of what a segmentation bundle segments.

    Parameters
    ----------
    bundle : Bundle
    classes : sequence of str
        Names or numbers of the classes that become findings; see ``choose_classes`` for those by default.

    Raises
    ------
    ModelError
        If the bundle would have to run its own code, needs more than one image, its weights do not fit, or it has no
        such class.
    """

    def __init__(self, bundle: Bundle, classes: Sequence[str] = ()) -> None:
        self._recipe = read_recipe(bundle, classes)
        self._card = bundle.card
        if classes:  # so that results of other classes are not taken for these
            names = ", ".join(self._recipe.classes[n] for n in self._recipe.chosen)
            self._card = bundle.card.model_copy(update={"version": f"{bundle.card.version} ({names})"})
        network = bundle.config.value("network" if "network" in bundle.config else "network_def")
        if not isinstance(network, nn.Module):
            raise ModelError(f"{bundle.config.path}: its network is {type(network).__name__}, which cannot be run.")
        load_weights(bundle, network)
        self._network = network

    @property
    def card(self) -> Card:
        """Identity, licence and threshold of the model; a version of its own where classes were chosen."""
        return self._card

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        """Search a volume for the chosen classes. No lungs are needed.

        Raises
        ------
        ModelError
            If the network does not give what the metadata says.
        GeometryError
            If the bundle's preprocessing cannot be undone.
        ConfigError
            If the device is not there.
        """
        target = choose_device(device)
        with as_model_error(f"model {self._card.id} cannot search this scan as its configuration says"):
            return segment(volume, self._network, self._recipe, device=target, progress=progress)


def segment(
    volume: Volume, network: nn.Module, recipe: SegmentationRecipe, *, device: torch.device, progress: Progress = silent
) -> Detection:
    """Run a segmentation network on a scan as its bundle says.

    The heatmap is the probability that a voxel belongs to a chosen class: the sum over those that exclude each
    other, else the largest. A finding is a connected part (26 neighbours) of the voxels to which the bundle would give
    a chosen class. Its centre is the part's centre of mass, its diameter that of a ball of its volume, its score the
    mean probability of its class in it.

    Parameters
    ----------
    volume : Volume
    network : Module
        Takes (b, 1, x, y, z), gives logits (b, classes, x, y, z).
    recipe : SegmentationRecipe
    device : torch.device

    Raises
    ------
    ModelError
        If the output does not fit the recipe.
    GeometryError
        If the bundle's transforms cannot be undone.
    Cancelled
        If ``progress`` raised it.
    """
    steps = Steps()
    progress(0, _SCALE, "preparing the scan for the model")
    with torch.inference_mode():
        image = recipe.transforms({recipe.key: to_image(volume)})[recipe.key]
        if image.ndim != 4 or image.shape[0] != 1:
            raise ModelError(
                f"The bundle's preprocessing gives an array of the shape {tuple(image.shape)} where one channel of a "
                "volume is expected."
            )
        steps.ended("prepare")
        count = _windows(recipe.inferer, tuple(image.shape[1:]))
        counted = _Counted(network.to(device).eval(), count, part(progress, _PREPARED, _SEARCHED, _SCALE))
        logits = recipe.inferer(image[None].to(device).as_tensor(), counted)
        steps.ended("network")
        progress(_SEARCHED, _SCALE, "collecting the findings")
        if not isinstance(logits, Tensor) or logits.shape[1] != len(recipe.classes):
            given = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise ModelError(
                f"The network gives {given}, but the bundle's metadata names {len(recipe.classes)} classes."
            )
        probabilities = logits[0].softmax(0) if recipe.exclusive else logits[0].sigmoid()

        def back(channel: int) -> npt.NDArray[np.float32]:
            share = (_SCALE - _SEARCHED) * channel // len(recipe.classes)
            progress(_SEARCHED + share, _SCALE, "collecting the findings")
            return _on_the_scan(probabilities[channel], image, recipe, volume)

        heatmap, found = _collect(back, recipe, volume)
    best = sorted(found, key=lambda c: (-c.score, -c.diameter_mm, c.center_mm))
    candidates = tuple(best[:MOST])
    more = (f"Only the {MOST} best of {len(best)} parts were kept.",) if len(best) > MOST else ()
    steps.ended("candidates")
    progress(_SCALE, _SCALE, f"{len(candidates)} candidates")
    return Detection(
        heatmap=Heatmap(values=np.clip(heatmap, 0, 1, out=heatmap), affine=volume.affine),
        candidates=candidates,
        device=f"{device} (float32)",
        warnings=(*recipe.warnings, *more),
        timings_s=steps.seconds,
    )


class _Counted(nn.Module):
    """Reports each batch of windows; an error there ends the work."""

    def __init__(self, network: nn.Module, batches: int, progress: Progress) -> None:
        super().__init__()
        self._network, self._batches, self._progress, self._done = network, batches, progress, 0

    def forward(self, x: Tensor) -> Any:
        """One batch of windows."""
        self._progress(min(self._done, self._batches), self._batches, "searching")
        self._done += 1
        return self._network(x)


def _windows(inferer: SlidingWindowInferer | SimpleInferer, shape: Sequence[int]) -> int:
    """Batches of windows that an inferer will take, about."""
    if not isinstance(inferer, SlidingWindowInferer):
        return 1
    overlaps = inferer.overlap if isinstance(inferer.overlap, Iterable) else [inferer.overlap] * 3
    sizes = inferer.roi_size if isinstance(inferer.roi_size, Iterable) else [inferer.roi_size] * 3
    steps = (
        1 if roi <= 0 or roi >= side else ceil((side - roi) / max(1, int(roi * (1 - overlap)))) + 1
        for side, roi, overlap in zip(shape, sizes, overlaps, strict=True)
    )
    return ceil(int(np.prod(list(steps))) / inferer.sw_batch_size)


def _collect(
    back: Callable[[int], npt.NDArray[np.float32]], recipe: SegmentationRecipe, volume: Volume
) -> tuple[npt.NDArray[np.float32], list[Candidate]]:
    """Heatmap and candidates from the probability of each class on the scan, of which few are held at once."""
    heatmap = np.zeros(volume.shape, dtype=np.float32)
    found: list[Candidate] = []
    if not recipe.exclusive or len(recipe.classes) == 2:
        for channel in recipe.chosen:
            probability = back(channel)
            join = np.add if recipe.exclusive else np.maximum
            join(heatmap, probability, out=heatmap)
            has_it = probability > 0.5 if recipe.exclusive else probability >= recipe.cut
            found += _parts(probability, has_it, volume.affine)
        return heatmap, found
    best = np.full(volume.shape, -1, dtype=np.float32)
    winner = np.zeros(volume.shape, dtype=np.int16)
    for channel in recipe.classes:
        probability = back(channel)
        ahead = probability > best
        best[ahead], winner[ahead] = probability[ahead], channel
        if channel in recipe.chosen:
            heatmap += probability
    for channel in recipe.chosen:
        found += _parts(best, winner == channel, volume.affine)
    return heatmap, found


def _on_the_scan(
    probability: Tensor, image: MetaTensor, recipe: SegmentationRecipe, volume: Volume
) -> npt.NDArray[np.float32]:
    """Undo the bundle's transforms: (x, y, z) on the network's grid → (z, y, x) on the scan's, float32."""
    there = MetaTensor(probability[None].float().cpu(), affine=image.affine)
    undo = Invertd("map", recipe.transforms, orig_keys=recipe.key, nearest_interp=False, to_tensor=True)
    back = undo({recipe.key: image.cpu(), "map": there})["map"]
    values: npt.NDArray[np.float32] = back[0].numpy().transpose(2, 1, 0)
    corners = np.array([(0, 0, 0), volume.shape]) - [[0], [1]]
    off = apply_affine(lps_affine(back), corners[:, ::-1]) - volume.to_patient(corners)
    if values.shape != volume.shape or np.abs(off).max() > _TOLERANCE_MM:
        raise GeometryError(
            f"series {volume.series.series_uid}: the bundle's preprocessing could not be undone (its result has the "
            f"shape {values.shape}, the scan {volume.shape}), so nothing can be placed. Use another bundle."
        )
    return values


def _parts(
    probability: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], affine: FloatArray
) -> Iterator[Candidate]:
    """Make the connected parts of one class candidates, but for specks.

    Parameters
    ----------
    probability, mask : (z, y, x)
    affine : (4, 4)
        Their index → LPS mm.
    """
    labels, count = ndimage.label(mask, structure=_NEIGHBOURS)
    volumes = np.bincount(labels.ravel(), minlength=count + 1)[1:] * abs(float(np.linalg.det(affine[:3, :3])))
    diameters = (6 * volumes / np.pi) ** (1 / 3)
    numbers = np.flatnonzero(diameters >= SMALLEST_MM) + 1
    if not len(numbers):
        return
    scores = np.clip(ndimage.mean(probability, labels, numbers), 0, 1)
    centers = apply_affine(affine, ndimage.center_of_mass(mask, labels, numbers))
    for (x, y, z), diameter, score in zip(centers, diameters[numbers - 1], scores, strict=True):
        yield Candidate((float(x), float(y), float(z)), float(diameter), float(score))

"""Synthetic nodules: what they are made of, how they are shaped, and where they may lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesion.model.findings import Point

Texture = Literal["solid", "part-solid", "ground-glass", "calcified"]
Margin = Literal["smooth", "lobulated", "spiculated"]
Site = Literal["parenchyma", "pleura", "vessel", "mediastinum"]

Array = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PhantomNodule:
    """A nodule to be put into a phantom.

    Attributes
    ----------
    diameter_mm : float
        Of the sphere of the same volume (of the whole, where it is part-solid; without the spicules).
    site : {"parenchyma", "pleura", "vessel", "mediastinum"}
        Where to look for a place, unless ``center_mm`` names one.
    center_mm : (x, y, z), optional
        LPS mm in body coordinates.
    seed : int
        Of its shape.
    """

    diameter_mm: float
    texture: Texture = "solid"
    margin: Margin = "smooth"
    site: Site = "parenchyma"
    center_mm: Point | None = None
    seed: int = 0


@dataclass(frozen=True)
class PlacedNodule:
    """A nodule where it lies in a scan: the truth about it."""

    nodule: PhantomNodule
    center_mm: Point
    """LPS mm, in the scanner's space: that of the volume and its files."""
    body_mm: Point
    """LPS mm, in body coordinates: the same in every scan of the same patient."""

    @property
    def diameter_mm(self) -> float:
        """Of the sphere of the same volume."""
        return self.nodule.diameter_mm


class NoduleShape:
    """The surface of a nodule: its radius in every direction, and its spicules."""

    def __init__(self, nodule: PhantomNodule) -> None:
        rng = np.random.default_rng([nodule.seed, 11])
        self.radius = nodule.diameter_mm / 2
        bumps = {"smooth": (4, 0.05), "lobulated": (9, 0.26), "spiculated": (9, 0.14)}[nodule.margin]
        self._at = _unit(rng.normal(size=(bumps[0], 3)))
        self._height = rng.uniform(-0.4, 1.0, bumps[0]) * bumps[1]
        self._stretch = np.exp(rng.normal(0, 0.10, 3))
        self._turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        probe = _unit(np.random.default_rng(0).normal(size=(4000, 3)))
        self._scale = 1.0
        self._scale = float(1 / np.cbrt(np.mean(self.relative_radius(probe) ** 3)))
        n = int(rng.integers(16, 26)) if nodule.margin == "spiculated" else 0
        self.spicules = _unit(rng.normal(size=(n, 3)))
        self.spicule_length = self.radius * (1 + rng.uniform(0.4, 1.1, n)) + rng.uniform(0.5, 2.0, n)
        self.core_shift = self._turn[0] * 0.18 * self.radius
        self.core_share = float(rng.uniform(0.42, 0.62))

    def relative_radius(self, direction: Points) -> Points:
        """Radius towards unit vectors (..., 3), in terms of the nominal one."""
        local = direction @ self._turn
        ellipsoid = 1 / np.sqrt(((local / self._stretch) ** 2).sum(-1))
        lobes = np.exp(-((1 - direction @ self._at.T) / 0.22)) @ self._height
        result: Points = self._scale * ellipsoid * (1 + lobes)
        return result

    def distance(self, offset: Points) -> Array:
        """Signed distance (...) of offsets (..., 3) from the centre to the surface without spicules, mm."""
        away = np.linalg.norm(offset, axis=-1)
        direction = offset / np.maximum(away, 1e-6)[..., None]
        result: Array = (away - self.radius * self.relative_radius(direction)).astype(np.float32)
        return result


def _unit(vectors: Points) -> Points:
    result: Points = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return result


def paint(
    hu: Array,
    inside: Array | None,
    z: Points,
    y: Points,
    x: Points,
    nodule: PhantomNodule,
    center: Points,
    *,
    rotation: Points,
    blur_mm: float,
) -> None:
    """Put a nodule into HU values, in place.

    Parameters
    ----------
    hu : (z, y, x) float32
        A box around the nodule.
    inside : (z, y, x) float32 or None
        Signed distance to the lung: a nodule replaces lung, not the chest wall.
    z, y, x : 1D
        Coordinates of the box, mm.
    nodule : PhantomNodule
    center : (3,)
        (x, y, z), mm, in the coordinates of the box.
    rotation : (3, 3)
        Body axes → axes of the box: the nodule turns with the patient.
    blur_mm : float
        Width of an edge.
    """
    shape = NoduleShape(nodule)
    rng = np.random.default_rng([nodule.seed, 12])
    offset = np.stack(
        np.broadcast_arrays((x - center[0]), (y - center[1])[:, None], (z - center[2])[:, None, None]), -1
    )
    offset = offset @ rotation
    distance = shape.distance(offset)
    for direction, length in zip(shape.spicules, shape.spicule_length, strict=True):
        t = np.clip(offset @ direction, 0, length)
        thin = (0.35 * shape.radius + 0.5) * (1 - t / length) ** 1.6 + 0.2
        spike = np.linalg.norm(offset - t[..., None] * direction, axis=-1) - thin
        distance = np.minimum(distance, spike.astype(np.float32))

    def cover(d: Array, width: float) -> Array:
        alpha: Array = np.clip(0.5 - d / np.float32(width), 0, 1)
        return alpha if inside is None else alpha * np.clip(0.5 - (inside - 1.0) / np.float32(blur_mm), 0, 1)

    def blend(alpha: Array, value: float) -> None:
        hu[...] += alpha * np.maximum(value - hu, 0)  # a nodule never makes its surroundings thinner

    grain = rng.normal(0, 1, hu.shape).astype(np.float32)
    if nodule.texture == "ground-glass":
        haze = cover(distance, max(2.5, 0.25 * nodule.diameter_mm))
        blend(haze, float(rng.uniform(-660, -520)))
        hu += haze * grain * 25
    elif nodule.texture == "part-solid":
        haze = cover(distance, 2.5)
        blend(haze, float(rng.uniform(-640, -500)))
        hu += haze * grain * 25
        core = np.linalg.norm(offset - shape.core_shift, axis=-1).astype(np.float32) - shape.core_share * shape.radius
        blend(cover(core, blur_mm + 0.6), float(rng.uniform(-20, 40)))
    else:
        blend(cover(distance, blur_mm), float(rng.uniform(10, 55)))
        if nodule.texture == "calcified":
            core = np.linalg.norm(offset, axis=-1).astype(np.float32) - 0.72 * shape.radius
            blend(cover(core, blur_mm + 0.6), float(rng.uniform(280, 600)))

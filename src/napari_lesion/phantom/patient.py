"""One synthetic patient: a body with its vessels and airways, and places for nodules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import ndimage

from napari_lesion.phantom.anatomy import AIRWAYS, Body, PhantomGrid, Pose, Tissues, tissues
from napari_lesion.phantom.nodules import PhantomNodule
from napari_lesion.phantom.shapes import Array, Points
from napari_lesion.phantom.trees import Tree, beside, grow
from napari_lesion.support.errors import ConfigError

#: Half of the space that the body model describes, around its origin: enough for every body.
_STEP = 2.5
_REFERENCE = PhantomGrid(np.arange(-220.0, 150, _STEP), np.arange(-125.0, 140, _STEP), np.arange(-185.0, 186, _STEP))


@dataclass(frozen=True)
class PhantomPatient:
    """A body and what branches in it. All positions are body coordinates, LPS mm."""

    body: Body
    vessels: Tree
    airways: Tree
    reference: Tissues = field(repr=False)
    """Tissues on a coarse grid, in body coordinates."""

    def lung_range(self) -> tuple[float, float]:
        """Lowest and highest z of the lungs, mm."""
        inside = np.flatnonzero((self.reference.lung < 0).any(axis=(1, 2)))
        return float(_REFERENCE.z[inside[0]]), float(_REFERENCE.z[inside[-1]])

    def distance(self, tissue: Array, points: Points) -> Points:
        """Signed distance (n,) of points (n, 3) to a tissue of ``reference``, mm."""
        index = [(points[:, 2 - a] - axis[0]) / _STEP for a, axis in enumerate(_REFERENCE)]
        result: Points = ndimage.map_coordinates(tissue, index, order=1, mode="nearest").astype(np.float64)
        return result

    def place(self, nodules: Sequence[PhantomNodule], seed: int) -> list[Points]:
        """Find a place (x, y, z) for every nodule that does not name one, apart from each other.

        Raises
        ------
        ConfigError
            If there is no room, or a named centre is outside the lungs.
        """
        rng = np.random.default_rng([seed, 21])
        taken: list[tuple[Points, float]] = []
        for n in nodules:
            if n.center_mm is not None:
                where = np.asarray(n.center_mm, dtype=np.float64)
                if self.distance(self.reference.lung, where[None])[0] > n.diameter_mm / 4:
                    raise ConfigError(f"nodule of {n.diameter_mm:g} mm at {n.center_mm}: that is not in a lung.")
                taken.append((where, n.diameter_mm))
        places = []
        for n in nodules:
            if n.center_mm is not None:
                places.append(np.asarray(n.center_mm, dtype=np.float64))
                continue
            options = self._options(n, rng)
            clear = np.ones(len(options), bool)
            for where, diameter in taken:
                clear &= np.linalg.norm(options - where, axis=1) > (diameter + n.diameter_mm) / 2 + 12
            if not clear.any():
                raise ConfigError(f"no room is left for a nodule of {n.diameter_mm:g} mm ({n.site}).")
            where = options[clear][rng.integers(int(clear.sum()))]
            taken.append((where, n.diameter_mm))
            places.append(where)
        return places

    def _options(self, nodule: PhantomNodule, rng: np.random.Generator) -> Points:
        """Candidate centres for a nodule."""
        r = nodule.diameter_mm / 2
        t = self.reference
        low, high = self.lung_range()
        if nodule.site == "vessel":
            fits = (self.vessels.radius > 0.9) & (self.vessels.radius < 2.6)
            points = (self.vessels.start[fits] + self.vessels.end[fits]) / 2
            aside = rng.normal(size=points.shape)
            aside /= np.linalg.norm(aside, axis=1, keepdims=True)
            touching: Points = points + aside * (self.vessels.radius[fits] + 0.75 * r)[:, None]
            return touching[(self.distance(t.lung, touching) < -r - 2) & (touching[:, 2] > low + 30)]
        count = 40000
        points = np.stack([rng.uniform(a[0], a[-1], count) for a in _REFERENCE[::-1]], axis=-1)
        lung = self.distance(t.lung, points)
        mediastinum = self.distance(t.mediastinum, points)
        middle = (points[:, 2] > low + 30) & (points[:, 2] < high - 8)
        if nodule.site == "pleura":
            return points[(np.abs(lung + 0.55 * r) < 0.8) & (mediastinum > r + 8) & middle]
        if nodule.site == "mediastinum":
            return points[(np.abs(lung + 0.6 * r) < 0.8) & (np.abs(mediastinum - 0.6 * r) < 1.6) & middle]
        return points[(lung < -r - 5) & middle]


@lru_cache(maxsize=4)
def make_patient(seed: int) -> PhantomPatient:
    """Make the patient of a seed: the same one every time.

    Parameters
    ----------
    seed : int
    """
    body = Body.from_seed(seed)
    reference = tissues(body, _REFERENCE, Pose())
    rng = np.random.default_rng([seed, 2])
    vessels: list[Tree] = []
    airways: list[Tree] = []
    inside = np.argwhere(reference.lung < -4.0)
    points = np.stack([_REFERENCE.x[inside[:, 2]], _REFERENCE.y[inside[:, 1]], _REFERENCE.z[inside[:, 0]]], axis=-1)
    for side, artery, vein in ((-1, (-36, 23, -19), (-27, 14, -40)), (1, (40, 27, -9), (34, 15, -38))):
        here = points[points[:, 0] * side > 0]
        here = here + rng.uniform(-_STEP / 2, _STEP / 2, here.shape)
        share = len(here) * _STEP**3 / 2.4e6
        arteries = grow(body.scale(artery), _spread(here, int(1250 * share), rng), tip_radius=0.48)
        vessels += [arteries, grow(body.scale(vein), _spread(here, int(950 * share), rng), tip_radius=0.48)]
        airways += [beside(arteries, min_radius=1.3, scale=0.75, wall=0.8)]
    trunk = [body.scale(chain) for chain in AIRWAYS]
    for chain, radius in zip(trunk, (8.3, 6.4, 6.0), strict=True):
        airways.append(Tree(chain[:-1], chain[1:], np.full(len(chain) - 1, radius)))
    return PhantomPatient(body, _joined(vessels), _joined(airways), reference)


def _joined(trees: list[Tree]) -> Tree:
    return Tree(*(np.concatenate(column) for column in zip(*trees, strict=True)))


def _spread(points: Points, count: int, rng: np.random.Generator) -> Points:
    """Choose ``count`` of the points, evenly spread: the best of three for each, seen from those chosen."""
    chosen = np.empty((count, 3))
    chosen[0] = points[rng.integers(len(points))]
    for n in range(1, count):
        tries = points[rng.integers(len(points), size=4)]
        gaps = np.linalg.norm(tries[:, None] - chosen[None, :n], axis=2).min(axis=1)
        chosen[n] = tries[gaps.argmax()]
    return chosen
